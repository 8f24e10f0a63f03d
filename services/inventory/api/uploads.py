"""Cards in the body of a request: JSON, text, CSV, an Excel workbook, or one of these as an uploaded file."""

import asyncio
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import Query, Request
from starlette.datastructures import UploadFile

from services.inventory.api.bodies import parse_body
from services.inventory.domain.importing import (
    ImportUnreadableError,
    decode_text,
    rows_of_csv,
    rows_of_list,
    rows_of_text,
)
from services.inventory.domain.spreadsheets import rows_of_workbook
from services.inventory.schemas import PRICE_MINOR_MAX, BatchIn
from shared.http import Problem

BODY_BYTES_MAX = 64 * 1024 * 1024
"""500,000 cards with password, serial and expiry fit in this. It is what an import may take of the memory."""

FILE_FIELD = "file"
JSON = "application/json"
TEXT = "text/plain"
CSV = "text/csv"
WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_BY_ENDING = {"csv": CSV, "txt": TEXT, "xlsx": WORKBOOK, "json": JSON}

BODY_SCHEMA: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            JSON: {
                "schema": BatchIn.model_json_schema(),
                "example": {"codes": ["AB12-CD34", {"code": "EF56-GH78", "password": "9876"}], "cost_minor": 800},
            },
            CSV: {
                "schema": {"type": "string"},
                "example": "code,password,serial,expires_at,cost_minor\nAB12-CD34,,S1,2027-12-31,800",
            },
            TEXT: {"schema": {"type": "string"}, "example": "AB12-CD34----9876"},
            WORKBOOK: {"schema": {"type": "string", "format": "binary"}},
            "multipart/form-data": {
                "schema": {"type": "object", "properties": {FILE_FIELD: {"type": "string", "format": "binary"}}}
            },
        },
    }
}

CostMinor = Annotated[int | None, Query(ge=0, le=PRICE_MINOR_MAX)]
Separator = Annotated[str | None, Query(min_length=1, max_length=8, description="between the fields of a text line")]


async def read_rows(request: Request, *, separator: str | None) -> tuple[Iterator[tuple[int, object]], int]:
    """The lines of the body, by its media type, and the cost of a card where the body tells it.

    :raises Problem: 415 `body.media_type`.
    :raises ImportUnreadableError: it is not what it says it is.
    """
    media_type = _media_type(request.headers.get("content-type"))
    if media_type == "multipart/form-data":
        media_type, body = await _read_upload(request)
    else:
        body = await request.body()
    if media_type == JSON:
        told = parse_body(BatchIn, body)
        return rows_of_list(told.codes), told.cost_minor
    if media_type == WORKBOOK:
        return rows_of_workbook(body), 0
    if media_type not in (CSV, TEXT):
        accepted = f"{JSON}, {CSV}, {TEXT}, {WORKBOOK}, multipart/form-data"
        raise Problem(415, "body.media_type", f"Cards come as one of {accepted}")
    text = await asyncio.to_thread(decode_text, body)
    return (rows_of_csv(text) if media_type == CSV else rows_of_text(text, separator=separator)), 0


async def _read_upload(request: Request) -> tuple[str, bytes]:
    """The uploaded file with its media type: by the ending of its name, else as the form says, else text."""
    async with request.form(max_files=1, max_fields=5) as form:
        file = form.get(FILE_FIELD)
        if not isinstance(file, UploadFile):
            raise ImportUnreadableError(f"the form has no file {FILE_FIELD!r}")
        told = _media_type(file.content_type)
        ending = (file.filename or "").lower().rpartition(".")[2]
        return _BY_ENDING.get(ending) or (told if told in _BY_ENDING.values() else TEXT), await file.read()


def _media_type(header: str | None) -> str:
    return (header or "").partition(";")[0].strip().lower()
