"""Rules that need no database."""

import contextlib
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.inventory.domain import delivery, supply
from services.inventory.domain.cards import LineFaultError, is_link, mask, mask_account, read_card
from services.inventory.domain.catalogue import SkuKind
from services.inventory.domain.delivery import DeliveryFacts, DeliveryState, UnitFacts, decide_revoke
from services.inventory.domain.entitlements import EntitlementState
from services.inventory.domain.importing import rows_of_csv, rows_of_text
from services.inventory.domain.issuing import ClaimedCard, Reservation, assign, count_missing, count_wanted
from services.inventory.domain.stock import HoldRequest, WantedComponent, decide_holds
from services.inventory.domain.supply import (
    ATTEMPTS_MAX,
    BACK_OFF_MAX,
    OPEN_STATES,
    AnswerKind,
    Step,
    SupplierAnswer,
    Task,
    TaskState,
    advance,
)
from shared.clock import new_id

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
CODES = st.text(st.characters(categories=["L", "N", "Pd"]), min_size=1, max_size=60)


@given(CODES)
def test_a_mask_hides_most_of_a_code(code: str) -> None:
    shown = mask(code).removeprefix("****")
    assert code.endswith(shown)
    assert len(shown) * 3 <= len(code)


def test_a_link_shows_nothing_of_itself() -> None:
    assert is_link("https://brand.example/r/abc")
    assert mask("https://brand.example/r/abcdefgh") == "****"
    assert mask_account("13800001111") == "****11"
    assert mask_account("") == "****"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2099-12-31", datetime(2099, 12, 31, 16, tzinfo=UTC)),
        ("2099-12-31T23:00:00+08:00", datetime(2099, 12, 31, 15, tzinfo=UTC)),
        ("2099-12-31T15:00:00Z", datetime(2099, 12, 31, 15, tzinfo=UTC)),
    ],
)
def test_a_date_lasts_until_the_end_of_its_day_in_shanghai(text: str, moment: datetime) -> None:
    assert read_card({"code": "A", "expires_at": text}, now=NOW).expires_at == moment


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_line_by_line(text: str) -> None:
    for rows in (rows_of_text(text), rows_of_csv(text.replace('"', ""))):
        for number, row in rows:
            assert number >= 1
            if isinstance(row, dict):
                with contextlib.suppress(LineFaultError):
                    read_card(row, now=NOW)


STOCK = st.lists(st.integers(0, 6), min_size=1, max_size=4)
WANTS = st.lists(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4)), min_size=1, max_size=3), max_size=12)


@given(STOCK, WANTS)
def test_holds_are_whole_fair_and_within_stock(stock: list[int], wants: list[list[tuple[int, int]]]) -> None:
    skus = [new_id() for _ in range(4)]
    free: dict[UUID, int | None] = dict(zip(skus, stock, strict=False))
    requests = [
        HoldRequest(
            new_id(), None, NOW, tuple(WantedComponent(new_id(), new_id(), skus[sku], count) for sku, count in want)
        )
        for want in wants
    ]
    decisions = decide_holds(requests, free=free, needs={})
    left = dict(zip(skus, stock, strict=False))
    for request, decision in zip(requests, decisions, strict=True):
        wanted: dict[UUID, int] = {}
        for component in request.components:
            wanted[component.sku_id] = wanted.get(component.sku_id, 0) + component.quantity
        fits = all(left.get(sku_id, -1) >= count for sku_id, count in wanted.items())
        assert (decision is None) == fits  # nobody is refused what is there, nobody gets what is not
        if decision is None:
            for sku_id, count in wanted.items():
                left[sku_id] -= count
    assert all(count >= 0 for count in left.values())


@given(st.lists(st.integers(1, 4), min_size=1, max_size=10), st.integers(0, 20))
def test_cards_are_dealt_whole_once_and_the_oldest_first(quantities: list[int], count: int) -> None:
    sku_id = new_id()
    reservations = [
        Reservation(new_id(), new_id(), new_id(), None, sku_id, SkuKind.CARD_KEY, quantity, 100, "CNY")
        for quantity in quantities
    ]
    cards = [ClaimedCard(sku_id, new_id(), new_id(), "****", 1, None, 0) for _ in range(count)]
    dealt = assign(reservations, cards)
    given_out = [card.card_id for given in dealt.given.values() for card in given]
    assert sorted(given_out + [card.card_id for card in dealt.left_over]) == [card.card_id for card in cards]
    assert given_out == sorted(given_out)
    for reservation in reservations:
        got = len(dealt.given.get(reservation.component_id, ()))
        assert got == (0 if reservation in dealt.short else reservation.quantity)
    missing = count_missing(count_wanted(reservations), cards).get(sku_id, 0)
    assert missing == max(sum(quantities) - count, 0)


