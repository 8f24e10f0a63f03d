"""The operators' door to messaging: dead letters, republishing, and figures. Who may enter is decided in front of it."""

from collections.abc import Awaitable
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse, Response
from pydantic import AwareDatetime, BaseModel

from shared.database import Database
from shared.messaging import metrics, outbox_store, parking
from shared.messaging.consumer import Consumer
from shared.messaging.dead_letters import (
    LAST_ID,
    DeadLetterNotFoundError,
    DeadLetterSettledError,
    ParkedRecord,
    ReplayFailedError,
    Settled,
    list_parked,
    replay,
    skip,
)
from shared.messaging.tables import ParkedState

PAGE_MAX = 200


class Republish(BaseModel):
    """From when on everything is published once more."""

    since: AwareDatetime


class Page(BaseModel):
    items: list[ParkedRecord]
    next_cursor: int | None


class Figures(BaseModel):
    """The outbox and the parked records are the service's. The rest is this process's: `lag` by topic of the records that
    wait for it (empty where no consumer runs), and what it has done since it started.
    """

    outbox_pending: int
    outbox_oldest_s: float
    lag: dict[str, int]
    parked: int
    waiting: int
    published_total: int
    handled_total: int
    retries_total: int


def operations_router(database: Database, consumer: Consumer) -> APIRouter:
    """`/internal/dead-letters`, `/internal/republish` and `/internal/messaging` of one service."""
    router = APIRouter(prefix="/internal", tags=["messaging"])

    @router.get("/dead-letters")
    async def dead_letters(
        state: ParkedState = ParkedState.PARKED,
        cursor: int = LAST_ID,
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 100,
    ) -> Page:
        async with database.read() as uow:
            items = await list_parked(uow, states=[state], before_id=cursor, limit=limit)
        return Page(items=list(items), next_cursor=items[-1].id if len(items) == limit else None)

    @router.post("/dead-letters/{record_id}/replay", response_model=Settled)
    async def replay_record(record_id: int) -> Settled | Response:
        return await _answer(replay(consumer, record_id))

    @router.post("/dead-letters/{record_id}/skip", response_model=Settled)
    async def skip_record(record_id: int) -> Settled | Response:
        return await _answer(skip(consumer, record_id))

    @router.post("/republish", status_code=202)
    async def republish(body: Republish) -> dict[str, int]:
        async with database.begin() as uow:
            return {"ids": await outbox_store.request_refill(uow, since=body.since, reason="asked for by an operator")}

    @router.get("/messaging")
    async def messaging() -> Figures:
        return await read_figures(database, consumer)

    return router


async def read_figures(database: Database, consumer: Consumer) -> Figures:
    """Read the state of messaging, and show it as metrics too."""
    async with database.read() as uow:
        pending = await outbox_store.count_pending(uow.raw)
        open_records = await parking.count_open(uow)
    return Figures(
        outbox_pending=pending.count,
        outbox_oldest_s=pending.oldest_s,
        lag=consumer.lag,
        parked=open_records[ParkedState.PARKED],
        waiting=open_records[ParkedState.WAITING],
        published_total=metrics.total(metrics.RELAY_PUBLISHED),
        handled_total=metrics.total(metrics.CONSUMER_HANDLED),
        retries_total=metrics.total(metrics.CONSUMER_RETRIES),
    )


async def _answer(settling: Awaitable[Settled]) -> Settled | Response:
    try:
        return await settling
    except DeadLetterNotFoundError as error:
        return _problem(404, "dead_letter.not_found", "There is no such parked record", error)
    except DeadLetterSettledError as error:
        return _problem(409, "dead_letter.settled", "This record cannot be settled now", error)
    except ReplayFailedError as error:
        return _problem(409, "dead_letter.refused", "The record was refused again", error)


def _problem(status: int, code: str, title: str, error: Exception) -> Response:
    body = {"type": f"urn:kaquan:problem:{code}", "title": title, "status": status, "code": code, "detail": str(error)}
    return JSONResponse(body, status_code=status, media_type="application/problem+json")
