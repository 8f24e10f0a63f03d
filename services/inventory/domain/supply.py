"""An order placed with a supplier. Not knowing is a state of its own: ask before anything else, never buy twice."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.inventory.domain.cards import CardSecret
from services.inventory.domain.syncing import PriceRule
from shared.crypto import Secret, WrappedKey


class TaskState(StrEnum):
    """Where an order with a supplier stands.

    `new`: certainly not with the supplier. `sent`: on its way or being worked on. `unknown`: the answer was lost or
    not understood. The others are final.
    """

    NEW = "new"
    SENT = "sent"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN_STATES = frozenset({TaskState.NEW, TaskState.SENT, TaskState.UNKNOWN})

MOVES = {
    TaskState.NEW: frozenset({TaskState.SENT, TaskState.FAILED, TaskState.CANCELLED}),
    TaskState.SENT: frozenset(
        {TaskState.NEW, TaskState.SENT, TaskState.UNKNOWN, TaskState.SUCCEEDED, TaskState.FAILED, TaskState.CANCELLED}
    ),
    TaskState.UNKNOWN: frozenset(
        {TaskState.NEW, TaskState.SENT, TaskState.UNKNOWN, TaskState.SUCCEEDED, TaskState.FAILED, TaskState.CANCELLED}
    ),
    TaskState.SUCCEEDED: frozenset[TaskState](),
    TaskState.FAILED: frozenset[TaskState](),
    TaskState.CANCELLED: frozenset[TaskState](),
}

ATTEMPTS_MAX = 5
"""How often an order is placed that certainly never reached the supplier, before it counts as failed."""

NOT_FOUND_GRACE = timedelta(seconds=10)
"""An order that was just sent may not be found yet. It is not placed again before this long after the sending."""

CONFIRM_FAILURE_AFTER = timedelta(seconds=2)
"""Suppliers say `failed` and deliver all the same: the word is believed when a later question confirms it."""

FIRST_QUESTION_AFTER = timedelta(seconds=1)
BACK_OFF_MAX = timedelta(minutes=5)
_DOUBLINGS_MAX = 9


class AnswerKind(StrEnum):
    """What a call to a supplier taught us."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    PROCESSING = "processing"
    REFUSED = "refused"
    NOT_FOUND = "not_found"
    NEVER_SENT = "never_sent"
    NOT_UNDERSTOOD = "not_understood"


class Step(StrEnum):
    """What to do next with a task."""

    PLACE = "place"
    QUERY = "query"


