"""How the demo, the seed and the bench speak to the gateway: over HTTP, as an operator, a buyer or a partner would."""

import asyncio
import base64
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import pyotp
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms

REQUEST_WITHIN_S = 15
CODE_LIVES_S = 30
SIGNED_COMPONENTS = ("@method", "@path", "@query", "content-digest")


class UnexpectedAnswerError(RuntimeError):
    """The platform answered something else than the caller was promised."""


@dataclass(frozen=True)
class Access:
    """What `.local/access.json` tells: where the stack is, and how to sign in."""

    gateway: str
    operators: tuple[Mapping[str, str], ...]
    partners: tuple[Mapping[str, str], ...]
    sandbox: Mapping[str, str]
    stack: Mapping[str, str]

    @classmethod
    def read(cls, path: Path) -> "Access":
        """:raises FileNotFoundError: no stack is up."""
        content = json.loads(path.read_text())
        return cls(
            gateway=content["gateway"],
            operators=tuple(content.get("operators", ())),
            partners=tuple(content.get("partners", ())),
            sandbox=content["sandbox"],
            stack=content["stack"],
        )


@dataclass(frozen=True)
class Api:
    """One HTTP client for the gateway; `token` is added to every request when there is one."""

    http: httpx.AsyncClient
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def to(cls, gateway: str) -> "Api":
        return cls(httpx.AsyncClient(base_url=gateway, timeout=REQUEST_WITHIN_S, trust_env=False))

    def signed_in(self, token: str) -> "Api":
        return Api(self.http, {**self.headers, "authorization": f"Bearer {token}"})

    async def get(self, path: str, **query: str) -> Any:
        return await self.call("GET", path, expect=200, query=query)

    async def post(self, path: str, body: object = None, *, expect: int = 201, key: str | None = None) -> Any:
        """`key` is the Idempotency-Key; a fresh one where none is given."""
        return await self.call("POST", path, body=body, expect=expect, key=key)

    async def call(
        self,
        method: str,
        path: str,
        *,
        expect: int,
        body: object = None,
        query: Mapping[str, str] | None = None,
        key: str | None = None,
    ) -> Any:
        """Send one request.

        :raises UnexpectedAnswerError: the status is not `expect`.
        """
        headers = dict(self.headers)
        if method != "GET":
            headers["idempotency-key"] = key or str(uuid.uuid4())
        answer = await self.http.request(method, path, json=body, params=query or None, headers=headers)
        return checked(answer, expect)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.http.aclose()


def checked(answer: httpx.Response, expect: int) -> Any:
    """The body, decoded where it is JSON.

    :raises UnexpectedAnswerError: the status is not `expect`; says what came instead, without the request's body.
    """
    if answer.status_code != expect:
        request = answer.request
        raise UnexpectedAnswerError(
            f"{request.method} {request.url.path}: expected {expect}, got {answer.status_code}: {answer.text[:500]}"
        )
    if not answer.content:
        return None
    return answer.json() if "json" in answer.headers.get("content-type", "") else answer.content


async def operator(api: Api, access: Access) -> Api:
    """Sign in as an operator, with password and one-time code.

    A one-time code is good once. Where the first operator's has been used within its half minute, the second signs in;
    when both have, the next code is waited for.

    :raises UnexpectedAnswerError: nobody may sign in.
    """
    give_up = time.monotonic() + 2 * CODE_LIVES_S
    while True:
        for who in access.operators:
            tokens = await _sign_in(api, who)
            if tokens is not None:
                return api.signed_in(tokens["access_token"])
        if time.monotonic() > give_up:
            raise UnexpectedAnswerError("no operator could sign in")
        await asyncio.sleep(CODE_LIVES_S - time.time() % CODE_LIVES_S)


async def _sign_in(api: Api, who: Mapping[str, str]) -> Any:
    body = {"login": who["login"], "password": who["password"], "totp": pyotp.TOTP(who["totp_secret"]).now()}
    answer = await api.http.post("/v1/auth/login", json=body)
    return None if answer.status_code == httpx.codes.UNAUTHORIZED else checked(answer, 200)


class _OneKey(HTTPSignatureKeyResolver):
    def __init__(self, key: bytes) -> None:
        self._key = key

    def resolve_private_key(self, key_id: str) -> bytes:
        _ = key_id
        return self._key


@dataclass(frozen=True)
class PartnerApi:
    """A partner brand's client: every request is signed by RFC 9421."""

    http: httpx.AsyncClient
    key_id: str
    secret: bytes

    @classmethod
    def of(cls, api: Api, credentials: Mapping[str, str]) -> "PartnerApi":
        """`credentials` is one entry of `partners` in access.json; `secret` is base64."""
        return cls(api.http, credentials["key_id"], base64.b64decode(credentials["secret"]))

    async def get(self, path: str, **query: str) -> Any:
        return await self._call("GET", path, query=query, expect=200)

    async def post(self, path: str, body: object, *, expect: int = 201) -> Any:
        return await self._call("POST", path, body=body, expect=expect)

    async def get_raw(self, path: str) -> httpx.Response:
        """The answer as it came, whatever it is."""
        return await self._send("GET", path)

    async def _call(
        self, method: str, path: str, *, expect: int, body: object = None, query: Mapping[str, str] | None = None
    ) -> Any:
        return checked(await self._send(method, path, body=body, query=query), expect)

    async def _send(
        self, method: str, path: str, *, body: object = None, query: Mapping[str, str] | None = None
    ) -> httpx.Response:
        content = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        headers = {"content-type": "application/json"} if content else {}
        if method != "GET":
            headers["idempotency-key"] = str(uuid.uuid4())
        request = self.http.build_request(method, path, params=query or None, content=content, headers=headers)
        self._sign(request, content)
        return await self.http.send(request)

    def _sign(self, request: httpx.Request, content: bytes) -> None:
        signer = HTTPMessageSigner(signature_algorithm=algorithms.HMAC_SHA256, key_resolver=_OneKey(self.secret))
        signer.sign(
            request,
            key_id=self.key_id,
            created=datetime.now(UTC),
            nonce=uuid.uuid4().hex,
            label="sig1",
            include_alg=False,
            covered_component_ids=SIGNED_COMPONENTS,
            body=content,
        )
