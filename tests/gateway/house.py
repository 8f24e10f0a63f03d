"""A gateway on a port, with real servers behind it, and the tokens and signatures of those who come to it."""

import base64
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import jwt
import orjson
from starlette.types import Receive, Scope, Send

from gateway.main import build
from gateway.settings import Settings
from shared.http import IdentitySigner, sign_guest_token
from shared.http.identity import IDENTITY_HEADER, Identity
from shared.settings import read_key
from tests.shared.http_servers import serving

NOBODY = "http://127.0.0.1:9"
"""The discard port: nobody listens there."""


@dataclass
class EchoService:
    """A service that tells what reached it, and answers `GET` paths given in `answers` with JSON."""

    answers: dict[str, Any] = field(default_factory=dict)
    seen: list[dict[str, Any]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        parts: list[bytes] = []
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            parts.append(message.get("body", b""))
            more = message.get("more_body", False)
        body = b"".join(parts)
        told = {
            "method": scope["method"],
            "path": scope["path"],
            "raw_path": scope["raw_path"].decode(),
            "query": scope["query_string"].decode(),
            "headers": {name.decode(): value.decode("latin-1") for name, value in scope["headers"]},
            "body": body.decode("latin-1") if len(body) < 2_000 else f"{len(body)} bytes",
        }
        self.seen.append(told)
        answer = orjson.dumps(self.answers.get(scope["path"], told))
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else answer})


@dataclass
class House:
    """One gateway, and everything a caller needs. `client` reaches it as a proxy that it trusts would."""

    url: str
    keys: Path
    client: httpx.AsyncClient

    def token(
        self, role: str | None = "buyer", *, subject: UUID | None = None, scopes: tuple[str, ...] = (), **claims: Any
    ) -> str:
        """An access token as membership makes them; a claim given as `None` is left out."""
        told = {
            "sub": str(subject or uuid4()), "role": role, "scopes": list(scopes), "sid": "session-1", "iss": "kaquan",
            "aud": "kaquan", "exp": int(time.time()) + 900,
        } | claims  # fmt: skip
        told = {name: value for name, value in told.items() if value is not None}
        return jwt.encode(told, (self.keys / "access-token.pem").read_bytes(), algorithm="EdDSA")

    def buyer(self, **claims: Any) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token(**claims)}"}

    def operator(self, *scopes: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token('operator', scopes=scopes)}"}

    def guest(self, order_id: UUID, *, expires_at: datetime | None = None) -> dict[str, str]:
        until = expires_at or datetime.fromtimestamp(time.time() + 900, tz=UTC)
        token = sign_guest_token(read_key(self.keys, "guest-token.key"), order_id=order_id, expires_at=until)
        return {"authorization": f"Bearer {token}"}

    def identity(self, seen: Mapping[str, Any]) -> Identity:
        """Whom the gateway said to the service that it was."""
        signer = IdentitySigner(read_key(self.keys, "internal.key"), "test")
        return signer.verify(seen["headers"][IDENTITY_HEADER])


@asynccontextmanager
async def open_house(keys: Path, *, rate_factor: float = 1_000.0, **settings: Any) -> AsyncIterator[House]:
    """A gateway on a port. Services that are not named have nobody at their address."""
    nobody = {f"{name}_url": NOBODY for name in ("order", "inventory", "membership", "points", "settlement", "risk")}
    made = Settings(keys_dir=keys, rate_factor=rate_factor, **(nobody | settings))
    async with serving(build(made)) as url, httpx.AsyncClient(base_url=url, timeout=10) as client:
        yield House(url, keys, client)


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def fresh_nonce() -> str:
    return secrets.token_urlsafe(16)
