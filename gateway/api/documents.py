"""The API's description for each kind of reader, merged from what the services say and the routes table allows."""

import asyncio
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Response
from fastapi.openapi.utils import get_openapi

from gateway.auth import Audience
from gateway.clients import Neighbours
from gateway.routes import GATEWAY, MethodNotAllowedError, Route, RouteTable, UnknownPathError

KEPT_S = 60.0
"""How long a merged document is good. One that misses a service is made anew after `INCOMPLETE_KEPT_S`."""

INCOMPLETE_KEPT_S = 3.0

_METHODS = ("get", "post", "put", "patch", "delete")
_REFERENCE = "#/components/schemas/"
_INLINE = "#/$defs/"
"""A schema that was written where it is used, with its own below it; in a document these stand with all others."""

_PAGE = Path(__file__).with_name("docs.html")


class Reader(StrEnum):
    """Whom a document is for."""

    BUYER = "buyer"
    OPERATOR = "operator"
    PARTNER = "partner"
    CHANNEL = "channel"
    PROVIDER = "provider"


_SHOWN: dict[Reader, frozenset[Audience]] = {
    Reader.BUYER: frozenset({Audience.PUBLIC, Audience.ANYONE, Audience.BUYER, Audience.BUYER_OR_GUEST}),
    Reader.OPERATOR: frozenset({Audience.OPERATOR}),
    Reader.PARTNER: frozenset({Audience.PARTNER}),
    Reader.CHANNEL: frozenset({Audience.CHANNEL}),
    Reader.PROVIDER: frozenset({Audience.PROVIDER}),
}
_SIGN_IN = ("/v1/auth/", "/v1/session")
"""Operators sign in by the same calls as buyers."""

_SECURITY: dict[Audience, list[dict[str, list[str]]]] = {
    Audience.PUBLIC: [],
    Audience.ANYONE: [{}, {"bearer": []}],
    Audience.BUYER: [{"bearer": []}],
    Audience.BUYER_OR_GUEST: [{"bearer": []}],
    Audience.OPERATOR: [{"bearer": []}],
    Audience.PARTNER: [{"signature": []}],
    Audience.CHANNEL: [{"signature": []}],
    Audience.PROVIDER: [],
}
_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "The access token of a sign-in, or an order's own."},
    "signature": {
        "type": "apiKey",
        "in": "header",
        "name": "Signature-Input",
        "description": "RFC 9421 with hmac-sha256 or ed25519 over @method, @path, @query and, with a body, "
        "content-digest; parameters created, nonce, keyid. Good for five minutes, once.",
    },
}


class Documents:
    """Merged documents, kept for a while."""

    def __init__(self, neighbours: Neighbours, table: RouteTable, *, own: FastAPI) -> None:
        self._neighbours = neighbours
        self._table = table
        self._own = own
        self._kept: dict[Reader, tuple[dict[str, Any], float]] = {}

    async def document(self, reader: Reader) -> dict[str, Any]:
        """The OpenAPI document for this reader. Services that do not answer are named in `x-unavailable`."""
        now = asyncio.get_running_loop().time()
        kept = self._kept.get(reader)
        if kept is not None and kept[1] > now:
            return kept[0]
        answers = await self._neighbours.ask_all("/openapi.json")
        sources = {name: answer.body for name, answer in answers.items() if isinstance(answer.body, dict)}
        sources[GATEWAY] = own_document(self._own)
        missing = [name for name in answers if name not in sources]
        document = merge(self._table, reader, sources)
        if missing:
            document["x-unavailable"] = missing
        self._kept[reader] = (document, now + (INCOMPLETE_KEPT_S if missing else KEPT_S))
        return document


def merge(table: RouteTable, reader: Reader, sources: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """One document for a reader, of those of the services and of the gateway's own."""
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for service, source in sources.items():
        wanted: dict[str, Any] = {}
        for path, method, operation in _operations(source):
            route = _route(table, method, path)
            if route is None or route.service != service or not _is_shown(reader, route, path):
                continue
            described = _renamed(operation, service)
            described["tags"] = [service]
            described["security"] = _SECURITY[route.audience]
            paths.setdefault(path, {})[method] = described
            _collect(operation, source.get("components", {}).get("schemas", {}), wanted)
        schemas.update({f"{service}.{name}": _renamed(schema, service) for name, schema in wanted.items()})
    return {
        "openapi": "3.1.0",
        "info": {"title": f"Kaquan for {reader}s", "version": "1"},
        "servers": [{"url": "/"}],
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": dict(sorted(schemas.items())), "securitySchemes": _SCHEMES},
    }


def own_document(own: FastAPI) -> dict[str, Any]:
    """What the gateway answers itself."""
    return get_openapi(title="gateway", version="1", routes=own.routes)


def documents_router(documents: Documents) -> APIRouter:
    """`/openapi.json` and `/docs`."""
    router = APIRouter(include_in_schema=False)
    page = _PAGE.read_bytes()

    @router.get("/openapi.json")
    async def openapi(audience: Reader = Reader.BUYER) -> dict[str, Any]:
        """The description for one audience."""
        return await documents.document(audience)

    @router.get("/docs")
    async def docs() -> Response:
        """The same for people. The page loads nothing from anywhere else."""
        policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'"
        return Response(page, media_type="text/html; charset=utf-8", headers={"content-security-policy": policy})

    return router


def _route(table: RouteTable, method: str, path: str) -> Route | None:
    try:
        return table.find(method.upper(), path)
    except (UnknownPathError, MethodNotAllowedError):
        return None


def _is_shown(reader: Reader, route: Route, path: str) -> bool:
    return route.audience in _SHOWN[reader] or (reader is Reader.OPERATOR and path.startswith(_SIGN_IN))


def _operations(source: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in source.get("paths", {}).items():
        for method in _METHODS:
            if method in item:
                yield path, method, item[method]


def _collect(node: Any, schemas: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Every schema the node refers to, and what those refer to."""
    if isinstance(node, dict):
        wanted.update(node.get("$defs", {}))
        reference = node.get("$ref")
        if isinstance(reference, str) and reference.startswith(_REFERENCE):
            name = reference.removeprefix(_REFERENCE)
            if name not in wanted and name in schemas:
                wanted[name] = schemas[name]
                _collect(schemas[name], schemas, wanted)
        for value in node.values():
            _collect(value, schemas, wanted)
    elif isinstance(node, list):
        for value in node:
            _collect(value, schemas, wanted)


def _renamed(node: Any, service: str) -> Any:
    """The same with its references (`$ref`s and discriminators) pointing to the service's own schemas: two services may
    each have a `Line`.
    """
    if isinstance(node, str):
        start = next((each for each in (_REFERENCE, _INLINE) if node.startswith(each)), None)
        return node if start is None else _REFERENCE + f"{service}." + node.removeprefix(start)
    if isinstance(node, dict):
        return {key: _renamed(value, service) for key, value in node.items() if key != "$defs"}
    if isinstance(node, list):
        return [_renamed(value, service) for value in node]
    return node
