"""A caller who was recognised, with the signed header that tells services so."""

import time

from shared.http.identity import TTL_S, Identity, IdentitySigner, Role

RENEW_BEFORE_S = TTL_S / 2
"""A header is used for half its life, so that it never expires on the way, and services find it in their cache."""


class AuthError(Exception):
    """The caller's proof is worth nothing. `code` is the problem's code."""

    def __init__(self, code: str, detail: str, *, status: int = 401) -> None:
        super().__init__(detail)
        self.code = code
        self.status = status


class Credential:
    """Who a token or a key belongs to, until when, and the last header made for it."""

    __slots__ = ("_header", "_place", "_renew_at", "caller", "expires_at", "identity")

    def __init__(self, identity: Identity, *, expires_at: float) -> None:
        self.identity = identity
        self.caller = identity.caller
        self.expires_at = expires_at
        self._place: tuple[str, str | None] = ("", None)
        self._header = b""
        self._renew_at = 0.0

    def header(self, signer: IdentitySigner, *, ip: str, device: str | None, now: float) -> bytes:
        """The signed identity for a request from this address and device."""
        place = (ip, device)
        if now < self._renew_at and place == self._place:
            return self._header
        own = self.identity
        self._header = signer.sign(
            Identity(
                role=own.role,
                subject=own.subject,
                ip=ip,
                device=device,
                scopes=own.scopes,
                order_id=own.order_id,
                session_id=own.session_id,
            )
        ).encode()
        self._place = place
        self._renew_at = now + RENEW_BEFORE_S
        return self._header


def anonymous(ip: str) -> Credential:
    """Nobody in particular, told apart by address."""
    return Credential(Identity(Role.ANONYMOUS, "", ip=ip), expires_at=time.time() + TTL_S)
