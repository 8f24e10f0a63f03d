"""Additive changes pass, everything that would break a reader or a writer is caught, `$defs` and enums included."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import AwareDatetime, BaseModel, Field, create_model

from shared.contracts.compatibility import Change, Effect, compare


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class OnlyRed(StrEnum):
    RED = "red"


class WithGreen(StrEnum):
    RED = "red"
    BLUE = "blue"
    GREEN = "green"


class Part(BaseModel):
    name: str
    amount_minor: Annotated[int, Field(ge=0)]


class PartWithNote(Part):
    note: str | None = None


class PartRetyped(BaseModel):
    name: str
    amount_minor: str


class Tree(BaseModel):
    value: int
    children: "tuple[Tree, ...]" = ()


REQUIRED: Any = ...


def schema(**fields: tuple[Any, Any]) -> dict[str, Any]:
    definitions: dict[str, Any] = fields
    model: type[BaseModel] = create_model("Thing", **definitions)
    return model.model_json_schema()


def effects(old: dict[str, Any], new: dict[str, Any]) -> set[Effect]:
    return {change.effect for change in compare(old, new)}


def test_the_same_schema_has_no_changes() -> None:
    one = schema(part=(Part, REQUIRED), colour=(Colour, REQUIRED), when=(AwareDatetime | None, None))
    assert compare(one, one) == []


ADDITIVE = {
    "optional field": ({}, {"note": (str | None, None)}),
    "field with a default": ({}, {"count": (int, 0)}),
    "optional field inside a $def": ({"part": (Part, REQUIRED)}, {"part": (PartWithNote, REQUIRED)}),
}


@pytest.mark.parametrize(("before", "after"), ADDITIVE.values(), ids=ADDITIVE)
def test_an_optional_addition_is_additive(before: dict[str, Any], after: dict[str, Any]) -> None:
    old, new = schema(order_id=(UUID, REQUIRED), **before), schema(order_id=(UUID, REQUIRED), **after)
    assert effects(_named_alike(old), _named_alike(new)) == {Effect.ADDITIVE}


BREAKING = {
    "field removed": ({"note": (str | None, None)}, {}),
    "required field added": ({}, {"note": (str, REQUIRED)}),
    "newly required": ({"note": (str, "")}, {"note": (str, REQUIRED)}),
    "retyped": ({"count": (int, REQUIRED)}, {"count": (str, REQUIRED)}),
    "format changed": ({"id": (UUID, REQUIRED)}, {"id": (str, REQUIRED)}),
    "date-time to string": ({"at": (datetime, REQUIRED)}, {"at": (str, REQUIRED)}),
    "no longer nullable": ({"note": (str | None, REQUIRED)}, {"note": (str, REQUIRED)}),
    "enum value removed": ({"colour": (Colour, REQUIRED)}, {"colour": (OnlyRed, REQUIRED)}),
    "enum value removed behind null": ({"colour": (Colour | None, None)}, {"colour": (OnlyRed | None, None)}),
    "string restricted to an enum": ({"colour": (str, REQUIRED)}, {"colour": (Colour, REQUIRED)}),
    "const changed": ({"kind": (Literal["a"], REQUIRED)}, {"kind": (Literal["b"], REQUIRED)}),
    "minimum raised": ({"n": (Annotated[int, Field(ge=0)], 5)}, {"n": (Annotated[int, Field(ge=1)], 5)}),
    "minimum introduced": ({"n": (int, 5)}, {"n": (Annotated[int, Field(gt=0)], 5)}),
    "maximum lowered": ({"n": (Annotated[int, Field(le=9)], 5)}, {"n": (Annotated[int, Field(le=8)], 5)}),
    "maximum introduced behind null": (
        {"n": (int | None, None)},
        {"n": (Annotated[int, Field(le=8)] | None, None)},
    ),
    "length limited": ({"s": (str, REQUIRED)}, {"s": (Annotated[str, Field(max_length=8)], REQUIRED)}),
    "pattern introduced": ({"s": (str, REQUIRED)}, {"s": (Annotated[str, Field(pattern="^a")], REQUIRED)}),
    "pattern changed": (
        {"s": (Annotated[str, Field(pattern="^a")], REQUIRED)},
        {"s": (Annotated[str, Field(pattern="^b")], REQUIRED)},
    ),
    "default changed": ({"n": (int, 5)}, {"n": (int, 6)}),
    "default of an optional changed": ({"n": (int | None, None)}, {"n": (int | None, 6)}),
    "retyped inside a $def": ({"part": (Part, REQUIRED)}, {"part": (PartRetyped, REQUIRED)}),
    "retyped inside an array of $defs": (
        {"parts": (tuple[Part, ...], REQUIRED)},
        {"parts": (tuple[PartRetyped, ...], REQUIRED)},
    ),
    "array to single": ({"parts": (tuple[str, ...], REQUIRED)}, {"parts": (str, REQUIRED)}),
    "array items retyped": ({"parts": (tuple[str, ...], REQUIRED)}, {"parts": (tuple[int, ...], REQUIRED)}),
    "tuple lengthened": ({"pair": (tuple[int, int], REQUIRED)}, {"pair": (tuple[int, int, int], REQUIRED)}),
}


@pytest.mark.parametrize(("before", "after"), BREAKING.values(), ids=BREAKING)
def test_what_breaks_readers_or_writers_is_breaking(before: dict[str, Any], after: dict[str, Any]) -> None:
    old, new = schema(order_id=(UUID, REQUIRED), **before), schema(order_id=(UUID, REQUIRED), **after)
    assert Effect.BREAKING in effects(_named_alike(old), _named_alike(new))


WIDENING: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "enum value added": ({"colour": (Colour, REQUIRED)}, {"colour": (WithGreen, REQUIRED)}),
    "minimum dropped": ({"n": (Annotated[int, Field(ge=0)], 5)}, {"n": (int, 5)}),
    "pattern dropped": ({"s": (Annotated[str, Field(pattern="^a")], REQUIRED)}, {"s": (str, REQUIRED)}),
}


def test_a_required_field_made_nullable_is_widening() -> None:
    pattern = Annotated[str, Field(pattern="^a")]
    assert effects(schema(s=(pattern, REQUIRED)), schema(s=(pattern | None, REQUIRED))) == {Effect.WIDENING}


def test_a_field_no_longer_required_is_widening() -> None:
    old, new = schema(n=(int, REQUIRED)), schema(n=(int, REQUIRED))
    new["required"] = []
    assert compare(old, new) == [Change(Effect.WIDENING, "n", "field no longer required")]


@pytest.mark.parametrize("name", ["enum value added", "minimum dropped", "pattern dropped"])
def test_what_old_readers_would_refuse_is_widening(name: str) -> None:
    before, after = WIDENING[name]
    assert effects(_named_alike(schema(**before)), _named_alike(schema(**after))) == {Effect.WIDENING}


def test_topic_and_key_are_part_of_the_promise() -> None:
    old = {**schema(n=(int, REQUIRED)), "x-topic": "order", "x-key": "order_id"}
    assert effects(old, {**old, "x-topic": "orders"}) == {Effect.BREAKING}
    assert effects(old, {**old, "x-key": "member_id"}) == {Effect.BREAKING}


def test_a_recursive_model_ends() -> None:
    assert compare(Tree.model_json_schema(), Tree.model_json_schema()) == []


def test_a_change_names_the_path_to_the_field() -> None:
    old, new = schema(parts=(tuple[Part, ...], REQUIRED)), schema(parts=(tuple[PartRetyped, ...], REQUIRED))
    changes = compare(_named_alike(old), _named_alike(new))
    assert "parts[].amount_minor" in {change.path for change in changes}


def _named_alike(document: dict[str, Any]) -> dict[str, Any]:
    """The variants of one class under one `$defs` name, as they would be after an edit."""
    text = str(document)
    for variant, name in (
        ("PartWithNote", "Part"),
        ("PartRetyped", "Part"),
        ("OnlyRed", "Colour"),
        ("WithGreen", "Colour"),
    ):
        text = text.replace(variant, name)
    renamed: dict[str, Any] = eval(text)  # noqa: S307  # the text is a dict literal of this test
    return renamed
