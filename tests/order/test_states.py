"""The moves table: what is in it goes, what is not is refused, and orders never leave it."""

import itertools
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.order.domain import purchase, returns
from services.order.domain.orders import Component, Order, UnknownComponentError, settle
from services.order.domain.refunds import (
    PartStatus,
    Refund,
    RefundNotInReviewError,
    RefundPart,
    RefundReason,
    RefundStatus,
    dismiss_part,
    refuse_part,
    reverse_part,
    send_again,
)
from services.order.domain.returns import NotPaidError, NotRefundableError
from services.order.domain.states import (
    COMPONENT_MOVES,
    ORDER_MOVES,
    ComponentStatus,
    IllegalMoveError,
    OrderStatus,
    check_component_move,
    check_order_move,
)
from shared.clock import new_id

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def order(*statuses: ComponentStatus, status: OrderStatus = OrderStatus.PENDING_PAYMENT, **more: Any) -> Order:
    line_id = new_id()
    parts = tuple(
        Component(new_id(), line_id, new_id(), "c", "card_key", 1, 100, None, 0, None, status=each) for each in statuses
    )
    facts: dict[str, Any] = {
        "order_id": new_id(),
        "member_id": None,
        "currency": "CNY",
        "total_minor": 100 * len(parts),
        "flagged": False,
        "held": False,
        "pay_before": NOW,
        "payment_id": None,
    }
    return Order(status=status, components=parts, **{**facts, **more})


@pytest.mark.parametrize(("before", "after"), list(itertools.product(OrderStatus, OrderStatus)))
def test_every_order_move(before: OrderStatus, after: OrderStatus) -> None:
    if after in ORDER_MOVES[before]:
        check_order_move(before, after)
        return
    with pytest.raises(IllegalMoveError):
        check_order_move(before, after)


@pytest.mark.parametrize(("before", "after"), list(itertools.product(ComponentStatus, ComponentStatus)))
def test_every_component_move(before: ComponentStatus, after: ComponentStatus) -> None:
    part = order(before).components[0]
    if after in COMPONENT_MOVES[before]:
        check_component_move(before, after)
        assert part.to(after).status is after
        return
    with pytest.raises(IllegalMoveError):
        part.to(after)


def test_the_tables_name_every_state() -> None:
    assert set(ORDER_MOVES) == set(OrderStatus)
    assert set(COMPONENT_MOVES) == set(ComponentStatus)
    assert not ORDER_MOVES[OrderStatus.REFUNDED]
    assert not COMPONENT_MOVES[ComponentStatus.REFUNDED]


@pytest.mark.parametrize("status", sorted(set(OrderStatus) - {OrderStatus.PENDING_PAYMENT, OrderStatus.CANCELLED}))
def test_only_an_open_or_cancelled_order_is_paid(status: OrderStatus) -> None:
    with pytest.raises(IllegalMoveError):
        purchase.pay(order(ComponentStatus.PENDING, status=status), payment_id=None, now=NOW)


@pytest.mark.parametrize("status", sorted(set(OrderStatus) - {OrderStatus.PENDING_PAYMENT}))
def test_only_an_open_order_is_cancelled(status: OrderStatus) -> None:
    with pytest.raises(IllegalMoveError):
        purchase.cancel(order(ComponentStatus.PENDING, status=status), now=NOW)


@pytest.mark.parametrize("status", sorted(set(OrderStatus) - {OrderStatus.CANCELLED}))
def test_only_a_cancelled_order_is_paid_too_late(status: OrderStatus) -> None:
    with pytest.raises(IllegalMoveError):
        purchase.pay_too_late(order(ComponentStatus.PENDING, status=status), payment_id=new_id(), now=NOW)


@pytest.mark.parametrize(
    "status",
    [ComponentStatus.REVOKING, ComponentStatus.REVOKED, ComponentStatus.REFUNDED, ComponentStatus.REVIEW],
)
def test_what_is_on_its_way_back_is_not_taken_back_again(status: ComponentStatus) -> None:
    paid = order(status, status=OrderStatus.REFUNDING, paid_at=NOW)
    with pytest.raises(NotRefundableError):
        returns.begin_refund(paid, component_ids=[paid.components[0].component_id], now=NOW)


def test_nothing_is_refunded_before_it_is_paid() -> None:
    unpaid = order(ComponentStatus.PENDING)
    with pytest.raises(NotPaidError):
        returns.begin_refund(unpaid, component_ids=[unpaid.components[0].component_id], now=NOW)
    with pytest.raises(NotPaidError):
        returns.select_for_refund(unpaid, None)


