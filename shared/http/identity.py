"""Who is asking, as the gateway found out: a signed header that lives a minute. Services believe nothing else."""

import base64
import binascii
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import orjson

from shared.http.bounded import BoundedMap

IDENTITY_HEADER = "x-kaquan-identity"
TTL_S = 60
SKEW_S = 5
"""Clocks of two machines may differ by this much."""

CACHED_IDENTITIES = 10_000
"""Verified headers kept: the gateway sends the same one for a caller until it is half spent."""

_MAC_TEXT_BYTES = 43
"""An unpadded base64url SHA-256."""


class Role(StrEnum):
    BUYER = "buyer"
    GUEST = "guest"
    OPERATOR = "operator"
    PARTNER = "partner"
    CHANNEL = "channel"
    SERVICE = "service"
    ANONYMOUS = "anonymous"


class IdentityError(Exception):
    """The header is no identity that this installation signed."""


class IdentityExpiredError(IdentityError):
    """It was one, and its minute is over."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A caller. `subject` is the member's, operator's, partner's or channel's id, a guest's order id, or a service's name."""

    role: Role
    subject: str
    ip: str = ""
    device: str | None = None
    scopes: frozenset[str] = frozenset()
    order_id: UUID | None = None
    session_id: str | None = None

    @property
    def member_id(self) -> UUID | None:
        return self._id_if(Role.BUYER)

    @property
    def partner_id(self) -> UUID | None:
        return self._id_if(Role.PARTNER)

    @property
    def channel_id(self) -> UUID | None:
        return self._id_if(Role.CHANNEL)

    @property
    def operator_id(self) -> UUID | None:
        return self._id_if(Role.OPERATOR)

    @property
    def caller(self) -> str:
        """Whom an idempotency key belongs to. Nobody in particular is told apart by device, else by address."""
        if self.role is Role.ANONYMOUS:
            return f"{self.role}:{self.device or self.ip}"
        return f"{self.role}:{self.subject}"

    def may(self, scope: str) -> bool:
        """Whether an operator's roles cover this; `admin` covers everything."""
        return scope in self.scopes or "admin" in self.scopes

    def _id_if(self, role: Role) -> UUID | None:
        return UUID(self.subject) if self.role is role else None


class IdentitySigner:
    """Signs and verifies the identity header by HMAC-SHA256. `service` is the name of the process that signs."""

    def __init__(self, key: bytes, service: str, *, now: Callable[[], float] = time.time) -> None:
        self._key = key
        self._service = service
        self._now = now
        self._verified: BoundedMap[str, tuple[Identity, float]] = BoundedMap(CACHED_IDENTITIES)

    @property
    def service(self) -> str:
        return self._service

    def sign(self, identity: Identity) -> str:
        """The header's value, good for `TTL_S` seconds."""
        payload = orjson.dumps(
            [
                self._service,
                identity.role,
                identity.subject,
                identity.ip,
                identity.device,
                sorted(identity.scopes),
                identity.order_id,
                identity.session_id,
                int(self._now()) + TTL_S,
            ]
        )
        body = base64.urlsafe_b64encode(payload)
        return (body + b"." + self._mac(body)).decode()

    def verify(self, header: str) -> Identity:
        """The identity that was signed.

        :raises IdentityExpiredError: its time is over.
        :raises IdentityError: it was not signed with our key, or not at all.
        """
        now = self._now()
        known = self._verified.get(header)
        if known is None:
            known = self._check(header, now)
            self._verified.put(header, known)
        identity, expires_at = known
        if expires_at < now:
            self._verified.discard(header)
            raise IdentityExpiredError("the identity has expired")
        return identity

    def _check(self, header: str, now: float) -> tuple[Identity, float]:
        body, _, mac = header.partition(".")
        if (
            len(mac) != _MAC_TEXT_BYTES
            or not header.isascii()
            or not hmac.compare_digest(self._mac(body.encode()), mac.encode())
        ):
            raise IdentityError("the identity is not signed by this installation")
        try:
            _, role, subject, ip, device, scopes, order_id, session_id, expires_at = orjson.loads(
                base64.urlsafe_b64decode(body)
            )
            identity = Identity(
                role=Role(role),
                subject=subject,
                ip=ip,
                device=device,
                scopes=frozenset(scopes),
                order_id=UUID(order_id) if order_id else None,
                session_id=session_id,
            )
        except (ValueError, TypeError, binascii.Error):
            raise IdentityError("the identity cannot be read") from None
        if expires_at > now + TTL_S + SKEW_S:
            raise IdentityError("the identity would live too long")
        return identity, expires_at

    def _mac(self, body: bytes) -> bytes:
        return base64.urlsafe_b64encode(hmac.digest(self._key, body, "sha256")).rstrip(b"=")