@dataclass(frozen=True, slots=True)
class SupplierAnswer:
    """A call's result: `refused` is an order that was not taken on, `failed` one that was and came to nothing.

    `reason` is a short word for the log, never the supplier's text. `cards` are as many as were ordered, where cards were.
    """

    kind: AnswerKind
    reason: str = ""
    supplier_order_no: str | None = None
    cost_minor: int | None = None
    cards: tuple[CardSecret, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Task:
    """An order with a supplier. `cancel_wanted`: a refund waits for its fate. `refused`: it was not
    taken on, and is not placed again. `sent_at` is the latest sending. `tries` counts the suppliers it has been with,
    this one included; `reached`: a call may have arrived at this one.
    """

    task_id: UUID
    state: TaskState
    attempts: int
    questions: int
    sent_at: datetime | None
    cancel_wanted: bool
    refused: bool
    cost_minor: int
    last_reason: str = ""
    supplier_order_no: str | None = None
    due_at: datetime | None = None
    tries: int = 1
    reached: bool = False


@dataclass(frozen=True, slots=True)
class SupplierOrder:
    """All that a call to a supplier takes. `cost_minor_max` is the price guard, for all units; None: no guard.

    `wire` describes how the supplier is spoken to; None: as we would. `for_cards`: cards are bought, for no account.
    """

    base_url: str
    merchant_id: str
    secret: Secret
    out_order_no: str
    supplier_sku: str
    quantity: int
    account: Secret
    cost_minor_max: int | None
    wire: Mapping[str, object] | None = None
    for_cards: bool = False


@dataclass(frozen=True, slots=True)
class SupplierOffer:
    """What a supplier calls our SKU and what it costs us per unit. Among equal priorities it gets `weight` shares."""

    sku_id: UUID
    supplier_sku: str
    cost_minor: int
    priority: int = 1
    weight: int = 1
    price_rule: PriceRule = PriceRule.ALERT
    margin_bp: int | None = None


@dataclass(frozen=True, slots=True)
class LeasedTask:
    """A task that this process has for a while, with all it takes to call the supplier. Secrets are sealed.

    `held_back`: the supplier's circuit is open, so that it is not called.
    """

    task: Task
    step: Step
    lease: UUID
    component_id: UUID
    supplier_id: UUID
    base_url: str
    merchant_id: str
    out_order_no: str
    supplier_sku: str
    quantity: int
    paid_minor: int
    guarded: bool
    secret_sealed: bytes = field(repr=False)
    secret_key: WrappedKey
    fields_sealed: bytes | None = field(repr=False)
    fields_key: WrappedKey | None
    sku_id: UUID
    for_cards: bool
    wire: Mapping[str, object] | None
    held_back: bool = False


class TaskUnknownError(Exception):
    """There is no such task with a supplier."""


class TaskNotOpenError(Exception):
    """The task has ended; it cannot be decided by hand."""


class CardsMissingError(Exception):
    """Cards cannot be declared delivered: without their codes the buyer would have nothing."""


class SupplierUnknownError(Exception):
    """There is no such supplier."""


class SupplierNameTakenError(Exception):
    """Another supplier has this name."""


def advance(task: Task, *, step: Step, answer: SupplierAnswer, now: datetime) -> Task:
    """What a task that is with the supplier, or may be, becomes by a call. A final state has no `due_at`.

    :raises ValueError: the task has ended already, or was never sent.
    """
    if task.state not in {TaskState.SENT, TaskState.UNKNOWN}:
        raise ValueError(f"a task that is {task.state} takes no answer")
    told = replace(
        task,
        last_reason=answer.reason or answer.kind.value,
        supplier_order_no=answer.supplier_order_no or task.supplier_order_no,
        questions=task.questions + (step is Step.QUERY),
        reached=task.reached or answer.kind is not AnswerKind.NEVER_SENT,
    )
    if answer.kind is AnswerKind.SUCCEEDED:
        cost_minor = task.cost_minor if answer.cost_minor is None else answer.cost_minor
        return replace(told, state=TaskState.SUCCEEDED, cost_minor=cost_minor, due_at=None)
    if answer.kind is AnswerKind.PROCESSING:
        return _ask_later(told, TaskState.SENT, now)
    if answer.kind is AnswerKind.NEVER_SENT and step is Step.PLACE:
        return _place_again(told, now)
    if answer.kind is AnswerKind.NOT_FOUND:
        return _not_found(told, now)
    if answer.kind in {AnswerKind.FAILED, AnswerKind.REFUSED}:
        return _failed(told, step, answer.kind, now)
    return _ask_later(told, TaskState.UNKNOWN, now)


def _failed(task: Task, step: Step, kind: AnswerKind, now: datetime) -> Task:
    if step is Step.QUERY:
        return replace(task, state=TaskState.FAILED, due_at=None)
    refused = kind is AnswerKind.REFUSED
    return replace(task, state=TaskState.UNKNOWN, refused=refused, due_at=now + CONFIRM_FAILURE_AFTER)


def _not_found(task: Task, now: datetime) -> Task:
    if task.refused:
        return replace(task, state=TaskState.FAILED, due_at=None)
    if task.sent_at is not None and now < task.sent_at + NOT_FOUND_GRACE:
        return replace(task, state=TaskState.UNKNOWN, due_at=task.sent_at + NOT_FOUND_GRACE)
    return _place_again(task, now)


def _place_again(task: Task, now: datetime) -> Task:
    if task.cancel_wanted:
        return replace(task, state=TaskState.CANCELLED, due_at=None)
    if task.attempts >= ATTEMPTS_MAX:
        return replace(task, state=TaskState.FAILED, due_at=None)
    return replace(task, state=TaskState.NEW, due_at=now + back_off(task.attempts))


def _ask_later(task: Task, state: TaskState, now: datetime) -> Task:
    return replace(task, state=state, due_at=now + back_off(task.questions))


def back_off(times: int) -> timedelta:
    """One second, doubled with every time, five minutes at most."""
    return min(FIRST_QUESTION_AFTER * (1 << min(times, _DOUBLINGS_MAX)), BACK_OFF_MAX)


def may_pass_on(task: Task) -> bool:
    """Whether it is certain that this supplier does not deliver, so that another may be asked: it failed, or no call
    has ever arrived. While its fate is unknown, nobody else is.
    """
    if task.cancel_wanted:
        return False
    return task.state is TaskState.FAILED or (task.state is TaskState.NEW and not task.reached)


def out_order_no(component_id: UUID, number: int = 1) -> str:
    """Our number of the order at the supplier of this try: a component is never a second order there, and two accounts
    with the same supplier do not meet.
    """
    return f"KQ{component_id.hex}" if number == 1 else f"KQ{component_id.hex}-{number}"
