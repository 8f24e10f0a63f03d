"""The application of a service: routes, problems, the edge, health, and what runs beside the requests."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI, Response
from fastapi.routing import APIRoute

from shared.database import Database, TransientDatabaseError
from shared.http.background import Background, BackgroundTasks
from shared.http.client import ServiceUnavailableError
from shared.http.dispatch import install_dispatch
from shared.http.edge import DEFAULT_BODY_LIMIT_BYTES, Edge
from shared.http.identity import IdentitySigner
from shared.http.problems import ProblemSpec, install_problems, problem_response
from shared.observability import CONTENT_TYPE, SINK, get_logger, render_metrics, stop_tracing

log = get_logger(__name__)

READY_WITHIN_S = 2.0
"""A service that cannot say within this time that it is ready is not."""

_OWN_TELEMETRY_OFF: Any = {"tracing": False, "metrics": False, "logs": False, "operation_spans": False}
"""The edge makes one span per request; FastAPI would add three."""

_PROBLEM_SCHEMA: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "A problem",
        "content": {
            "application/problem+json": {
                "schema": {
                    "type": "object",
                    "required": ["type", "title", "status", "code"],
                    "properties": {
                        "type": {"type": "string"},
                        "title": {"type": "string"},
                        "status": {"type": "integer"},
                        "code": {"type": "string", "description": "Stable: programs branch on this."},
                        "detail": {"type": "string"},
                        "request_id": {"type": "string"},
                        "errors": {"type": "array", "items": {"type": "object"}},
                    },
                }
            }
        },
    }
}

_ALWAYS: dict[type[Exception], ProblemSpec] = {
    TransientDatabaseError: ProblemSpec(503, "database.unavailable", "Try again in a moment"),
    ServiceUnavailableError: ProblemSpec(503, "service.unavailable", "A part of the platform does not answer"),
}
_NOT_READY = ProblemSpec(503, "service.not_ready", "The service is not ready")


def create_app(
    *,
    service: str,
    title: str,
    identity_key: bytes,
    problems: Mapping[type[Exception], ProblemSpec],
    ready: Callable[[], Awaitable[object]],
    background: Sequence[Background] = (),
    routers: Sequence[APIRouter] = (),
    database: Database | None = None,
    on_start: Sequence[Callable[[], Awaitable[object]]] = (),
    on_stop: Sequence[Callable[[], Awaitable[object]]] = (),
    body_limit_bytes: int = DEFAULT_BODY_LIMIT_BYTES,
    body_limits: Mapping[str, int] | None = None,
) -> FastAPI:
    """Build a service's application.

    `ready` raises while the service cannot work. `on_start` runs before anything else and may fail the start;
    `on_stop` runs last, after the background tasks have ended. `body_limits` raises the limit for some path templates.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        for start in on_start:
            await start()
        tasks = BackgroundTasks(background)
        app.state.stopping = tasks.stop
        tasks.start()
        log.info("service.started", background=len(background))
        try:
            yield
        finally:
            await tasks.finish()
            await _stop(on_stop)

    app = FastAPI(
        title=title,
        lifespan=lifespan,
        telemetry=_OWN_TELEMETRY_OFF,
        docs_url=None,  # the gateway shows everything in one place, without scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        responses=_PROBLEM_SCHEMA,
        generate_unique_id_function=lambda route: _operation_id(service, route),
    )
    app.state.database = database
    app.state.stopping = asyncio.Event()
    install_problems(app, {**_ALWAYS, **problems})
    everything = [_health(ready), *routers]
    for router in everything:
        app.include_router(router)
    install_dispatch(app, everything)
    app.add_middleware(
        Edge,
        signer=IdentitySigner(identity_key, service),
        body_limit_bytes=body_limit_bytes,
        body_limits=body_limits,
    )
    return app


def _health(ready: Callable[[], Awaitable[object]]) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        """The process answers."""
        return {"status": "ok"}

    @router.get("/readyz", response_model=None)
    async def readyz() -> Response | dict[str, str]:
        """The service can do its work: its database answers, and whatever else it named."""
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                await ready()
        except Exception as error:
            log.warning("service.not_ready", exc_info=error)
            return problem_response(_NOT_READY, headers={"Retry-After": "1"})
        return {"status": "ready"}

    @router.get("/metrics")
    async def metrics() -> Response:
        """Prometheus reads this from inside; the gateway does not route to it."""
        return Response(render_metrics(), media_type=CONTENT_TYPE)

    return router


async def _stop(closers: Sequence[Callable[[], Awaitable[object]]]) -> None:
    for close in closers:
        try:
            await close()
        except Exception:
            log.exception("service.stop_failed")
    await asyncio.to_thread(stop_tracing)
    log.info("service.stopped")
    SINK.flush()


def _operation_id(service: str, route: APIRoute) -> str:
    return f"{service}_{route.name}"
