"""One look at the whole platform, from what every service says about itself."""

import asyncio
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from gateway.clients import Answer, Neighbours
from shared.clock import utc_now
from shared.http.callers import OperatorCaller


class ServiceView(BaseModel):
    """One service. `status` is `ok`, or `unavailable` with the reason in `failure`; what it could not say is null."""

    status: str
    failure: str | None = None
    figures: Any = None
    messaging: Any = None


class MessagingView(BaseModel):
    """All services together. A service that does not answer is not counted, and is named in `unavailable`."""

    outbox_pending: int
    outbox_oldest_s: float
    consumer_lag: int
    dead_letters: int
    waiting_behind: int


class Dashboard(BaseModel):
    """Orders by state, time from paid to issued, stock, messaging, and every service's own figures."""

    at: datetime
    orders_by_state: Any
    paid_to_issued: Any
    stock: Any
    messaging: MessagingView
    unavailable: list[str]
    services: dict[str, ServiceView]


def dashboard_router(neighbours: Neighbours) -> APIRouter:
    """`/v1/ops/dashboard`."""
    router = APIRouter(tags=["operations"])

    @router.get("/v1/ops/dashboard")
    async def dashboard(_: OperatorCaller) -> Dashboard:
        """Figures of all services as of now. A service that does not answer in time is shown as such."""
        figures, messaging = await asyncio.gather(
            neighbours.ask_all("/internal/figures"), neighbours.ask_all("/internal/messaging")
        )
        return Dashboard(
            at=utc_now(),
            orders_by_state=_figure(figures, "order", "orders_by_state"),
            paid_to_issued=_figure(figures, "order", "paid_to_issued"),
            stock={name: _figure(figures, "inventory", name) for name in ("cards", "low_stock", "expiring_cards")},
            messaging=_together(messaging),
            unavailable=[name for name in neighbours.names if figures[name].failure or messaging[name].failure],
            services={name: _view(figures[name], messaging[name]) for name in neighbours.names},
        )

    return router


def _view(figures: Answer, messaging: Answer) -> ServiceView:
    failure = figures.failure or messaging.failure
    return ServiceView(
        status="unavailable" if failure else "ok", failure=failure, figures=figures.body, messaging=messaging.body
    )


def _figure(answers: dict[str, Answer], service: str, name: str) -> Any:
    body = answers[service].body
    return body.get(name) if isinstance(body, dict) else None


def _together(answers: dict[str, Answer]) -> MessagingView:
    said = [answer.body for answer in answers.values() if isinstance(answer.body, dict)]
    return MessagingView(
        outbox_pending=sum(each.get("outbox_pending", 0) for each in said),
        outbox_oldest_s=max((each.get("outbox_oldest_s", 0.0) for each in said), default=0.0),
        consumer_lag=sum(sum(each.get("lag", {}).values()) for each in said),
        dead_letters=sum(each.get("parked", 0) for each in said),
        waiting_behind=sum(each.get("waiting", 0) for each in said),
    )
