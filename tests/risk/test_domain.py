"""How an attempt is decided: limits, lists, who wins, and what can be kept as a rule or a list entry."""

import itertools
from typing import Any
from uuid import uuid4

import pytest

from services.risk.domain.cases import MOVES, Case, CaseClosedError, CaseState, Verdict
from services.risk.domain.decisions import Hit, InvalidAddressError, Kind, Outcome, first_id, microseconds, read_address
from services.risk.domain.rules import InvalidRulesError, KeyKind, Measure, default_rules, require_valid
from shared.clock import new_id, utc_now
from tests.risk.factories import NOON, ask, checkout, engine, reveal, rule, seconds

ALLOW, REVIEW, CHALLENGE, DENY = Outcome.ALLOW, Outcome.REVIEW, Outcome.CHALLENGE, Outcome.DENY


def test_the_limit_itself_is_allowed_and_one_more_is_not() -> None:
    desk, member = engine(rule(limit=3)), uuid4()
    outcomes = [ask(desk, checkout(member_id=member), at=NOON + seconds(n)) for n in range(5)]
    assert outcomes == [ALLOW, ALLOW, ALLOW, DENY, DENY]


def test_a_window_slides() -> None:
    desk, member = engine(rule(limit=3, window_s=60)), uuid4()
    for n in range(4):
        ask(desk, checkout(member_id=member), at=NOON + seconds(n))
    assert ask(desk, checkout(member_id=member), at=NOON + seconds(60.5)) is DENY
    assert ask(desk, checkout(member_id=member), at=NOON + seconds(130)) is ALLOW


def test_others_are_not_counted_along() -> None:
    desk = engine(rule(limit=1))
    assert {ask(desk, checkout()) for _ in range(20)} == {ALLOW}


@pytest.mark.parametrize(
    ("key", "same"),
    [
        (KeyKind.DEVICE, {"device": "d-1"}),
        (KeyKind.IP, {"ip": "203.0.113.7"}),
        (KeyKind.IP, {"ip": "2001:db8:1:2::9"}),
        (KeyKind.NETWORK, {"ip": "203.0.113.200"}),
    ],
)
def test_every_kind_of_key_is_counted(key: KeyKind, same: dict[str, Any]) -> None:
    desk = engine(rule(key=key, limit=2, measure=Measure.ATTEMPTS))
    assert [ask(desk, checkout(**same)) for _ in range(3)] == [ALLOW, ALLOW, DENY]


def test_one_network_is_many_addresses_and_one_v6_host_is_a_whole_subnet() -> None:
    network = engine(rule(key=KeyKind.NETWORK, limit=2))
    assert [ask(network, checkout(ip=f"198.51.100.{n}")) for n in (1, 2, 3)] == [ALLOW, ALLOW, DENY]
    host = engine(rule(key=KeyKind.IP, limit=1))
    assert [ask(host, checkout(ip=ip)) for ip in ("2001:db8:1:2::1", "2001:db8:1:2:ffff::1")] == [ALLOW, DENY]
    assert ask(host, checkout(ip="2001:db8:1:3::1")) is ALLOW


def test_an_address_written_as_v6_is_the_v4_one() -> None:
    assert read_address("::ffff:192.0.2.1") == read_address("192.0.2.1")


