"""Risk as inventory meets it: a small real server whose answers a test chooses."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from aiohttp import web


@dataclass
class Risk:
    """Says what the test chose, after `delay_s`."""

    decision: str = "allow"
    delay_s: float = 0.0
    broken: bool = False
    asked: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""

    async def decide(self, request: web.Request) -> web.Response:
        self.asked.append(await request.json())
        await asyncio.sleep(self.delay_s)
        if self.broken:
            return web.Response(status=500)
        return web.json_response({"decision_id": str(uuid4()), "decision": self.decision, "reasons": ["chosen"]})


@asynccontextmanager
async def running_risk() -> AsyncIterator[Risk]:
    """Risk on a port of its own."""
    risk = Risk()
    app = web.Application()
    app.router.add_post("/internal/decisions", risk.decide)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    risk.url = site.name if not site.name.endswith(":0") else f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield risk
    finally:
        await runner.cleanup()
