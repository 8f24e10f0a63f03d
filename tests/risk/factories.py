"""Makers of what the tests of risk are about."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from services.risk.domain.decisions import Kind, Outcome, Question
from services.risk.domain.engine import Engine
from services.risk.domain.lists import ListEntry, ListKind, canonical_value
from services.risk.domain.rules import KeyKind, Measure, Rule, RuleSet
from shared.clock import new_id

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def checkout(**changes: Any) -> Question:
    """An attempt to buy by a member nobody has seen."""
    asked: dict[str, Any] = {
        "kind": Kind.CHECKOUT,
        "ip": "203.0.113.7",
        "member_id": uuid4(),
        "device": None,
        "order_id": uuid4(),
        "amount_minor": 1_000,
        "quantity": 1,
    }
    return Question(**{**asked, **changes})


def reveal(**changes: Any) -> Question:
    """An attempt to read a code."""
    asked: dict[str, Any] = {"kind": Kind.REVEAL, "ip": "203.0.113.7", "member_id": uuid4(), "entitlement_id": uuid4()}
    return Question(**{**asked, **changes})


def rule(**changes: Any) -> Rule:
    """At most three checkouts of one member within a minute."""
    plain: dict[str, Any] = {
        "rule_id": "three-a-minute",
        "kind": Kind.CHECKOUT,
        "measure": Measure.ATTEMPTS,
        "key": KeyKind.MEMBER,
        "window_s": 60,
        "limit": 3,
        "outcome": Outcome.DENY,
    }
    return Rule(**{**plain, **changes})


def engine(*rules: Rule) -> Engine:
    return Engine(RuleSet(1, rules))


def ask(asked: Engine, question: Question, *, at: datetime = NOON) -> Outcome:
    return asked.decide(question, decision_id=new_id(), now=at).outcome


def listed(kind: ListKind, value: str, outcome: Outcome, *, expires_at: datetime | None = None) -> ListEntry:
    return ListEntry(
        entry_id=uuid4(), kind=kind, value=canonical_value(kind, value), outcome=outcome, expires_at=expires_at
    )


def some_id(number: int) -> UUID:
    return UUID(int=number)