@pytest.mark.parametrize("text", ["", "localhost", "1.2.3", "1.2.3.4/24", "fe80::1%"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidAddressError):
        ask(engine(), checkout(ip=text))


def test_many_members_behind_one_device_are_told() -> None:
    desk = engine(rule(measure=Measure.MEMBERS, key=KeyKind.DEVICE, limit=2, outcome=REVIEW))
    one, two, three = uuid4(), uuid4(), uuid4()
    asked = [ask(desk, checkout(member_id=m, device="d")) for m in (one, two, one, two, three)]
    assert asked == [ALLOW, ALLOW, ALLOW, ALLOW, REVIEW]
    assert ask(desk, checkout(member_id=None, device="e")) is ALLOW


def test_amounts_and_units_add_up() -> None:
    member = uuid4()
    by_amount = engine(rule(measure=Measure.AMOUNT_MINOR, limit=2_500))
    assert [ask(by_amount, checkout(member_id=member)) for _ in range(3)] == [ALLOW, ALLOW, DENY]
    by_units = engine(rule(measure=Measure.QUANTITY, limit=5))
    assert [ask(by_units, checkout(member_id=member, quantity=3)) for _ in range(2)] == [ALLOW, DENY]


def test_a_single_purchase_may_be_too_large_and_more_so_for_a_new_account() -> None:
    large = rule(rule_id="large", measure=Measure.PURCHASE_MINOR, limit=10_000, outcome=REVIEW)
    young = rule(rule_id="young", measure=Measure.PURCHASE_MINOR, limit=500, outcome=REVIEW, account_younger_than_s=60)
    desk, newcomer = engine(large, young), uuid4()
    desk.accounts.put(newcomer, microseconds(NOON))
    assert ask(desk, checkout(amount_minor=10_000)) is ALLOW
    assert ask(desk, checkout(amount_minor=10_001)) is REVIEW
    assert ask(desk, checkout(member_id=newcomer), at=NOON + seconds(59)) is REVIEW
    assert ask(desk, checkout(member_id=newcomer), at=NOON + seconds(60)) is ALLOW
    assert ask(desk, checkout(member_id=None)) is ALLOW


def test_first_reveals_count_against_the_next_reveal() -> None:
    desk, member = engine(rule(kind=Kind.REVEAL, measure=Measure.FIRST_REVEALS, limit=2, window_s=3600)), uuid4()
    for _ in range(3):
        assert ask(desk, reveal(member_id=member)) is ALLOW
        desk.recall_first_reveal((desk.counters,), uuid4(), member, NOON)
    assert ask(desk, reveal(member_id=member)) is DENY


def test_a_first_reveal_is_counted_once() -> None:
    desk, member, entitlement = engine(rule(kind=Kind.REVEAL, measure=Measure.FIRST_REVEALS, limit=1)), uuid4(), uuid4()
    counted = [desk.recall_first_reveal((desk.counters,), entitlement, member, NOON) for _ in range(3)]
    assert counted == [True, False, False]


def test_checkouts_and_reveals_are_counted_apart() -> None:
    desk, member = engine(rule(limit=1), rule(rule_id="r", kind=Kind.REVEAL, limit=1)), uuid4()
    assert ask(desk, checkout(member_id=member)) is ALLOW
    assert ask(desk, reveal(member_id=member)) is ALLOW
    assert ask(desk, reveal(member_id=member)) is DENY


def test_a_disabled_rule_is_silent() -> None:
    desk, member = engine(rule(limit=1, enabled=False)), uuid4()
    assert {ask(desk, checkout(member_id=member)) for _ in range(5)} == {ALLOW}


def test_the_same_checkout_is_known_and_not_counted_twice() -> None:
    desk, member = engine(rule(limit=1)), uuid4()
    question = checkout(member_id=member)
    first = desk.decide(question, decision_id=new_id(), now=NOON)
    assert desk.known(question) == first
    desk.forget(first)
    assert desk.known(question) is None
    assert desk.known(reveal()) is None


def test_other_rules_are_adopted_without_forgetting() -> None:
    desk, member = engine(rule(limit=100)), uuid4()
    past = [checkout(member_id=member) for _ in range(3)]
    for question in past:
        ask(desk, question, at=NOON)
    renewed = desk.renew(engine(rule(limit=4)).counters.rule_set)
    ask(desk, checkout(member_id=member), at=NOON + seconds(1))
    for question in past:
        desk.recall((renewed,), new_id(), question, NOON)
    desk.adopt(renewed)
    assert ask(desk, checkout(member_id=member), at=NOON + seconds(2)) is DENY


def test_a_reason_is_told_with_what_was_seen_but_the_code_tells_no_limit() -> None:
    desk, member = engine(rule(limit=1)), uuid4()
    ask(desk, checkout(member_id=member))
    decision = desk.decide(checkout(member_id=member), decision_id=new_id(), now=NOON)
    assert decision.reasons == ("velocity.member",)
    assert decision.hits == (Hit("velocity.member", DENY, "three-a-minute", observed=2, limit=1, window_s=60),)
    assert decision.rules_version == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"limit": 0},
        {"limit": 10**10},
        {"window_s": 0},
        {"window_s": 31 * 86_400},
        {"outcome": ALLOW},
        {"measure": Measure.MEMBERS},
        {"measure": Measure.MEMBERS, "key": KeyKind.IP, "limit": 10_001},
        {"measure": Measure.FIRST_REVEALS},
        {"measure": Measure.QUANTITY, "kind": Kind.REVEAL},
        {"measure": Measure.PURCHASE_MINOR, "kind": Kind.REVEAL},
    ],
)
def test_a_rule_that_could_not_be_kept_or_would_never_speak_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidRulesError, match="three-a-minute"):
        require_valid([rule(**changes)])


def test_rules_are_told_apart_and_few() -> None:
    with pytest.raises(InvalidRulesError, match="not unique"):
        require_valid([rule(), rule()])
    with pytest.raises(InvalidRulesError, match="64 are allowed"):
        require_valid([rule(rule_id=f"r{n}") for n in range(65)])


@pytest.mark.parametrize("scale", [1, 1_000, 10**6])
def test_the_default_rules_are_sound_at_every_scale(scale: int) -> None:
    require_valid(default_rules(scale=scale))


def case(state: CaseState = CaseState.OPEN) -> Case:
    return Case(
        case_id=uuid4(),
        order_id=uuid4(),
        member_id=None,
        decision_id=None,
        reasons=("risk.not_asked",),
        amount_minor=100,
        currency="CNY",
        state=state,
        opened_at=NOON,
        due_at=NOON + seconds(60),
    )


@pytest.mark.parametrize(("state", "verdict"), list(itertools.product(CaseState, Verdict)))
def test_a_case_moves_only_where_the_table_says(state: CaseState, verdict: Verdict) -> None:
    if (state, verdict) in MOVES:
        decided = case(state).decided(verdict, by="op", note="looked at it", now=NOON)
        assert (decided.state, decided.decided_by) == (MOVES[state, verdict], "op")
        return
    with pytest.raises(CaseClosedError) as told:
        case(state).decided(verdict, by="op", note="looked at it", now=NOON)
    assert told.value.extra == {"state": state}


def test_ids_are_in_the_order_of_time() -> None:
    before, made, after = utc_now(), new_id(), utc_now() + seconds(1)
    assert first_id(before) <= made < first_id(after)
