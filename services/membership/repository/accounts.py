"""Members, operators and failed attempts."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from services.membership.domain.accounts import AccountExistsError, Candidate, NewMember, Operator, WechatTakenError
from services.membership.domain.contacts import ContactKind
from services.membership.domain.roles import OperatorRole
from services.membership.domain.vault import SealedSecret
from services.membership.tables import FAILED_ATTEMPTS, MEMBERS, OPERATORS
from shared.crypto import WrappedKey
from shared.database import UnitOfWork, violated

_TAKEN = frozenset({"uq_members_phone_index", "uq_members_email_index"})

_COUNT_ATTEMPT = """
INSERT INTO failed_attempts AS f (account_index, failures, last_at) VALUES ($1, 1, $2)
ON CONFLICT (account_index) DO UPDATE
   SET failures = CASE WHEN f.last_at < $3 THEN 1 ELSE f.failures + 1 END, last_at = excluded.last_at
 WHERE f.locked_until IS NULL OR f.locked_until <= excluded.last_at
RETURNING failures
"""
"""The attempt counts as failed until it has succeeded, so that many at once cannot slip through."""


async def add_member(uow: UnitOfWork, member: NewMember) -> None:
    """Open an account.

    :raises AccountExistsError: somebody has registered with one of these contacts, perhaps this moment. The
        transaction cannot go on then.
    """
    sealed = member.contacts
    statement = insert(MEMBERS).values(
        member_id=member.member_id,
        phone_index=sealed.indexes.get(ContactKind.PHONE),
        phone_sealed=sealed.texts.get(ContactKind.PHONE),
        email_index=sealed.indexes.get(ContactKind.EMAIL),
        email_sealed=sealed.texts.get(ContactKind.EMAIL),
        kek_version=sealed.key.kek_version,
        wrapped_dek=sealed.key.wrapped,
        password_hash=member.password_hash,
        invite_code=member.invite_code,
        invited_by=member.invited_by,
        registered_at=member.registered_at,
    )
    try:
        await uow.sql.execute(statement)
    except IntegrityError as error:
        if violated(error) in _TAKEN:
            raise AccountExistsError("this phone number or e-mail address has an account") from None
        raise


async def lock_key(uow: UnitOfWork, member_id: UUID) -> WrappedKey | None:
    """The data key of a member, whose row is locked; None: there is no such member."""
    statement = select(MEMBERS.c.kek_version, MEMBERS.c.wrapped_dek).where(MEMBERS.c.member_id == member_id)
    row = (await uow.sql.execute(statement.with_for_update())).one_or_none()
    return WrappedKey(row.kek_version, row.wrapped_dek) if row else None


async def set_wechat(uow: UnitOfWork, member_id: UUID, *, index: bytes, text: bytes) -> None:
    """Keep who a member is to the mini-program.

    :raises WechatTakenError: another account has bound the same. The transaction cannot go on then.
    """
    statement = update(MEMBERS).where(MEMBERS.c.member_id == member_id).values(wechat_index=index, wechat_sealed=text)
    try:
        await uow.sql.execute(statement)
    except IntegrityError as error:
        if violated(error) == "uq_members_wechat_index":
            raise WechatTakenError("another account is bound to it") from None
        raise


async def inviter(uow: UnitOfWork, invite_code: str) -> UUID | None:
    """Whose invite code this is."""
    statement = select(MEMBERS.c.member_id).where(MEMBERS.c.invite_code == invite_code)
    return (await uow.sql.execute(statement)).scalar_one_or_none()


async def candidate(uow: UnitOfWork, contact_index: bytes) -> Candidate | None:
    """The account that is found by this contact."""
    statement = select(MEMBERS.c.member_id, MEMBERS.c.password_hash).where(
        or_(MEMBERS.c.phone_index == contact_index, MEMBERS.c.email_index == contact_index)
    )
    row = (await uow.sql.execute(statement)).one_or_none()
    return Candidate(row.member_id, row.password_hash) if row else None


async def renew_member_hash(uow: UnitOfWork, member_id: UUID, password_hash: str) -> None:
    """Keep the password by today's parameters."""
    await uow.sql.execute(update(MEMBERS).where(MEMBERS.c.member_id == member_id).values(password_hash=password_hash))


