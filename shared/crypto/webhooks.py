"""Standard Webhooks 1.0: a message, its time and its body signed together by HMAC-SHA256, under a secret `whsec_…`.

Signed is `id.timestamp.body`; the headers are `webhook-id`, `webhook-timestamp` (seconds since 1970) and
`webhook-signature`, which holds one or more of `v1,<base64>` with blanks between. Written from the published
specification and tested with its example: the package of that name is untyped.
"""

import base64
import binascii
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from shared.crypto.secret import Secret

SECRET_PREFIX: Final = "whsec_"  # noqa: S105  # what every secret begins with
SECRET_BYTES: Final = 32
SECRET_BYTES_MIN: Final = 24
SECRET_BYTES_MAX: Final = 64
SKEW_S: Final = 300
"""How far a message's time may lie from ours, either way."""

ID_HEADER: Final = "webhook-id"
TIME_HEADER: Final = "webhook-timestamp"
SIGNATURE_HEADER: Final = "webhook-signature"

_VERSION = "v1,"


class WebhookInvalidError(Exception):
    """The message is not signed with this secret, or too old, or of the future. The text is a short word."""


class WebhookSecretError(ValueError):
    """The text is no secret of this scheme; it is not repeated."""


def new_webhook_secret() -> Secret:
    """A fresh secret."""
    return Secret(SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode())


def check_webhook_secret(secret: Secret) -> None:
    """:raises WebhookSecretError: it is none."""
    _key(secret)


def signed_headers(secret: Secret, body: bytes, *, message_id: str, now: datetime) -> dict[str, str]:
    """The headers of one sending. A message keeps its id however often it is sent.

    :raises WebhookSecretError: the secret is none.
    """
    timestamp = str(int(now.timestamp()))
    return {
        ID_HEADER: message_id,
        TIME_HEADER: timestamp,
        SIGNATURE_HEADER: _sign(secret, message_id, timestamp, body),
    }


def verify_webhook(secret: Secret, headers: Mapping[str, str], body: bytes, *, now: datetime) -> str:
    """The message's id, if it is signed with the secret and its time is ours.

    :raises WebhookInvalidError: it is not. :raises WebhookSecretError: the secret is none.
    """
    message_id, timestamp = headers.get(ID_HEADER, ""), headers.get(TIME_HEADER, "")
    if not message_id or not timestamp.isascii() or not timestamp.isdigit():
        raise WebhookInvalidError("headers_missing")
    if abs(now.timestamp() - int(timestamp)) > SKEW_S:
        raise WebhookInvalidError("time_off")
    expected = _sign(secret, message_id, timestamp, body).encode()
    given = headers.get(SIGNATURE_HEADER, "").encode().split()
    if not any(hmac.compare_digest(expected, each) for each in given):
        raise WebhookInvalidError("signature_invalid")
    return message_id


def _sign(secret: Secret, message_id: str, timestamp: str, body: bytes) -> str:
    signed = f"{message_id}.{timestamp}.".encode() + body
    return _VERSION + base64.b64encode(hmac.digest(_key(secret), signed, "sha256")).decode()


def _key(secret: Secret) -> bytes:
    text = secret.reveal()
    try:
        key = base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not text.startswith(SECRET_PREFIX) or not SECRET_BYTES_MIN <= len(key) <= SECRET_BYTES_MAX:
        raise WebhookSecretError("a secret is whsec_ and 24 to 64 bytes in base64")
    return key
