"""How requests and answers are signed: HMAC-SHA256 in hex over lines, under the merchant's secret.

A request: method, path, timestamp, nonce, SHA-256 of the body. An answer: status, the request's nonce, SHA-256 of the body.
"""

import hashlib
import hmac
import time
from collections import OrderedDict
from collections.abc import Mapping

TIMESTAMP_HEADER = "x-timestamp"
NONCE_HEADER = "x-nonce"
SIGNATURE_HEADER = "x-signature"

SKEW_S = 300
NONCES_MAX = 100_000


class SignatureError(Exception):
    """The request is not signed by the merchant, too old, or was seen before."""


class Verifier:
    """Checks requests and signs answers. Remembers a bounded number of nonces."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self._nonces: OrderedDict[str, None] = OrderedDict()

    def verify(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> str:
        """The request's nonce.

        :raises SignatureError: the request cannot be trusted.
        """
        timestamp, nonce = headers.get(TIMESTAMP_HEADER, ""), headers.get(NONCE_HEADER, "")
        expected = self._sign(method, path, timestamp, nonce, _digest(body))
        if not hmac.compare_digest(expected.encode(), headers.get(SIGNATURE_HEADER, "").encode()):
            raise SignatureError("the signature is wrong")
        if not timestamp.isdigit() or abs(time.time() - int(timestamp)) > SKEW_S:
            raise SignatureError("the timestamp is out of range")
        if not nonce or nonce in self._nonces:
            raise SignatureError("the nonce was used before")
        self._nonces[nonce] = None
        if len(self._nonces) > NONCES_MAX:
            self._nonces.popitem(last=False)
        return nonce

    def sign_answer(self, status: int, nonce: str, body: bytes) -> str:
        """The signature that an answer carries."""
        return self._sign(str(status), nonce, _digest(body))

    def _sign(self, *lines: str) -> str:
        return hmac.new(self._secret, "\n".join(lines).encode(), "sha256").hexdigest()


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
