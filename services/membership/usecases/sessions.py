"""Sessions: begin, refresh by rotation, end."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.membership.domain.roles import scopes_of
from services.membership.domain.signin import (
    RefreshToken,
    RefreshVerdict,
    Session,
    SessionPolicy,
    SubjectKind,
    digest_of,
    judge_refresh,
    successor_of,
)
from services.membership.repository import accounts
from services.membership.repository import sessions as repository
from services.membership.usecases.access_tokens import AccessTokens
from shared.clock import new_id
from shared.crypto import Secret
from shared.database import UnitOfWork

TOKEN_BYTES = 32

Policies = Mapping[SubjectKind, SessionPolicy]


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a client is handed. `subject_id` is the member's or operator's id."""

    subject_id: UUID
    kind: SubjectKind
    access: Secret
    refresh: Secret
    expires_in: timedelta


@dataclass(frozen=True, slots=True)
class Refreshed:
    """How a refresh ended. `tokens` only where it went well; what ended a session is committed all the same."""

    verdict: RefreshVerdict
    tokens: Tokens | None = None


class Sessions:
    """Hands out tokens by fixed policies. Takes part in the caller's transaction."""

    def __init__(self, access_tokens: AccessTokens, policies: Policies) -> None:
        self._access_tokens = access_tokens
        self._policies = policies

    async def begin(
        self, uow: UnitOfWork, *, kind: SubjectKind, subject_id: UUID, scopes: Iterable[str], now: datetime
    ) -> Tokens:
        """Begin a session for somebody who has just proved who he is."""
        policy = self._policies[kind]
        session = Session(new_id(), kind, subject_id, now + policy.longest, None)
        refresh = secrets.token_hex(TOKEN_BYTES)
        await repository.add_session(uow, session, now=now)
        await self._keep(uow, session, refresh, predecessor=None, now=now)
        return self._tokens(session, refresh, scopes=scopes, now=now)

    async def refresh(self, uow: UnitOfWork, *, token: Secret, now: datetime) -> Refreshed:
        """Exchange a refresh token for the next. A reused one ends its session, which the caller must let commit."""
        locked = await repository.lock_token(uow, digest_of(token.reveal()))
        if locked is None:
            return Refreshed(RefreshVerdict.EXPIRED)
        session = locked.session
        scopes = await self._scopes(uow, session)
        if scopes is None:
            await repository.end_session(uow, session.session_id, reason="subject_gone", now=now)
            return Refreshed(RefreshVerdict.EXPIRED)
        verdict = judge_refresh(session, locked.token, now=now, policy=self._policies[session.kind])
        match verdict:
            case RefreshVerdict.ROTATE:
                successor = await self._rotate(uow, session, token, locked.token, now=now)
            case RefreshVerdict.REPEAT:
                successor = successor_of(token.reveal(), locked.token.salt or b"")
            case RefreshVerdict.REUSED:
                await repository.end_session(uow, session.session_id, reason="token_reused", now=now)
                return Refreshed(verdict)
            case RefreshVerdict.EXPIRED:
                return Refreshed(verdict)
        return Refreshed(verdict, self._tokens(session, successor, scopes=scopes, now=now))

    async def end(self, uow: UnitOfWork, *, token: Secret, now: datetime) -> bool:
        """Sign out. False: the token is none of ours, or the session had ended before."""
        locked = await repository.lock_token(uow, digest_of(token.reveal()))
        if locked is None:
            return False
        return await repository.end_session(uow, locked.session.session_id, reason="signed_out", now=now)

    async def _rotate(
        self, uow: UnitOfWork, session: Session, token: Secret, kept: RefreshToken, *, now: datetime
    ) -> str:
        salt = secrets.token_bytes(TOKEN_BYTES)
        successor = successor_of(token.reveal(), salt)
        await repository.use_token(uow, kept, salt=salt, now=now)
        await self._keep(uow, session, successor, predecessor=kept.digest, now=now)
        return successor

    async def _keep(
        self, uow: UnitOfWork, session: Session, refresh: str, *, predecessor: bytes | None, now: datetime
    ) -> None:
        expires_at = min(now + self._policies[session.kind].idle, session.expires_at)
        await repository.add_token(
            uow,
            session_id=session.session_id,
            digest=digest_of(refresh),
            predecessor=predecessor,
            expires_at=expires_at,
        )

    async def _scopes(self, uow: UnitOfWork, session: Session) -> frozenset[str] | None:
        """What the subject may do as of now; None when he is gone."""
        if session.kind is SubjectKind.BUYER:
            return frozenset()
        roles = await accounts.operator_roles(uow, session.subject_id)
        return None if roles is None else scopes_of(roles)

    def _tokens(self, session: Session, refresh: str, *, scopes: Iterable[str], now: datetime) -> Tokens:
        access = self._access_tokens.issue(session, scopes=scopes, now=now)
        return Tokens(session.subject_id, session.kind, access, Secret(refresh), self._access_tokens.lifetime)
