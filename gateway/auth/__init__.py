"""Who is asking, and how that is known."""

from gateway.auth.addresses import ClientAddresses
from gateway.auth.audience import SIGNERS, Audience, Scope
from gateway.auth.credentials import AuthError, Credential, anonymous
from gateway.auth.signatures import FindKey, PartnerKey, PartnerVerifier, SignedMessage
from gateway.auth.tokens import TokenVerifier

__all__ = [
    "SIGNERS",
    "Audience",
    "AuthError",
    "ClientAddresses",
    "Credential",
    "FindKey",
    "PartnerKey",
    "PartnerVerifier",
    "Scope",
    "SignedMessage",
    "TokenVerifier",
    "anonymous",
]
