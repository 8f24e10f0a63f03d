"""Split contracts and their versions. A published version never changes, so it may be remembered."""

import json
from collections import OrderedDict
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.settlement.domain.contracts import EarnedOn, PartyKind, Share, SplitContract
from shared.clock import new_id
from shared.database import UnitOfWork

REMEMBERED = 10_000
"""Versions kept in memory: the SKUs that are being sold. One takes about 2 kB."""

_FIND = """
SELECT v.sku_id, v.version, v.canonical, v.hash
FROM unnest($1::uuid[], $2::integer[]) AS w (sku_id, version) JOIN contract_versions v USING (sku_id, version)
"""

_CONTRACT = """
INSERT INTO split_contracts (contract_id, sku_id, created_at) VALUES ($1, $2, $3) ON CONFLICT (sku_id) DO NOTHING
"""

_LOCK = "SELECT contract_id FROM split_contracts WHERE sku_id = $1 FOR UPDATE"

_LATEST = """
SELECT version, effective_from FROM contract_versions WHERE contract_id = $1 ORDER BY version DESC LIMIT 1
"""

_PUBLISH = """
INSERT INTO contract_versions
  (contract_id, version, sku_id, effective_from, canonical, hash, published_by, published_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""

ContractKey = tuple[UUID, int]
"""SKU and version."""


class Published(NamedTuple):
    """A published version with its hash."""

    contract: SplitContract
    sha256: str


class PublishedContracts:
    """Looks versions up, and remembers those it has met."""

    def __init__(self) -> None:
        self._known: OrderedDict[ContractKey, Published] = OrderedDict()

    async def find(self, uow: UnitOfWork, keys: AbstractSet[ContractKey]) -> Mapping[ContractKey, Published]:
        """The published ones among these, in at most one query."""
        found = {key: version for key in keys if (version := self._known.get(key)) is not None}
        unknown = [key for key in keys if key not in found]
        if unknown:
            skus, versions = zip(*unknown, strict=True)
            rows = await uow.raw.fetch(_FIND, skus, versions)
            found |= {
                (row["sku_id"], row["version"]): Published(contract_of(row["canonical"]), row["hash"]) for row in rows
            }
        for key, version in found.items():
            self._known[key] = version
            self._known.move_to_end(key)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return found


async def lock_contract(uow: UnitOfWork, *, sku_id: UUID, now: datetime) -> tuple[UUID, int, datetime | None]:
    """Hold the SKU's contract until the end of the unit of work, making it if it is the first.

    Answers its id, its latest version (0: none) and since when that one is in force.
    """
    await uow.raw.execute(_CONTRACT, new_id(), sku_id, now)
    contract_id = await uow.raw.fetchval(_LOCK, sku_id)
    latest = await uow.raw.fetchrow(_LATEST, contract_id)
    if latest is None:
        return contract_id, 0, None
    return contract_id, latest["version"], latest["effective_from"]


async def add_version(uow: UnitOfWork, contract: SplitContract, *, published_by: UUID | None, now: datetime) -> None:
    """Publish one more version; `lock_contract` holds the contract."""
    await uow.raw.execute(
        _PUBLISH,
        contract.contract_id,
        contract.version,
        contract.sku_id,
        contract.effective_from,
        contract.canonical(),
        contract.sha256(),
        published_by,
        now,
    )


def contract_of(canonical: bytes) -> SplitContract:
    """The contract that these canonical bytes say."""
    document = json.loads(canonical)
    return SplitContract(
        contract_id=UUID(document["contract_id"]),
        sku_id=UUID(document["sku_id"]),
        version=document["version"],
        effective_from=datetime.fromisoformat(document["effective_from"]),
        shares=tuple(
            Share(
                party=PartyKind(share["party_kind"]),
                partner_id=UUID(share["partner_id"]) if share["partner_id"] else None,
                share_bp=share["share_bp"],
                remainder=share["remainder"],
                earned_on=EarnedOn(share["earned_on"]),
            )
            for share in document["shares"]
        ),
    )
