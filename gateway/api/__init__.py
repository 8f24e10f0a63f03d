"""The gateway's own endpoints: health, documents, and what operators look at across services."""

from fastapi import FastAPI

from gateway.api.dashboard import dashboard_router
from gateway.api.dead_letters import dead_letters_router
from gateway.api.documents import Documents, documents_router
from gateway.api.health import health_router
from gateway.api.sessions import Sessions, sessions_router
from gateway.auth import PageTokens, TokenVerifier
from gateway.clients import Neighbours
from gateway.routes import RouteTable
from shared.http.problems import install_problems

__all__ = ["build_api"]


def build_api(*, neighbours: Neighbours, table: RouteTable, tokens: TokenVerifier, page_tokens: PageTokens) -> FastAPI:
    """The application behind the routes whose service is the gateway. Callers are recognised before it is asked."""
    app = FastAPI(
        title="Kaquan gateway",
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    install_problems(app, {})
    documents = Documents(neighbours, table, own=app)
    for router in (
        health_router(neighbours),
        documents_router(documents),
        dashboard_router(neighbours),
        dead_letters_router(neighbours),
        sessions_router(Sessions(neighbours=neighbours, tokens=tokens, page_tokens=page_tokens)),
    ):
        app.include_router(router)
    return app
