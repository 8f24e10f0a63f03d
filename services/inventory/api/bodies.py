"""Bodies that are read without FastAPI: large ones, and those of calls that every purchase makes."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from shared.http.problems import validation_problem

Body = TypeVar("Body", bound=BaseModel)


def parse_body(kind: type[Body], raw: bytes) -> Body:
    """The body, in one pass from bytes to the model.

    :raises shared.http.Problem: 422 `body.invalid`; the values themselves are never told.
    """
    try:
        return kind.model_validate_json(raw)
    except ValidationError as error:
        faults = [{**entry, "loc": ("body", *entry["loc"])} for entry in error.errors(include_input=False)]
        raise validation_problem(faults) from None
