"""Errors as `application/problem+json` (RFC 9457) with a stable, dotted `code`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from shared.observability import REQUEST_ID

PROBLEM_TYPE = "application/problem+json"

MAX_FIELD_ERRORS = 20
"""Wrong fields reported at once; more are of no use to anybody."""

_MAX_POINTER = 200


@dataclass(frozen=True, slots=True)
class ProblemSpec:
    """How an exception answers over HTTP. `detail` is the exception's text; members of its `.extra` are added."""

    status: int
    code: str
    title: str


class Problem(Exception):  # noqa: N818  # RFC 9457's word, and not always an error of ours
    """Raise it at the edge to answer with this problem. `extra` become members of the body."""

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        **extra: object,
    ) -> None:
        super().__init__(detail or title)
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.headers = headers
        self.extra = extra

    def body(self) -> bytes:
        """The answer's body."""
        return problem_body(ProblemSpec(self.status, self.code, self.title), detail=self.detail, extra=self.extra)


class BodyTooLargeError(HTTPException):
    """The request's body exceeds its limit. An HTTPException, because FastAPI lets only those out of body reading."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(status_code=413, detail=f"at most {limit_bytes} bytes")


_BY_STATUS = {
    400: ProblemSpec(400, "body.unreadable", "The request cannot be read"),
    401: ProblemSpec(401, "auth.invalid", "Not signed in"),
    403: ProblemSpec(403, "auth.forbidden", "Not allowed"),
    404: ProblemSpec(404, "path.unknown", "There is nothing at this address"),
    405: ProblemSpec(405, "method.not_allowed", "The address does not take this method"),
    413: ProblemSpec(413, "body.too_large", "The body is too large"),
    415: ProblemSpec(415, "body.media_type", "The body's media type is not taken here"),
}
INTERNAL = ProblemSpec(500, "internal", "Something went wrong on our side")


def problem_body(spec: ProblemSpec, *, detail: str | None = None, extra: Mapping[str, object] | None = None) -> bytes:
    """The JSON body of a problem, with the id of the request it answers."""
    body: dict[str, object] = {
        "type": f"urn:kaquan:problem:{spec.code}",
        "title": spec.title,
        "status": spec.status,
        "code": spec.code,
    }
    if detail:
        body["detail"] = detail
    request_id = REQUEST_ID.get()
    if request_id is not None:
        body["request_id"] = request_id
    if extra:
        body.update(extra)
    return orjson.dumps(body, default=str, option=orjson.OPT_NON_STR_KEYS)


def problem_response(
    spec: ProblemSpec,
    *,
    detail: str | None = None,
    extra: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A whole answer."""
    return Response(
        problem_body(spec, detail=detail, extra=extra),
        status_code=spec.status,
        media_type=PROBLEM_TYPE,
        headers=dict(headers) if headers else None,
    )


def install_problems(app: FastAPI, problems: Mapping[type[Exception], ProblemSpec]) -> None:
    """Answer every anticipated exception by its problem; what is not in the table is a 500 without details."""
    app.add_exception_handler(Problem, _answer_problem)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(HTTPException, _answer_http)
    for kind, spec in problems.items():
        app.add_exception_handler(kind, _answerer(spec))


def validation_problem(errors: Sequence[Mapping[str, Any]]) -> Problem:
    """What pydantic found wrong, by JSON pointer. The values themselves are never echoed."""
    in_body = any(error["loc"][:1] == ("body",) for error in errors)
    return Problem(
        422,
        "body.invalid" if in_body else "parameter.invalid",
        "The request is not valid",
        f"{len(errors)} field(s) are not valid",
        errors=[_field_error(error) for error in errors[:MAX_FIELD_ERRORS]],
    )


async def _answer_problem(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101  # registered for this type
    return Response(error.body(), status_code=error.status, media_type=PROBLEM_TYPE, headers=error.headers)


async def _answer_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # registered for this type
    return await _answer_problem(request, validation_problem(error.errors()))


async def _answer_http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for this type
    status = error.status_code
    spec = _BY_STATUS.get(status) or ProblemSpec(status, f"http.{status}", "The request was refused")
    detail = error.detail if isinstance(error, BodyTooLargeError) else None
    return problem_response(spec, detail=detail, headers=error.headers)


def _answerer(spec: ProblemSpec) -> Any:
    async def answer(_request: Request, error: Exception) -> Response:
        extra = getattr(error, "extra", None)
        headers = getattr(error, "headers", None)
        return problem_response(spec, detail=str(error) or None, extra=extra, headers=headers)

    return answer


def _field_error(error: Mapping[str, Any]) -> dict[str, str]:
    place = error["loc"]
    source, path = (str(place[0]), place[1:]) if place else ("body", ())
    if error["type"] == "json_invalid":
        path = ()  # the position is no field
    pointer = "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)[:_MAX_POINTER]
    return {"in": source, "pointer": pointer, "code": error["type"], "message": _message(error)}


def _message(error: Mapping[str, Any]) -> str:
    """The rule that was broken, in pydantic's words, unless they repeat what was sent."""
    message = str(error["msg"])
    repeats = _repeats(message, error.get("input"))
    if repeats or error["type"].startswith(("uuid_", "url_", "date", "time")):
        return "The value has not the form that is asked for"
    return message


def _repeats(message: str, value: object) -> bool:
    if isinstance(value, str):
        return bool(value) and value in message
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value) in message.split()
    return False
