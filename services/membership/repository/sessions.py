"""Sessions and their refresh tokens."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from services.membership.domain.signin import RefreshToken, Session, SubjectKind
from services.membership.tables import REFRESH_TOKENS, SESSIONS
from shared.database import UnitOfWork

_SESSION = (SESSIONS.c.session_id, SESSIONS.c.kind, SESSIONS.c.subject_id, SESSIONS.c.expires_at, SESSIONS.c.ended_at)
_TOKEN = (
    REFRESH_TOKENS.c.digest,
    REFRESH_TOKENS.c.predecessor,
    REFRESH_TOKENS.c.expires_at.label("token_expires_at"),
    REFRESH_TOKENS.c.used_at,
    REFRESH_TOKENS.c.salt,
)


@dataclass(frozen=True, slots=True)
class LockedToken:
    """A refresh token with its session, both locked until the transaction ends."""

    session: Session
    token: RefreshToken


async def add_session(uow: UnitOfWork, session: Session, *, now: datetime) -> None:
    """Begin a session."""
    await uow.sql.execute(
        insert(SESSIONS).values(
            session_id=session.session_id,
            kind=session.kind.value,
            subject_id=session.subject_id,
            started_at=now,
            expires_at=session.expires_at,
        )
    )


async def add_token(
    uow: UnitOfWork, *, session_id: UUID, digest: bytes, predecessor: bytes | None, expires_at: datetime
) -> None:
    """Keep the hash of a refresh token that is about to be handed out."""
    await uow.sql.execute(
        insert(REFRESH_TOKENS).values(
            digest=digest, session_id=session_id, predecessor=predecessor, expires_at=expires_at
        )
    )


async def lock_token(uow: UnitOfWork, digest: bytes) -> LockedToken | None:
    """The token as it stands once everybody before us is done with it; None for one we never gave out."""
    statement = (
        select(*_SESSION, *_TOKEN)
        .join_from(REFRESH_TOKENS, SESSIONS, REFRESH_TOKENS.c.session_id == SESSIONS.c.session_id)
        .where(REFRESH_TOKENS.c.digest == digest)
        .with_for_update()
    )
    row = (await uow.sql.execute(statement)).one_or_none()
    if row is None:
        return None
    session = Session(row.session_id, SubjectKind(row.kind), row.subject_id, row.expires_at, row.ended_at)
    return LockedToken(session, RefreshToken(row.digest, row.predecessor, row.token_expires_at, row.used_at, row.salt))


async def use_token(uow: UnitOfWork, token: RefreshToken, *, salt: bytes, now: datetime) -> None:
    """A token is used: it may repeat for a moment, and the one before it no more."""
    await uow.sql.execute(
        update(REFRESH_TOKENS).where(REFRESH_TOKENS.c.digest == token.digest).values(used_at=now, salt=salt)
    )
    if token.predecessor is not None:
        await uow.sql.execute(
            update(REFRESH_TOKENS).where(REFRESH_TOKENS.c.digest == token.predecessor).values(salt=None)
        )


async def end_session(uow: UnitOfWork, session_id: UUID, *, reason: str, now: datetime) -> bool:
    """End a session, with every token of it. False: it had ended before."""
    statement = (
        update(SESSIONS)
        .where(SESSIONS.c.session_id == session_id, SESSIONS.c.ended_at.is_(None))
        .values(ended_at=now, end_reason=reason)
        .returning(SESSIONS.c.session_id)
    )
    return (await uow.sql.execute(statement)).one_or_none() is not None


async def prune_sessions(uow: UnitOfWork, *, before: datetime, limit: int) -> int:
    """Forget sessions that expired before then, with their tokens; how many went."""
    old = select(SESSIONS.c.session_id).where(SESSIONS.c.expires_at < before).limit(limit)
    result = await uow.sql.execute(delete(SESSIONS).where(SESSIONS.c.session_id.in_(old)))
    return result.rowcount
