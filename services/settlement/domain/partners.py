"""Partners' keys: how they begin and end. What a key is made of never comes here."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

MAX_OVERLAP = timedelta(days=30)
"""A replaced key lives on for this long at most."""


class KeyAlgorithm(StrEnum):
    """How a partner signs requests, by the names of RFC 9421."""

    HMAC_SHA256 = "hmac-sha256"
    ED25519 = "ed25519"


class PartnerUnknownError(Exception):
    """There is no such partner."""


class KeyUnknownError(Exception):
    """There is no such key, or it is another partner's."""


class KeyEndedError(Exception):
    """The key is revoked or has run out: it cannot be rotated."""


class PublicKeyError(Exception):
    """A public key is missing, not wanted, or not an Ed25519 one."""


@dataclass(frozen=True, slots=True)
class PartnerKey:
    """One key of a partner, without its material."""

    key_id: str
    partner_id: UUID
    algorithm: KeyAlgorithm
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def is_active(self, now: datetime) -> bool:
        """Whether requests signed with it are honoured."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def end_after(self, overlap: timedelta, *, now: datetime) -> "PartnerKey":
        """Replaced by another one: it is honoured for the overlap, or as long as it already had, if that is shorter.

        :raises KeyEndedError: it has ended already.
        """
        if not self.is_active(now):
            raise KeyEndedError(f"key {self.key_id} has ended; make a new one instead")
        end = now + min(overlap, MAX_OVERLAP)
        return replace(self, expires_at=min(end, self.expires_at) if self.expires_at else end)

    def revoke(self, now: datetime) -> "PartnerKey":
        """Not honoured from now on. Revoking again changes nothing."""
        return self if self.revoked_at else replace(self, revoked_at=now)
