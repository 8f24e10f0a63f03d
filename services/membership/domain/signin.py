"""Signing in: how failures slow an account down, what a refresh token may still do, and which passwords are taken."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

MIN_PASSWORD_CHARS = 8
MAX_PASSWORD_CHARS = 128
MIN_DIFFERENT_SIGNS = 4
"""NIST SP 800-63B asks for length and against the obvious, not for composition rules."""


MAX_DOUBLINGS = 32
"""Far beyond any bound that is set; it keeps the number small."""


class PasswordRefusedError(Exception):
    """The password is too short, too long, or too obvious."""


class SignInRefusedError(Exception):
    """Unknown account, wrong password or wrong one-time code: which of them is not said."""


class SignInBusyError(Exception):
    """More are signing in at once than this process may hash passwords for. Try again in a second."""


class SignInLockedError(Exception):
    """Too many failures in a row. The answer is the same whether the account exists or not."""

    def __init__(self, wait: timedelta) -> None:
        seconds = max(1, int(wait.total_seconds()))
        super().__init__(f"try again in {seconds} seconds")
        self.extra = {"retry_after_s": seconds}
        self.headers = {"Retry-After": str(seconds)}


class RefreshRefusedError(Exception):
    """The refresh token is unknown, expired, or its session has ended."""


class RefreshReusedError(Exception):
    """A refresh token came a second time: its whole session has been ended."""


class SubjectKind(StrEnum):
    """Whose session it is."""

    BUYER = "buyer"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class LockPolicy:
    """After `free_attempts` failures in a row each further one makes the account wait, twice as long as before."""

    free_attempts: int
    first_wait: timedelta
    longest_wait: timedelta

    def wait_after(self, failures: int) -> timedelta:
        """How long nobody can sign in to the account after its n-th failure in a row.

        It stays within a bound, because anybody can lock anybody out this way.
        """
        beyond = failures - self.free_attempts
        if beyond < 0:
            return timedelta()
        doublings = min(beyond, MAX_DOUBLINGS)
        return min(self.first_wait * (1 << doublings), self.longest_wait)


@dataclass(frozen=True, slots=True)
class SessionPolicy:
    """How long a session lives: `idle` after its last refresh, `longest` in all; a token repeats within `grace`."""

    idle: timedelta
    longest: timedelta
    grace: timedelta


@dataclass(frozen=True, slots=True)
class Session:
    """A family of refresh tokens: each is used once and brings its successor."""

    session_id: UUID
    kind: SubjectKind
    subject_id: UUID
    expires_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token as it is kept: by its hash.

    `salt` is there once the token was used, and makes its successor again; it goes when the successor is used.
    """

    digest: bytes
    predecessor: bytes | None
    expires_at: datetime
    used_at: datetime | None
    salt: bytes | None


class RefreshVerdict(StrEnum):
    """What becomes of a refresh."""

    ROTATE = "rotate"
    REPEAT = "repeat"
    REUSED = "reused"
    EXPIRED = "expired"


def judge_refresh(session: Session, token: RefreshToken, *, now: datetime, policy: SessionPolicy) -> RefreshVerdict:
    """A fresh token rotates. A used one repeats its answer for a moment, as long as nobody has used the successor.

    Two tabs refresh at once, or an answer is lost: that is the moment's use. After it, somebody holds a token that
    was stolen, and nobody can tell who: the session ends.
    """
    if session.ended_at is not None or now >= session.expires_at:
        return RefreshVerdict.EXPIRED
    if token.used_at is None:
        return RefreshVerdict.ROTATE if now < token.expires_at else RefreshVerdict.EXPIRED
    if token.salt is not None and now - token.used_at <= policy.grace:
        return RefreshVerdict.REPEAT
    return RefreshVerdict.REUSED


def digest_of(token: str) -> bytes:
    """What is kept of a refresh token. It has 256 bits of its own, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).digest()


def successor_of(token: str, salt: bytes) -> str:
    """The next token, made of the one before and a salt that only the database has: neither alone tells it."""
    return hmac.digest(token.encode(), salt, "sha256").hex()


def check_password(password: str, *, contacts: tuple[str, ...]) -> None:
    """:raises PasswordRefusedError: it is not fit to guard an account."""
    if not MIN_PASSWORD_CHARS <= len(password) <= MAX_PASSWORD_CHARS:
        raise PasswordRefusedError(f"a password has {MIN_PASSWORD_CHARS} to {MAX_PASSWORD_CHARS} characters")
    if len(set(password)) < MIN_DIFFERENT_SIGNS:
        raise PasswordRefusedError(f"a password has at least {MIN_DIFFERENT_SIGNS} different characters")
    folded = password.casefold()
    if any(folded in contact or contact in folded for contact in contacts):
        raise PasswordRefusedError("a password is not the phone number or the e-mail address")