async def operator_logins(uow: UnitOfWork, logins: Iterable[str]) -> set[str]:
    """Which of these logins there are."""
    statement = select(OPERATORS.c.login).where(OPERATORS.c.login.in_(list(logins)))
    return set((await uow.sql.execute(statement)).scalars())


async def add_operator(uow: UnitOfWork, operator: Operator, *, now: datetime) -> bool:
    """Whether the operator is new; one who is there keeps his password, whatever the seed says."""
    statement = (
        insert(OPERATORS)
        .values(
            operator_id=operator.operator_id,
            login=operator.login,
            password_hash=operator.password_hash,
            kek_version=operator.totp.key.kek_version,
            wrapped_dek=operator.totp.key.wrapped,
            totp_sealed=operator.totp.text,
            roles=sorted(operator.roles),
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=[OPERATORS.c.login])
        .returning(OPERATORS.c.operator_id)
    )
    return (await uow.sql.execute(statement)).one_or_none() is not None


async def operator(uow: UnitOfWork, login: str) -> Operator | None:
    """The operator of this login."""
    row = (await uow.sql.execute(select(OPERATORS).where(OPERATORS.c.login == login))).one_or_none()
    if row is None:
        return None
    return Operator(
        operator_id=row.operator_id,
        login=row.login,
        password_hash=row.password_hash,
        totp=SealedSecret(WrappedKey(row.kek_version, row.wrapped_dek), row.totp_sealed),
        totp_step=row.totp_step,
        roles=frozenset(OperatorRole(role) for role in row.roles),
    )


async def operator_roles(uow: UnitOfWork, operator_id: UUID) -> frozenset[OperatorRole] | None:
    """An operator's roles as they are now; None when he is gone."""
    roles = (
        await uow.sql.execute(select(OPERATORS.c.roles).where(OPERATORS.c.operator_id == operator_id))
    ).scalar_one_or_none()
    return None if roles is None else frozenset(OperatorRole(role) for role in roles)


async def use_totp_step(uow: UnitOfWork, operator_id: UUID, step: int) -> bool:
    """Use up a one-time code. False: it, or a later one, was used before."""
    statement = (
        update(OPERATORS)
        .where(OPERATORS.c.operator_id == operator_id, OPERATORS.c.totp_step < step)
        .values(totp_step=step)
        .returning(OPERATORS.c.operator_id)
    )
    return (await uow.sql.execute(statement)).one_or_none() is not None


async def renew_operator_hash(uow: UnitOfWork, operator_id: UUID, password_hash: str) -> None:
    """Keep the password by today's parameters."""
    await uow.sql.execute(
        update(OPERATORS).where(OPERATORS.c.operator_id == operator_id).values(password_hash=password_hash)
    )


async def count_attempt(uow: UnitOfWork, account_index: bytes, *, now: datetime, forget_after: timedelta) -> int | None:
    """Count an attempt as a failure in advance.

    :returns: how many there have been in a row, this one included; None while the account is locked.
    """
    failures: int | None = await uow.raw.fetchval(_COUNT_ATTEMPT, account_index, now, now - forget_after)
    return failures


async def locked_until(uow: UnitOfWork, account_index: bytes) -> datetime | None:
    """When the next attempt is let through."""
    statement = select(FAILED_ATTEMPTS.c.locked_until).where(FAILED_ATTEMPTS.c.account_index == account_index)
    return (await uow.sql.execute(statement)).scalar_one_or_none()


async def lock_account(uow: UnitOfWork, account_index: bytes, *, until: datetime) -> None:
    """Let nobody try again before then, unless the attempt under way succeeds."""
    await uow.sql.execute(
        update(FAILED_ATTEMPTS).where(FAILED_ATTEMPTS.c.account_index == account_index).values(locked_until=until)
    )


async def clear_attempts(uow: UnitOfWork, account_index: bytes) -> None:
    """Somebody signed in: the failures are forgotten."""
    await uow.sql.execute(delete(FAILED_ATTEMPTS).where(FAILED_ATTEMPTS.c.account_index == account_index))


async def prune_attempts(uow: UnitOfWork, *, before: datetime, limit: int) -> int:
    """Forget failures that nobody added to since `before`; how many rows went."""
    old = select(FAILED_ATTEMPTS.c.account_index).where(FAILED_ATTEMPTS.c.last_at < before).limit(limit)
    result = await uow.sql.execute(delete(FAILED_ATTEMPTS).where(FAILED_ATTEMPTS.c.account_index.in_(old)))
    return result.rowcount
