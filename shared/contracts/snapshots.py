"""The committed JSON Schema of every contract: what other languages read, and what a change is judged against."""

import json
import subprocess
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from shared.contracts import EVENTS
from shared.contracts._base import Event
from shared.contracts.envelope import Envelope, dataschema

Schema = dict[str, Any]
"""A JSON Schema document; `Any` because that is what JSON is."""

SCHEMAS = Path(__file__).parent / "schemas"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
ENVELOPE_FILE = "envelope.v1.json"
GIT_TIMEOUT_S = 20


def file_name(event_type: type[Event]) -> str:
    """`order.paid.v1.json`."""
    return f"{event_type.TYPE}.v{event_type.VERSION}.json"


def event_schema(event_type: type[Event]) -> Schema:
    """The schema of a record's `data`. `x-topic` and `x-key` belong to the promise, so they are part of it."""
    return {
        "$schema": DIALECT,
        "$id": dataschema(event_type),
        "x-topic": event_type.TOPIC,
        "x-key": event_type.KEY,
        **event_type.model_json_schema(),
    }


def envelope_schema() -> Schema:
    """The schema of the record around `data`; `data` itself is left open here."""
    schema = TypeAdapter(Envelope[Event]).json_schema()
    schema.pop("$defs", None)
    schema["title"] = "Envelope"
    schema["properties"]["data"] = {"type": "object", "description": "The fact, by the schema that `dataschema` names."}
    return {"$schema": DIALECT, "$id": "envelope/v1", **schema}


def current() -> dict[str, Schema]:
    """File name to schema, as the models stand now."""
    return {ENVELOPE_FILE: envelope_schema(), **{file_name(event): event_schema(event) for event in EVENTS}}


def on_disk(folder: Path = SCHEMAS) -> dict[str, Schema]:
    """File name to schema, as the snapshots in the tree stand."""
    return {path.name: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}


def write(folder: Path = SCHEMAS) -> None:
    """Make the snapshots in the tree equal to the models; a snapshot without a model goes."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = current()
    for name, schema in wanted.items():
        (folder / name).write_text(render(schema))
    for path in folder.glob("*.json"):
        if path.name not in wanted:
            path.unlink()


def render(schema: Schema) -> str:
    """How a snapshot is written: field order as in the model, so that a diff reads like the change."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def bases(folder: Path = SCHEMAS) -> dict[str, list[tuple[str, Schema]]]:
    """What each snapshot was: file name to (revision, schema), HEAD's first, then the one before its last change.

    The second keeps a breaking change visible after it was committed. Outside a git work tree there is nothing to
    compare with, and the answer is empty.
    """
    listing = _git(folder, "ls-tree", "--name-only", "HEAD", "./")
    if listing is None:
        return {}
    found: dict[str, list[tuple[str, Schema]]] = {}
    for name in listing.split():
        revisions = ["HEAD"]
        changes = (_git(folder, "log", "-2", "--format=%h", "--", name) or "").split()
        revisions += changes[1:]
        found[name] = [(revision, schema) for revision in revisions if (schema := _shown(folder, revision, name))]
    return found


def _shown(folder: Path, revision: str, name: str) -> Schema | None:
    text = _git(folder, "show", f"{revision}:./{name}")
    return None if text is None else json.loads(text)


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603  # the arguments are ours
            ["git", *arguments],  # noqa: S607  # git is where the developer has it
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=GIT_TIMEOUT_S,
            check=False,
        )
    except FileNotFoundError:
        return None
    return done.stdout if done.returncode == 0 else None
