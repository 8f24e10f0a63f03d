"""Whether the gateway lives, whether everything behind it is ready, and its metrics."""

from ipaddress import ip_address

from fastapi import APIRouter, Request, Response

from gateway.clients import Neighbours
from shared.http.problems import Problem
from shared.observability import CONTENT_TYPE, render_metrics


def health_router(neighbours: Neighbours) -> APIRouter:
    """`/healthz`, `/readyz` and `/metrics`."""
    router = APIRouter(include_in_schema=False)

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        """The gateway itself answers: what a load balancer should ask, since one sick service is no reason to close."""
        return {"status": "ok"}

    @router.get("/readyz")
    async def readyz() -> dict[str, object]:
        """Every service is ready.

        :raises Problem: 503 `service.not_ready`, with those that are not.
        """
        answers = await neighbours.ask_all("/readyz")
        states = {name: answer.failure or "ready" for name, answer in answers.items()}
        if any(answer.failure for answer in answers.values()):
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


def _is_inside(ip: str) -> bool:
    try:
        address = ip_address(ip)
    except ValueError:
        return False
    return address.is_private or address.is_loopback
