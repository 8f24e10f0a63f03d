"""Whether a contract may change so within its version, told from two JSON Schemas.

A record written by an old producer must still be read (retention, outboxes, dead letters), and an old consumer must
still read a new record. So within a version one may add optional fields, and nothing else:

- *breaking*: a field removed, retyped or newly required, an enum value removed, a constraint narrowed, a default or
  the topic or key changed. Make a V2 beside it.
- *widening*: an enum value added, a constraint loosened, a field no longer required. Old records stay readable, but
  every consumer must be deployed before the first producer uses it.
- *additive*: a new optional field.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from shared.contracts.snapshots import Schema

LOWER_BOUNDS = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
UPPER_BOUNDS = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
PROSE = frozenset({"title", "description", "examples", "$defs", "$id", "$schema", "$ref", "deprecated"})
STRUCTURE = frozenset({"properties", "required", "items", "prefixItems", "anyOf", "enum", "pattern"})


class Effect(StrEnum):
    """What a difference does to those who read or wrote by the old contract."""

    ADDITIVE = "additive"
    WIDENING = "widening"
    BREAKING = "breaking"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `path` is dotted, `[]` for an array's items: `components[].kind`."""

    effect: Effect
    path: str
    what: str

    def __str__(self) -> str:
        return f"{self.effect}: {self.path or '(whole)'}: {self.what}"


def compare(old: Schema, new: Schema) -> list[Change]:
    """Every difference that matters between two versions of one schema, `$defs` followed wherever they are used."""
    return list(_Comparison(old.get("$defs", {}), new.get("$defs", {})).of(old, new, ""))


class _Comparison:
    """Walks two schemas side by side. A pair of `$defs` is compared once, so that a recursive model ends."""

    def __init__(self, old_definitions: Schema, new_definitions: Schema) -> None:
        self.old_definitions = old_definitions
        self.new_definitions = new_definitions
        self.compared: set[tuple[str, str]] = set()

    def of(self, old: Schema, new: Schema, path: str) -> Iterator[Change]:
        pair = (old.get("$ref", ""), new.get("$ref", ""))
        if all(pair):
            if pair in self.compared:
                return
            self.compared.add(pair)
        old, new = _resolve(old, self.old_definitions), _resolve(new, self.new_definitions)
        if "anyOf" in old or "anyOf" in new:
            yield from _default(old, new, path)
            yield from self._alternatives(old, new, path)
            return
        yield from _keywords(old, new, path)
        yield from _enumeration(old, new, path)
        yield from _pattern(old, new, path)
        yield from self._fields(old, new, path)
        yield from self._items(old, new, path)

    def _fields(self, old: Schema, new: Schema, path: str) -> Iterator[Change]:
        before, after = old.get("properties", {}), new.get("properties", {})
        needed_before, needed_after = set(old.get("required", ())), set(new.get("required", ()))
        for name in before:
            where = f"{path}.{name}" if path else name
            if name not in after:
                yield Change(Effect.BREAKING, where, "field removed")
                continue
            if name in needed_after - needed_before:
                yield Change(Effect.BREAKING, where, "field newly required")
            elif name in needed_before - needed_after:
                yield Change(Effect.WIDENING, where, "field no longer required")
            yield from self.of(before[name], after[name], where)
        for name in after.keys() - before.keys():
            where = f"{path}.{name}" if path else name
            if name in needed_after:
                yield Change(Effect.BREAKING, where, "new field is required")
            else:
                yield Change(Effect.ADDITIVE, where, "optional field added")

    def _items(self, old: Schema, new: Schema, path: str) -> Iterator[Change]:
        if "items" in old and "items" in new:
            yield from self.of(old["items"], new["items"], f"{path}[]")
        elif ("items" in old) != ("items" in new):
            yield Change(Effect.BREAKING, path, "array items retyped")
        before, after = old.get("prefixItems", []), new.get("prefixItems", [])
        if len(before) != len(after):
            yield Change(Effect.BREAKING, path, "tuple length changed")
            return
        for position, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from self.of(one, other, f"{path}[{position}]")

    def _alternatives(self, old: Schema, new: Schema, path: str) -> Iterator[Change]:
        """`anyOf`, which is how an optional value is written. Alternatives are matched by their kind."""
        before = {_kind(option, self.old_definitions): option for option in old.get("anyOf", [old])}
        after = {_kind(option, self.new_definitions): option for option in new.get("anyOf", [new])}
        for kind in before.keys() - after.keys():
            yield Change(Effect.BREAKING, path, f"no longer accepts {kind}")
        for kind in after.keys() - before.keys():
            yield Change(Effect.WIDENING, path, f"now accepts {kind} too")
        for kind in before.keys() & after.keys():
            yield from self.of(_bare(before[kind]), _bare(after[kind]), path)


