"""`python -m shared.contracts check` is green here, and red for each thing it is there to catch."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml
from jsonschema import Draft202012Validator

from shared.contracts import EVENTS, TOPICS, Event, OrderPaidV1, Topic, asyncapi, check, dataschema, samples, snapshots

ROOT = Path(__file__).parents[2]


def test_the_contracts_hold() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "shared.contracts", "check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert f"{len(EVENTS)} contracts hold" in done.stdout


def test_a_snapshot_that_differs_from_its_model_is_told() -> None:
    now = snapshots.current()
    stale = json.loads(json.dumps(now))
    stale["order.paid.v1.json"]["properties"]["paid_minor"]["minimum"] = 1
    del stale["card.issued.v1.json"]
    stale["order.shipped.v1.json"] = {}
    told = list(check.snapshot_faults(now, stale))
    assert [fault.split()[0] for fault in told] == [
        "schemas/card.issued.v1.json",
        "schemas/order.paid.v1.json",
        "schemas/order.shipped.v1.json",
    ]


def test_a_breaking_change_against_what_was_committed_is_told() -> None:
    now = snapshots.current()
    before = json.loads(json.dumps(now["order.paid.v1.json"]))
    before["properties"]["coupon_id"] = {"type": "string"}
    told = list(check.history_faults(now, {"order.paid.v1.json": [("HEAD", before)]}))
    assert len(told) == 1
    assert "coupon_id: field removed" in told[0]


def test_a_type_retires_only_behind_a_later_version() -> None:
    old: dict[str, list[tuple[str, dict[str, Any]]]] = {"order.paid.v1.json": [("HEAD", {})]}
    assert list(check.history_faults({}, old)) == ["order.paid.v1.json was removed and no later version replaces it"]
    assert list(check.history_faults({"order.paid.v2.json": {}}, old)) == []


def test_history_is_read_from_git_also_after_the_break_was_committed(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True)

    git("init", "-q")
    committed = {"type": "object", "properties": {"a": {"type": "integer"}}}
    for schema in (committed, {"type": "object", "properties": {}}):
        (tmp_path / "x.made.v1.json").write_text(json.dumps(schema))
        git("add", ".")
        git("commit", "-q", "-m", "change")
    bases = snapshots.bases(tmp_path)
    assert [schema for _, schema in bases["x.made.v1.json"]] == [{"type": "object", "properties": {}}, committed]
    told = list(check.history_faults({"x.made.v1.json": {"type": "object", "properties": {}}}, bases))
    assert len(told) == 1
    assert "a: field removed" in told[0]


def test_outside_a_work_tree_there_is_no_history(tmp_path: Path) -> None:
    assert snapshots.bases(tmp_path) == {}


def copied_examples(tmp_path: Path) -> Path:
    return Path(shutil.copytree(samples.EXAMPLES, tmp_path / "examples"))


def test_examples_are_sound() -> None:
    assert list(samples.faults()) == []


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("type", "order.payed", "type is 'order.payed'"),
        ("source", "/inventory", "source is '/inventory'"),
        ("subject", "somebody", "subject is 'somebody'"),
        ("dataschema", "order.paid/v2", "dataschema is 'order.paid/v2'"),
        ("time", "2026-11-20T03:15:31", "is not a order.paid/v1"),
        ("datacontent", "x", "does not know: datacontent"),
    ],
)
def test_a_wrong_example_is_told(tmp_path: Path, field: str, value: str, told: str) -> None:
    folder = copied_examples(tmp_path)
    path, record = samples.of(OrderPaidV1, folder)[0]
    path.write_text(json.dumps({**record, field: value}))
    assert any(told in fault for fault in samples.faults(folder))


def test_a_missing_and_a_stray_example_are_told(tmp_path: Path) -> None:
    folder = copied_examples(tmp_path)
    shutil.move(folder / "order.paid", folder / "order.payed")
    told = list(samples.faults(folder))
    assert "order.paid/v1 has no example" in told
    assert "order.payed/v1/by-provider.json belongs to no contract" in told


@pytest.mark.parametrize("kind", [pytest.param(kind, id=kind.__name__) for kind in EVENTS])
def test_each_example_also_satisfies_the_published_schema(kind: type[Event]) -> None:
    committed = snapshots.on_disk()
    envelope = Draft202012Validator(committed[snapshots.ENVELOPE_FILE])
    data = Draft202012Validator(committed[snapshots.file_name(kind)])
    for _, record in samples.of(kind):
        envelope.validate(record)
        data.validate(record["data"])


def test_topic_faults_are_told() -> None:
    class LostV1(Event):
        TYPE = "lost.found"
        TOPIC = "lost"
        KEY = "lost_id"
        lost_id: UUID

    class WrongKeyV1(Event):
        TYPE = "order.wrong"
        TOPIC = "order"
        KEY = "member_id"
        member_id: UUID

    class MisnamedV2(Event):
        TYPE = "order.misnamed"
        TOPIC = "order"
        KEY = "order_id"
        order_id: UUID

    topics = (*TOPICS, Topic("empty", "order", (), "order_id"), Topic("dotted.name", "order", (), "order_id"))
    told = "\n".join(check.topic_faults((*EVENTS, LostV1, WrongKeyV1, MisnamedV2, OrderPaidV1), topics))
    assert "lost.found: topic lost does not stand in topics.py" in told
    assert "order.wrong: key is member_id, its topic's key is order_id" in told
    assert "but order writes order" in told
    assert "topic empty has no event" in told
    assert "topic dotted.name: dots and underscores" in told
    assert "order.paid/v1 is defined 2 times" in told
    assert "MisnamedV2: the name should end in V1" in told


def test_a_contract_left_out_of_the_list_is_told() -> None:
    rest = tuple(kind for kind in EVENTS if kind is not OrderPaidV1)
    assert list(check.forgotten_faults(rest)) == ["OrderPaidV1 is defined but not in EVENTS"]


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [found for value in node.values() for found in references(value)]
    if isinstance(node, list):
        return [found for value in node for found in references(value)]
    return []


def test_the_asyncapi_document_is_whole() -> None:
    document = yaml.safe_load(asyncapi.DOCUMENT.read_text())
    assert document["asyncapi"] == "3.0.0"
    assert references(document)
    for reference in references(document):
        node = document
        for step in reference.removeprefix("#/").split("/"):
            node = node[step]
    addressed = {reference.rsplit("/", 1)[1] for reference in references(document["channels"])}
    assert addressed == {dataschema(kind).replace("/", ".") for kind in EVENTS}


def test_every_topic_is_written_by_its_producer_and_read_by_its_consumers() -> None:
    operations = asyncapi.document()["operations"].values()
    seen = {(body["tags"][0]["name"], body["action"], body["channel"]["$ref"]) for body in operations}
    for topic in TOPICS:
        assert (topic.producer, "send", f"#/channels/{topic.name}") in seen
        for consumer in topic.consumers:
            assert (consumer, "receive", f"#/channels/{topic.name}") in seen
            assert (consumer, "send", f"#/channels/{topic.dead_letters}") in seen


def test_a_stale_document_is_told(tmp_path: Path) -> None:
    stale = tmp_path / "asyncapi.yaml"
    assert list(check.document_faults(stale))
    stale.write_text(asyncapi.render() + "\n# edited by hand")
    assert list(check.document_faults(stale))