def test_a_refund_names_what_is_in_the_order() -> None:
    paid = purchase.pay(order(ComponentStatus.PENDING, ComponentStatus.PENDING), payment_id=new_id(), now=NOW)
    line_id, part = paid.components[0].line_id, paid.components[0].component_id
    assert returns.select_for_refund(paid, None) == [each.component_id for each in paid.components]
    assert returns.select_for_refund(paid, {line_id: None}) == [each.component_id for each in paid.components]
    assert returns.select_for_refund(paid, {line_id: [part, part]}) == [part]
    for unknown in ({new_id(): None}, {line_id: [new_id()]}):
        with pytest.raises(UnknownComponentError):
            returns.select_for_refund(paid, unknown)


STEPS = (
    "promise",
    "issue",
    "split",
    "reject",
    "begin_refund",
    "revoke",
    "refuse_revoke",
    "refund",
    "dismiss_review",
    "release",
    "deny",
)


@settings(max_examples=500)
@given(flagged=st.booleans(), script=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 2)), max_size=30))
def test_whatever_is_told_in_whatever_order_the_order_stays_in_the_table(
    *, flagged: bool, script: list[tuple[str, int]]
) -> None:
    """Facts may come in any order; wishes may be refused; the order says at every step what its components say."""
    current = purchase.pay(order(*[ComponentStatus.PENDING] * 3, flagged=flagged), payment_id=new_id(), now=NOW)
    for step, place in script:
        before = current
        component_id = current.components[place].component_id
        try:
            current = _take(current, step, component_id)
        except (IllegalMoveError, NotRefundableError):
            unasked = step == "issue" and current.components[place].status is ComponentStatus.PENDING
            assert unasked or step in {"begin_refund", "refund", "dismiss_review"}, f"a fact was refused: {step}"
            continue
        assert settle(current, current.components, held=current.held, now=NOW) == current, "the parts say it all"
        assert current.status is before.status or current.status in ORDER_MOVES[before.status]
        assert before.fulfilled_at is None or current.fulfilled_at == before.fulfilled_at
        assert before.completed_at is None or current.completed_at == before.completed_at
        for old, new in zip(before.components, current.components, strict=True):
            assert old.status is not ComponentStatus.REFUNDED or new.status is ComponentStatus.REFUNDED


def _take(current: Order, step: str, component_id: Any) -> Order:
    function = getattr(purchase, step, None) or getattr(returns, step)
    if step in {"begin_refund", "refund"}:
        return function(current, component_ids=[component_id], now=NOW)  # type: ignore[no-any-return]
    if step in {"release", "deny"}:
        return function(current, now=NOW)  # type: ignore[no-any-return]
    return function(current, component_id=component_id, now=NOW)  # type: ignore[no-any-return]


def refund(*statuses: PartStatus, status: RefundStatus = RefundStatus.REVOKING, amount_minor: int = 100) -> Refund:
    parts = tuple(RefundPart(new_id(), new_id(), amount_minor, each) for each in statuses)
    return Refund(
        refund_id=new_id(),
        order_id=new_id(),
        payment_id=new_id(),
        reason=RefundReason.BUYER,
        currency="CNY",
        amount_minor=amount_minor * len(parts),
        status=status,
        parts=parts,
        requested_by="buyer:x",
        requested_at=NOW,
    )


def test_the_money_goes_once_every_part_is_answered_for_and_only_for_what_came_back() -> None:
    asked = refund(PartStatus.REVOKING, PartStatus.REVOKING)
    first, second = asked.parts
    half = reverse_part(asked, component_id=first.component_id, now=NOW)
    assert half.status is RefundStatus.REVOKING
    whole = refuse_part(half, component_id=second.component_id, now=NOW)
    assert (whole.status, whole.amount_minor) == (RefundStatus.SENDING, 100)
    assert reverse_part(whole, component_id=second.component_id, now=NOW) is whole


def test_a_refund_of_nothing_ends_without_a_provider() -> None:
    asked = refund(PartStatus.REVOKING, amount_minor=0)
    done = reverse_part(asked, component_id=asked.parts[0].component_id, now=NOW)
    assert (done.status, done.parts[0].status) == (RefundStatus.REFUNDED, PartStatus.REFUNDED)


def test_a_person_decides_only_what_waits_for_one() -> None:
    asked = refund(PartStatus.REVOKING)
    component_id = asked.parts[0].component_id
    with pytest.raises(RefundNotInReviewError):
        dismiss_part(asked, component_id=component_id, now=NOW)
    refused = refuse_part(asked, component_id=component_id, now=NOW)
    assert refused.status is RefundStatus.REVIEW
    with pytest.raises(RefundNotInReviewError):
        send_again(refused)
    assert dismiss_part(refused, component_id=component_id, now=NOW).status is RefundStatus.DISMISSED
    assert send_again(refund(PartStatus.REVERSED, status=RefundStatus.REVIEW)).status is RefundStatus.SENDING
