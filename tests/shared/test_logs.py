"""Log lines, and the wall that keeps secrets out of them."""

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from pydantic import BaseModel

from shared.crypto import Secret
from shared.observability import REQUEST_ID, SINK, configure, continue_trace, get_logger
from shared.observability.redaction import describe_error, is_sensitive, redact
from shared.settings import PlatformSettings

CANARY = "CANARY-7F3K-91XZ"
Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[Lines]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    configure("order", PlatformSettings(otlp_endpoint=None))
    SINK.flush()  # what earlier tests left
    capsys.readouterr()

    def read() -> list[dict[str, Any]]:
        SINK.flush()
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    yield read
    root.handlers = handlers
    root.setLevel(level)


def test_a_line_is_an_event_with_its_fields_and_context(lines: Lines) -> None:
    order_id = uuid4()
    token = REQUEST_ID.set("req-12345678")
    with continue_trace("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"):
        get_logger("services.order").info("order.paid", order_id=order_id, amount_minor=1990, guest=None)
    REQUEST_ID.reset(token)
    (line,) = lines()
    assert line["event"] == "order.paid"
    assert line["service"] == "order"
    assert line["logger"] == "services.order"
    assert line["order_id"] == str(order_id)
    assert line["amount_minor"] == 1990
    assert line["request_id"] == "req-12345678"
    assert line["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert line["at"].endswith("Z")


@pytest.mark.parametrize(
    "field",
    ["code", "codes", "card_code", "password", "newPassword", "access_token", "refreshToken", "token", "tokens", "client_secret",
     "Authorization", "phone", "contact_phone", "email", "buyer_fields", "totp", "private_key", "cookie", "dek"],
)  # fmt: skip
def test_values_under_telling_names_are_masked(lines: Lines, field: str) -> None:
    get_logger("x").info("something.happened", **{field: CANARY, "nested": {field: [CANARY]}})
    (line,) = lines()
    assert line[field] == "***"
    assert CANARY not in json.dumps(line)


@pytest.mark.parametrize("name", ["status_code", "problem_code", "decode_ms", "encoding", "shopping", "phonebook"])
def test_harmless_names_are_shown(name: str) -> None:
    assert not is_sensitive(name)


def test_secrets_and_bytes_are_masked_under_any_name(lines: Lines) -> None:
    get_logger("x").info(
        "something.happened", value=Secret(CANARY), values=[{"a": Secret(CANARY)}], raw=CANARY.encode()
    )
    (line,) = lines()
    assert line["value"] == "***"
    assert line["values"] == [{"a": "***"}]
    assert CANARY not in json.dumps(line)


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {CANARY}",
        f"eyJhbGciOiJFZERTQSJ9.{CANARY}.sig",
        f"g1.eyJvIjoi{CANARY}.mac-mac",
        f"KQ1.AQGU{CANARY}",
        f"KL1.AZOf{CANARY}",
        f"postgresql://order:{CANARY}@db/order",
    ],
)
def test_tokens_inside_texts_are_masked(text: str) -> None:
    assert CANARY not in redact("note", text)


def test_endless_nesting_and_long_texts_are_cut() -> None:
    cycle: dict[str, Any] = {}
    cycle["again"] = cycle
    assert "***" in str(redact("value", cycle))
    assert len(redact("note", "x" * 10_000)) < 5_000


def test_an_error_is_logged_by_kind_and_place_without_values(lines: Lines) -> None:
    class Row(BaseModel):
        quantity: int

    log = get_logger("x")
    for text in ({"quantity": CANARY}, {"quantity": [CANARY]}):
        try:
            Row.model_validate(text)
        except ValueError:
            log.exception("import.failed")
    for line in lines():
        assert line["level"] == "error"
        assert line["error"]["kind"].endswith("ValidationError")
        assert line["error"]["frames"]
        assert CANARY not in json.dumps(line)


@pytest.mark.parametrize(
    "message",
    [
        f'duplicate key value violates unique constraint "uq"\nDETAIL:  Key (phone)=({CANARY}) already exists.',
        f"invalid input for query argument $1: '{CANARY}' (an integer is required (got type str))",
        f"invalid input for query argument $12: ['{CANARY}'] (an integer is required)",
        f'invalid input syntax for type uuid: "{CANARY}"',
        f"(x) boom\n[SQL: INSERT INTO cards VALUES ($1)]\n[parameters: ('{CANARY}',)]",
    ],
)
def test_what_databases_repeat_in_their_errors_is_left_out(message: str) -> None:
    described = describe_error(ValueError(message))
    assert CANARY not in described
    assert described


def test_lines_of_libraries_have_the_same_shape(lines: Lines) -> None:
    logging.getLogger("aiokafka.cluster").warning("lost %s", f"Bearer {CANARY}")
    (line,) = lines()
    assert line["event"] == "library.logged"
    assert line["logger"] == "aiokafka.cluster"
    assert line["message"] == "lost Bearer ***"


def test_the_level_is_a_setting(lines: Lines) -> None:
    log = get_logger("x")
    log.debug("too.fine")
    configure("order", PlatformSettings(log_level="ERROR"))
    log.warning("too.mild")
    log.error("just.right")
    assert [line["event"] for line in lines()] == ["just.right"]


async def test_gathered_lines_wait_a_moment_and_keep_their_order(lines: Lines) -> None:
    SINK.gather(b'{"event":"first"}')
    assert lines.__name__ == "read"
    get_logger("x").info("second")
    SINK.gather(b'{"event":"third"}')
    await asyncio.sleep(0.2)
    assert [line["event"] for line in lines()] == ["first", "second", "third"]
