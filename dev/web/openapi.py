"""The gateway's OpenAPI documents without a running stack: every service is put together, asked, and thrown away.

`dev` starts the product and imports none of it; here too its parts are found by their names.
"""

import importlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from dev.stack import keys
from dev.stack.brokers import Flavour
from dev.stack.environment import StackEnvironment
from dev.stack.layout import Layout
from dev.stack.ports import DEFAULT_PORTS, Ports
from dev.stack.topology import SERVICES

WANTED = ("buyer", "operator", "partner")


def write_documents(directory: Path) -> None:
    """Write `buyer.json`, `operator.json` and `partner.json`; a file that says the same already is left alone."""
    directory.mkdir(parents=True, exist_ok=True)
    sources = _sources()
    documents, routes = importlib.import_module("gateway.api.documents"), importlib.import_module("gateway.routes")
    table = routes.RouteTable(routes.ROUTES)
    for name in WANTED:
        document = documents.merge(table, documents.Reader(name), sources)
        text = json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
        file = directory / f"{name}.json"
        if not file.exists() or file.read_text() != text:
            file.write_text(text)


def _sources() -> dict[str, dict[str, Any]]:
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        keys.make_missing(root / "keys")
        os.environ.update(_environment(root))
        sources = {service: _service(service) for service in SERVICES}
        sources["gateway"] = _gateway()
    return sources


def _service(name: str) -> dict[str, Any]:
    main = importlib.import_module(f"services.{name}.main")
    app: FastAPI = main.build(main.Settings())
    return app.openapi()


def _gateway() -> dict[str, Any]:
    """Its endpoints are described without being called, so nothing stands behind them."""
    api, routes = importlib.import_module("gateway.api"), importlib.import_module("gateway.routes")
    table = routes.RouteTable(routes.ROUTES)
    own = api.build_api(neighbours=None, table=table, tokens=None, page_tokens=None)
    described: dict[str, Any] = importlib.import_module("gateway.api.documents").own_document(own)
    return described


def _environment(root: Path) -> Mapping[str, str]:
    described = StackEnvironment(
        layout=Layout(root=root, cache=root),
        ports=Ports(DEFAULT_PORTS),
        passwords=dict.fromkeys(SERVICES, "unused"),
        bootstrap="127.0.0.1:9",
        flavour=Flavour.EMBEDDED,
    )
    return described.variables()
