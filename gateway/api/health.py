"""Whether the gateway lives, whether everything behind it is ready, and its metrics."""

import asyncio
import time
from ipaddress import ip_address

from fastapi import APIRouter, Request, Response

from gateway.clients import Neighbours
from shared.http.problems import Problem
from shared.observability import CONTENT_TYPE, render_metrics

READINESS_KEPT_S = 0.5
_READY = "ready"


def health_router(neighbours: Neighbours) -> APIRouter:
    """`/healthz`, `/readyz` and `/metrics`."""
    router = APIRouter(include_in_schema=False)
    readiness = _Readiness(neighbours)

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        """The gateway itself answers: what a load balancer should ask, since one sick service is no reason to close."""
        return {"status": "ok"}

    @router.get("/readyz")
    async def readyz() -> dict[str, object]:
        """Every service is ready.

        :raises Problem: 503 `service.not_ready`, with those that are not.
        """
        states = await readiness.states()
        if any(state != _READY for state in states.values()):
            raise Problem(503, "service.not_ready", "Not every service is ready", services=states)
        return {"status": "ready", "services": states}

    @router.get("/metrics")
    async def metrics(request: Request) -> Response:
        """For scrapers inside the network: nobody comes to them through a proxy.

        :raises Problem: 404, as if it were not there.
        """
        if "x-forwarded-for" in request.headers or not _is_inside(request.client.host if request.client else ""):
            raise Problem(404, "path.unknown", "There is nothing at this address")
        return Response(render_metrics(), media_type=CONTENT_TYPE)

    return router


class _Readiness:
    """Everybody may ask, so the services are asked once a moment at most."""

    def __init__(self, neighbours: Neighbours) -> None:
        self._neighbours = neighbours
        self._states: dict[str, str] = {}
        self._until = 0.0
        self._asking = asyncio.Lock()

    async def states(self) -> dict[str, str]:
        async with self._asking:
            if time.monotonic() >= self._until:
                answers = await self._neighbours.ask_all("/readyz")
                self._states = {name: "not ready" if answer.failure else _READY for name, answer in answers.items()}
                self._until = time.monotonic() + READINESS_KEPT_S
            return self._states


def _is_inside(ip: str) -> bool:
    try:
        address = ip_address(ip)
    except ValueError:
        return False
    return address.is_private or address.is_loopback
