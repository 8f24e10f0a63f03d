"""Our signature: HMAC-SHA256 in hex over lines, of a request in its headers and of its answer likewise."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from services.inventory.clients.wires.port import NotUnderstoodError, WireRequest, WireResponse
from shared.crypto import Secret

SIGNATURE_HEADER = "X-Signature"


@dataclass(frozen=True, slots=True)
class Signer:
    """Who we are to a supplier at this address."""

    base_url: str
    merchant_id: str
    secret: Secret

    def write(self, path: str, body: bytes, content_type: str, *, now: datetime) -> WireRequest:
        """A signed request: method, path, timestamp, nonce and the body's digest."""
        nonce, timestamp = secrets.token_hex(16), str(int(now.timestamp()))
        whole_path = urlsplit(self.base_url).path.rstrip("/") + path
        headers: Mapping[str, str] = {
            "Content-Type": content_type,
            "X-Merchant-Id": self.merchant_id,
            "X-Timestamp": timestamp,
            "X-Nonce": nonce,
            SIGNATURE_HEADER: sign_lines(self.secret, "POST", whole_path, timestamp, nonce, digest(body)),
        }
        return WireRequest(path, body, headers, nonce)


def check_answer(secret: Secret, response: WireResponse) -> None:
    """:raises NotUnderstoodError: the answer is not signed over its status, the request's nonce and its body."""
    expected = sign_lines(secret, str(response.status), response.nonce, digest(response.body))
    given = response.headers.get(SIGNATURE_HEADER.lower(), "")
    if not same(expected, given):
        raise NotUnderstoodError("signature_invalid")


def same(expected: str, given: str) -> bool:
    """Compared in a time that tells nothing."""
    return hmac.compare_digest(expected.encode(), given.encode())


def sign_lines(secret: Secret, *lines: str) -> str:
    return hmac.new(secret.reveal().encode(), "\n".join(lines).encode(), "sha256").hexdigest()


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