def _keywords(old: Schema, new: Schema, path: str) -> Iterator[Change]:
    """Bounds move one way or the other; any other keyword that differs is a change of meaning."""
    for keyword in sorted((old.keys() | new.keys()) - PROSE - STRUCTURE):
        before, after = old.get(keyword), new.get(keyword)
        if before == after and (keyword in old) == (keyword in new):
            continue
        if keyword in LOWER_BOUNDS + UPPER_BOUNDS:
            yield _bound(keyword, before, after, path)
        else:
            what = "retyped" if keyword in ("type", "format", "const") else f"{keyword} changed"
            yield Change(Effect.BREAKING, path, f"{what} ({before!r} → {after!r})")


def _default(old: Schema, new: Schema, path: str) -> Iterator[Change]:
    if ("default" in old) != ("default" in new) or old.get("default") != new.get("default"):
        yield Change(Effect.BREAKING, path, f"default changed ({old.get('default')!r} → {new.get('default')!r})")


def _bound(keyword: str, before: float | None, after: float | None, path: str) -> Change:
    if after is None:
        return Change(Effect.WIDENING, path, f"{keyword} {before} dropped")
    narrower = before is None or (after > before if keyword in LOWER_BOUNDS else after < before)
    effect = Effect.BREAKING if narrower else Effect.WIDENING
    return Change(effect, path, f"{keyword} {before} → {after}")


def _enumeration(old: Schema, new: Schema, path: str) -> Iterator[Change]:
    if ("enum" in old) != ("enum" in new):
        narrower = "enum" in new
        what = "restricted to an enum" if narrower else "enum dropped"
        yield Change(Effect.BREAKING if narrower else Effect.WIDENING, path, what)
        return
    for value in old.get("enum", []):
        if value not in new["enum"]:
            yield Change(Effect.BREAKING, path, f"enum value {value!r} removed")
    for value in new.get("enum", []):
        if value not in old["enum"]:
            yield Change(Effect.WIDENING, path, f"enum value {value!r} added")


def _pattern(old: Schema, new: Schema, path: str) -> Iterator[Change]:
    before, after = old.get("pattern"), new.get("pattern")
    if before == after:
        return
    if after is None:
        yield Change(Effect.WIDENING, path, f"pattern {before} dropped")
    else:
        yield Change(Effect.BREAKING, path, f"pattern {before} → {after}")


def _resolve(schema: Schema, definitions: Schema) -> Schema:
    """Follow `$ref`; what stands beside it (a default) stays."""
    reference: str | None = schema.get("$ref")
    if reference is None:
        return schema
    target: dict[str, Any] = definitions[reference.removeprefix("#/$defs/")]
    return {**_resolve(target, definitions), **{word: value for word, value in schema.items() if word != "$ref"}}


def _bare(option: Schema) -> Schema:
    """An alternative without what belongs to the field around it."""
    return {word: value for word, value in option.items() if word not in ("default", "title", "description")}


def _kind(option: Schema, definitions: Schema) -> str:
    """What tells alternatives apart: the JSON type, its format, and the name where it is a `$def`."""
    resolved = _resolve(option, definitions)
    words = [str(resolved[word]) for word in ("type", "format", "const") if word in resolved]
    return "/".join([*words, *([option["$ref"].removeprefix("#/$defs/")] if "$ref" in option else [])])
