"""Lists: what is found, until when, and who wins when findings differ."""

import itertools
from typing import Any
from uuid import uuid4

import pytest

from services.risk.domain.decisions import Hit, Outcome
from services.risk.domain.engine import settle
from services.risk.domain.lists import InvalidEntryError, ListKind, canonical_value
from shared.clock import new_id
from tests.risk.factories import NOON, ask, checkout, engine, listed, seconds

ALLOW, REVIEW, CHALLENGE, DENY = Outcome.ALLOW, Outcome.REVIEW, Outcome.CHALLENGE, Outcome.DENY

LISTED = [
    (ListKind.DEVICE, "d-1", {"device": "d-1"}),
    (ListKind.IP, "203.0.113.7", {}),
    (ListKind.IP, "2001:DB8::1", {"ip": "2001:db8::1"}),
    (ListKind.CIDR, "203.0.113.0/24", {}),
    (ListKind.CIDR, "0.0.0.0/0", {}),
    (ListKind.CIDR, "2001:db8::/32", {"ip": "2001:db8:9::1"}),
    (ListKind.PHONE_HASH, "AB" * 32, {"phone_hash": "ab" * 32}),
]


@pytest.mark.parametrize(("kind", "value", "asked"), LISTED)
def test_whatever_is_listed_is_found(kind: ListKind, value: str, asked: dict[str, Any]) -> None:
    desk = engine()
    entry = listed(kind, value, DENY)
    desk.lists.put(entry)
    decision = desk.decide(checkout(**asked), decision_id=new_id(), now=NOON)
    assert (decision.outcome, decision.reasons) == (DENY, (f"list.{kind}",))
    desk.lists.remove(entry.entry_id)
    assert ask(desk, checkout(**asked)) is ALLOW


def test_a_member_is_found_and_others_are_not() -> None:
    desk, member = engine(), uuid4()
    desk.lists.put(listed(ListKind.MEMBER, str(member).upper(), REVIEW))
    assert ask(desk, checkout(member_id=member)) is REVIEW
    assert ask(desk, checkout()) is ALLOW
    assert ask(desk, checkout(member_id=None)) is ALLOW


def test_an_entry_ends_at_its_very_moment() -> None:
    desk = engine()
    desk.lists.put(listed(ListKind.IP, "203.0.113.7", DENY, expires_at=NOON + seconds(10)))
    assert ask(desk, checkout(), at=NOON + seconds(9.999999)) is DENY
    assert ask(desk, checkout(), at=NOON + seconds(10)) is ALLOW
    desk.lists.drop_expired(NOON + seconds(10))
    assert len(desk.lists) == 0


def test_replacing_an_entry_leaves_nothing_of_the_old_one() -> None:
    desk = engine()
    entry = listed(ListKind.CIDR, "203.0.113.0/24", DENY)
    desk.lists.put(entry)
    desk.lists.put(type(entry)(entry.entry_id, ListKind.CIDR, "198.51.100.0/25", DENY, None))
    assert ask(desk, checkout(ip="203.0.113.7")) is ALLOW
    assert ask(desk, checkout(ip="198.51.100.9")) is DENY
    assert ask(desk, checkout(ip="198.51.100.200")) is ALLOW


def hit(outcome: Outcome, code: str = "velocity.member") -> Hit:
    return Hit(code, outcome, code)


@pytest.mark.parametrize(
    ("listed_as", "spoken", "settled"),
    [
        ((), (), ALLOW),
        ((), (REVIEW,), REVIEW),
        ((), (REVIEW, CHALLENGE), CHALLENGE),
        ((), (REVIEW, DENY, CHALLENGE), DENY),
        ((ALLOW,), (DENY, REVIEW), ALLOW),
        ((ALLOW, DENY), (), DENY),
        ((ALLOW, REVIEW), (DENY,), REVIEW),
        ((REVIEW,), (), REVIEW),
        ((REVIEW,), (DENY,), DENY),
        ((DENY,), (REVIEW,), DENY),
    ],
)
def test_who_wins_does_not_depend_on_the_order(
    listed_as: tuple[Outcome, ...], spoken: tuple[Outcome, ...], settled: Outcome
) -> None:
    lists, rules = [hit(outcome, "list.ip") for outcome in listed_as], [hit(outcome) for outcome in spoken]
    for order in itertools.permutations([*lists, *rules]):
        assert settle(order, [one for one in order if one.code == "list.ip"]) is settled


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (ListKind.MEMBER, "somebody"),
        (ListKind.IP, "203.0.113.0/24"),
        (ListKind.CIDR, "203.0.113.0/33"),
        (ListKind.PHONE_HASH, "13800000000"),
        (ListKind.DEVICE, "   "),
        (ListKind.DEVICE, "x" * 201),
    ],
)
def test_what_is_not_of_its_kind_is_not_listed(kind: ListKind, value: str) -> None:
    with pytest.raises(InvalidEntryError):
        canonical_value(kind, value)
