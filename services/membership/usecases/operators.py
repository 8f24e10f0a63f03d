"""Operators that an installation begins with."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.membership.domain.accounts import Operator
from services.membership.domain.roles import OperatorRole
from services.membership.domain.vault import Vault
from services.membership.repository import accounts
from services.membership.usecases.passwords import Passwords
from shared.clock import new_id
from shared.crypto import Secret
from shared.database import Database
from shared.observability import get_logger

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SeededOperator:
    """An operator as the seed file names him."""

    login: str
    password: Secret
    totp_secret: Secret
    roles: frozenset[OperatorRole]


async def create_missing(
    database: Database, seeded: Sequence[SeededOperator], *, vault: Vault, passwords: Passwords, now: datetime
) -> None:
    """Create the operators of the seed who are not there. Those who are keep what they have."""
    async with database.read() as uow:
        known = await accounts.operator_logins(uow, [one.login for one in seeded])
    for one in seeded:
        if one.login in known:
            continue
        operator_id = new_id()
        operator = Operator(
            operator_id=operator_id,
            login=one.login,
            password_hash=await passwords.hash(one.password),
            totp=vault.seal_secret(operator_id, one.totp_secret),
            totp_step=0,
            roles=one.roles,
        )
        async with database.begin() as uow:
            if await accounts.add_operator(uow, operator, now=now):
                log.info("operator.created", operator_id=str(operator_id), roles=sorted(one.roles))
