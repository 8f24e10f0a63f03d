"""Dead letters of all services in one list, and what an operator decides about them."""

import asyncio
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from pydantic import BaseModel

from gateway.clients import Neighbours
from shared.http.callers import OperatorCaller
from shared.http.client import ServiceRefusedError
from shared.http.problems import Problem

MAX_PAGE = 200


class DeadLetters(BaseModel):
    """Records as their services show them, each with its `service`. `next_cursor` goes on within one service."""

    items: list[dict[str, Any]]
    next_cursor: str | None
    unavailable: list[str]


def dead_letters_router(neighbours: Neighbours) -> APIRouter:
    """`/v1/ops/dead-letters` and the two commands below it."""
    router = APIRouter(tags=["operations"])

    @router.get("/v1/ops/dead-letters")
    async def list_dead_letters(
        _: OperatorCaller,
        service: str | None = None,
        state: Literal["parked", "waiting", "replayed", "skipped"] = "parked",
        cursor: Annotated[int | None, Query(ge=1)] = None,
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
    ) -> DeadLetters:
        """The newest records of every service; name one to page through it.

        :raises Problem: 404 `service.unknown`; 422 `cursor.invalid`, a cursor without its service.
        """
        if service is None and cursor is not None:
            raise Problem(422, "cursor.invalid", "A cursor belongs to one service: name it")
        names = neighbours.names if service is None else (_known(neighbours, service),)
        query: dict[str, str | int] = {"state": state, "limit": limit}
        if cursor is not None:
            query["cursor"] = cursor
        path = f"/internal/dead-letters?{urlencode(query)}"
        answers = await asyncio.gather(*(neighbours.ask(name, path) for name in names))
        pages = dict(zip(names, answers, strict=True))
        next_cursor = pages[service].body.get("next_cursor") if service and pages[service].body else None
        return DeadLetters(
            items=[
                {"service": name, **record}
                for name, answer in pages.items()
                if answer.body
                for record in answer.body["items"]
            ],
            next_cursor=str(next_cursor) if next_cursor is not None else None,
            unavailable=[name for name, answer in pages.items() if answer.failure],
        )

    @router.post("/v1/ops/dead-letters/{service}/{record_id}/replay")
    async def replay(operator: OperatorCaller, service: str, record_id: int) -> Any:
        """Have the service handle the record once more, and those that wait behind it."""
        path = f"/internal/dead-letters/{record_id}/replay"
        return await _command(neighbours, _known(neighbours, service), path, operator)

    @router.post("/v1/ops/dead-letters/{service}/{record_id}/skip")
    async def skip(operator: OperatorCaller, service: str, record_id: int) -> Any:
        """Give the record up, for good; those that wait behind it go on."""
        path = f"/internal/dead-letters/{record_id}/skip"
        return await _command(neighbours, _known(neighbours, service), path, operator)

    return router


def _known(neighbours: Neighbours, service: str) -> str:
    if service not in neighbours.names:
        raise Problem(404, "service.unknown", "There is no such service")
    return service


async def _command(neighbours: Neighbours, service: str, path: str, operator: OperatorCaller) -> Any:
    try:
        return await neighbours.command(service, path, operator=operator)
    except ServiceRefusedError as error:
        title = str(error.body.get("title") or "The service refused")
        raise Problem(error.status, error.code, title, error.detail or None) from error
