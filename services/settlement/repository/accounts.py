"""From an account's code to its number. Accounts are opened on first use and never change, so numbers may be remembered."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from services.settlement.domain.accounts import kind_of, owner_of
from shared.database import UnitOfWork

_FIND = "SELECT code, account_id FROM accounts WHERE code = ANY($1::text[])"

_OPEN = """
INSERT INTO accounts (code, kind, owner, currency)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
ON CONFLICT (code) DO NOTHING
"""


class AccountNumbers:
    """The numbers of all accounts this process has met: as many as there are partners, suppliers and providers."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    async def of(self, uow: UnitOfWork, codes: AbstractSet[str]) -> Mapping[str, int]:
        """The number of every account, opening those that are new. Remembered once the unit of work has committed."""
        unknown = sorted(codes - self._known.keys())
        if not unknown:
            return self._known
        found = await _find(uow, unknown)
        if missing := [code for code in unknown if code not in found]:
            kinds = [kind_of(code).value for code in missing]
            owners = [owner_of(code) for code in missing]
            currencies = [code.rpartition(":")[2] for code in missing]
            await uow.raw.execute(_OPEN, missing, kinds, owners, currencies)
            found |= await _find(uow, missing)  # also those that somebody else opened meanwhile
        uow.after_commit(lambda: self._known.update(found))
        return self._known | found


async def _find(uow: UnitOfWork, codes: list[str]) -> dict[str, int]:
    return {row["code"]: row["account_id"] for row in await uow.raw.fetch(_FIND, codes)}
