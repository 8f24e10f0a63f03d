"""Proving who one is. The password is verified between two transactions: none is open while Argon2 works.

An attempt is counted as failed before the password is looked at, and forgiven once it was right. So a hundred attempts
at once get as far as five in a row.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.membership.domain.accounts import Operator
from services.membership.domain.contacts import Contact
from services.membership.domain.roles import scopes_of
from services.membership.domain.signin import LockPolicy, SignInLockedError, SignInRefusedError, SubjectKind
from services.membership.domain.vault import Vault
from services.membership.repository import accounts
from services.membership.usecases import one_time_codes
from services.membership.usecases.passwords import Passwords
from services.membership.usecases.sessions import Sessions, Tokens
from shared.crypto import Secret
from shared.database import Database, UnitOfWork
from shared.observability import Counter, get_logger

log = get_logger(__name__)

FAILURES_FORGOTTEN_AFTER = timedelta(hours=24)
REFUSED = "the account, the password or the one-time code is wrong"

_SIGN_INS = Counter("sign_ins_total", "Attempts to sign in", ["kind", "outcome"])


@dataclass(frozen=True, slots=True)
class SignIn:
    """Everything that signing in needs."""

    database: Database
    vault: Vault
    passwords: Passwords
    sessions: Sessions
    lock_policy: LockPolicy

    async def buyer(self, contact: Contact, password: Secret, *, now: datetime) -> Tokens:
        """Sign a member in.

        :raises SignInRefusedError: there is no such account, or the password is wrong.
        :raises SignInLockedError: there were too many failures in a row.
        :raises SignInBusyError: too many sign in at once.
        """
        self.passwords.ensure_room()
        attempt = self.vault.attempt_index(contact.index_text)
        async with self.database.begin() as uow:
            await self._count(uow, attempt, SubjectKind.BUYER, now=now)
            candidate = await accounts.candidate(uow, self.vault.index(contact))
        right = await self.passwords.verify(password, candidate.password_hash if candidate else None)
        if candidate is None or not right:
            raise _refusal(SubjectKind.BUYER)
        renewed = await self._renewed(password, candidate.password_hash)
        async with self.database.begin() as uow:
            await accounts.clear_attempts(uow, attempt)
            if renewed is not None:
                await accounts.renew_member_hash(uow, candidate.member_id, renewed)
            _SIGN_INS.labels(SubjectKind.BUYER, "done").inc()
            return await self.sessions.begin(
                uow, kind=SubjectKind.BUYER, subject_id=candidate.member_id, scopes=(), now=now
            )

    async def operator(self, login: str, password: Secret, code: str, *, now: datetime) -> Tokens:
        """Sign an operator in, by password and one-time code. A code works once, whoever sees it.

        :raises SignInRefusedError: there is no such operator, or the password or the code is wrong or was used.
        :raises SignInLockedError: there were too many failures in a row.
        :raises SignInBusyError: too many sign in at once.
        """
        self.passwords.ensure_room()
        attempt = self.vault.attempt_index(f"operator|{login}")
        async with self.database.begin() as uow:
            await self._count(uow, attempt, SubjectKind.OPERATOR, now=now)
            operator = await accounts.operator(uow, login)
        right = await self.passwords.verify(password, operator.password_hash if operator else None)
        step = self._matching_step(operator, code, now=now) if operator and right else None
        if operator is None or step is None:
            raise _refusal(SubjectKind.OPERATOR)
        renewed = await self._renewed(password, operator.password_hash)
        async with self.database.begin() as uow:
            if not await accounts.use_totp_step(uow, operator.operator_id, step):
                raise _refusal(SubjectKind.OPERATOR)
            await accounts.clear_attempts(uow, attempt)
            if renewed is not None:
                await accounts.renew_operator_hash(uow, operator.operator_id, renewed)
            _SIGN_INS.labels(SubjectKind.OPERATOR, "done").inc()
            log.info("operator.signed_in", operator_id=str(operator.operator_id))
            return await self._begin_operator(uow, operator, now=now)

    async def _begin_operator(self, uow: UnitOfWork, operator: Operator, *, now: datetime) -> Tokens:
        return await self.sessions.begin(
            uow,
            kind=SubjectKind.OPERATOR,
            subject_id=operator.operator_id,
            scopes=scopes_of(operator.roles),
            now=now,
        )

    async def _count(self, uow: UnitOfWork, attempt: bytes, kind: SubjectKind, *, now: datetime) -> None:
        failures = await accounts.count_attempt(uow, attempt, now=now, forget_after=FAILURES_FORGOTTEN_AFTER)
        if failures is None:
            until = await accounts.locked_until(uow, attempt) or now
            _SIGN_INS.labels(kind, "locked").inc()
            raise SignInLockedError(until - now)
        wait = self.lock_policy.wait_after(failures)
        if wait:
            await accounts.lock_account(uow, attempt, until=now + wait)

    def _matching_step(self, operator: Operator, code: str, *, now: datetime) -> int | None:
        secret = self.vault.open_secret(operator.operator_id, operator.totp)
        return one_time_codes.matching_step(secret, code, now=now)

    async def _renewed(self, password: Secret, kept: str) -> str | None:
        """The password hashed by today's parameters, if it was kept by older ones."""
        return await self.passwords.hash(password) if self.passwords.is_outdated(kept) else None


def _refusal(kind: SubjectKind) -> SignInRefusedError:
    _SIGN_INS.labels(kind, "refused").inc()
    return SignInRefusedError(REFUSED)