UNITS = st.lists(
    st.builds(
        UnitFacts,
        st.builds(new_id),
        st.sampled_from([EntitlementState.ACTIVE, EntitlementState.REDEEMED]),
        st.booleans(),
    ),
    min_size=1,
    max_size=4,
).map(tuple)


@given(UNITS, st.booleans(), st.sampled_from([SkuKind.CARD_KEY, SkuKind.DIRECT_TOP_UP]))
def test_nothing_used_is_taken_back_and_nothing_seen_is_sold_again(
    units: tuple[UnitFacts, ...],
    redeemable_here: bool,  # noqa: FBT001  # drawn by Hypothesis
    kind: SkuKind,
) -> None:
    facts = DeliveryFacts(new_id(), kind, DeliveryState.ISSUED, redeemable_here, None, units)
    decision = decide_revoke(facts)
    seen = {unit.entitlement_id for unit in units if unit.revealed}
    used = kind is SkuKind.DIRECT_TOP_UP or any(unit.state is EntitlementState.REDEEMED for unit in units)
    if used or (seen and not redeemable_here):
        assert decision.verdict is delivery.RevokeVerdict.REFUSE
        assert decision.reason is not None
        assert not decision.revoke
    else:
        assert decision.verdict is delivery.RevokeVerdict.REVOKE
        assert set(decision.revoke) == {unit.entitlement_id for unit in units}
        assert set(decision.restock) == set(decision.revoke) - seen


TASKS = st.builds(
    Task,
    task_id=st.builds(new_id),
    state=st.sampled_from([TaskState.SENT, TaskState.UNKNOWN]),
    attempts=st.integers(1, ATTEMPTS_MAX),
    questions=st.integers(0, 1_000),
    sent_at=st.sampled_from([NOW, NOW - timedelta(minutes=1)]),
    cancel_wanted=st.booleans(),
    refused=st.booleans(),
    cost_minor=st.just(100),
)


@given(TASKS, st.sampled_from(Step), st.sampled_from(AnswerKind))
def test_no_answer_leads_to_buying_twice_or_to_giving_up_what_may_be_delivered(
    task: Task, step: Step, kind: AnswerKind
) -> None:
    after = advance(task, step=step, answer=SupplierAnswer(kind), now=NOW)
    assert after.state in supply.MOVES[task.state]
    if after.state is TaskState.NEW:  # it will be placed again
        certain = kind is AnswerKind.NEVER_SENT and step is Step.PLACE
        assert certain or (kind is AnswerKind.NOT_FOUND and task.sent_at != NOW)
        assert not task.cancel_wanted
    if after.state is TaskState.FAILED:
        assert step is Step.QUERY or kind in {AnswerKind.NEVER_SENT, AnswerKind.NOT_FOUND}
        assert kind is not AnswerKind.NOT_UNDERSTOOD
    if after.state in OPEN_STATES:
        assert after.due_at is not None
        assert after.due_at <= NOW + BACK_OFF_MAX
    else:
        assert after.due_at is None


LEGAL = {
    ("awaiting_supplier", "issued"),
    ("awaiting_supplier", "rejected"),
    ("awaiting_supplier", "revoked"),
    ("awaiting_shipment", "issued"),
    ("awaiting_shipment", "revoked"),
    ("issued", "revoked"),
    ("rejected", "revoked"),
}


@pytest.mark.parametrize("to", DeliveryState)
@pytest.mark.parametrize("state", DeliveryState)
def test_a_delivery_makes_legal_moves_alone(state: DeliveryState, to: DeliveryState) -> None:
    if (state.value, to.value) in LEGAL:
        delivery.check_move(state, to)
        return
    with pytest.raises(delivery.IllegalMoveError):
        delivery.check_move(state, to)


@pytest.mark.parametrize("state", [TaskState.NEW, TaskState.SUCCEEDED, TaskState.FAILED, TaskState.CANCELLED])
def test_a_task_that_ended_takes_no_answer(state: TaskState) -> None:
    task = Task(new_id(), state, 1, 0, NOW, cancel_wanted=False, refused=False, cost_minor=1)
    with pytest.raises(ValueError, match="takes no answer"):
        advance(task, step=Step.QUERY, answer=SupplierAnswer(AnswerKind.SUCCEEDED), now=NOW)
