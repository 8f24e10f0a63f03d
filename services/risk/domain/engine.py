"""The engine: lists, counters and rules together, all in memory. It decides; writing down is for others."""

from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from services.risk.domain.counters import Counters, YoungAccounts
from services.risk.domain.decisions import Decision, Hit, Kind, Outcome, Question, microseconds, read_address
from services.risk.domain.lists import Lists
from services.risk.domain.rules import RuleSet

ORDERS_REMEMBERED = 20_000
"""Checkouts whose answer is kept, so that a repeated question gets it again and is not counted twice."""

RECALLED_REMEMBERED = 50_000
"""Ids already counted from the database: far more than come within the time that is read twice."""


class Engine:
    """Everything an answer depends on. One per process, used by one thread; nothing in it waits.

    Counters can be made anew beside the ones in use (`renew`, fill, `adopt`): what is counted meanwhile is counted in both.
    """

    def __init__(self, rule_set: RuleSet) -> None:
        self.lists = Lists()
        self.accounts = YoungAccounts()
        self.counters = Counters(rule_set)
        self._renewed: Counters | None = None
        self._by_order: OrderedDict[UUID, Decision] = OrderedDict()
        self._recalled: OrderedDict[UUID, None] = OrderedDict()

    @property
    def rules_version(self) -> int:
        return self.counters.rule_set.version

    def decide(self, question: Question, *, decision_id: UUID, now: datetime) -> Decision:
        """Count the attempt and answer.

        :raises InvalidAddressError: the question's `ip` is no address.
        """
        address = read_address(question.ip)
        at = microseconds(now)
        if self._renewed is not None:
            self._renewed.count(question, address, at)
        broken = self.counters.count_and_judge(question, address, at, self.accounts)
        listed = self.lists.hits(question, address, now)
        hits = (*listed, *broken)
        decision = Decision(
            decision_id=decision_id,
            question=question,
            outcome=settle(hits, listed),
            hits=hits,
            rules_version=self.rules_version,
            decided_at=now,
        )
        self._remember(decision)
        return decision

    def known(self, question: Question) -> Decision | None:
        """The answer that this very checkout got before; it is given again, and the attempt is not counted twice."""
        if question.kind is not Kind.CHECKOUT or question.order_id is None:
            return None
        return self._by_order.get(question.order_id)

    def forget(self, decision: Decision) -> None:
        """Take an answer back that could not be written down: asked again, it is decided anew."""
        if decision.question.order_id is not None:
            self._by_order.pop(decision.question.order_id, None)

    def recall(self, counters: Iterable[Counters], recalled_id: UUID, question: Question, at: datetime) -> bool:
        """Count in these counters an attempt that was answered elsewhere; False when it was counted already."""
        if not self._note_recalled(recalled_id):
            return False
        address = read_address(question.ip)
        for each in counters:
            each.count(question, address, microseconds(at))
        return True

    def recall_first_reveal(
        self, counters: Iterable[Counters], entitlement_id: UUID, member_id: UUID, at: datetime
    ) -> bool:
        """Count a first reveal in these counters; False when it was counted already."""
        if not self._note_recalled(entitlement_id):
            return False
        for each in counters:
            each.count_first_reveal(member_id, microseconds(at))
        return True

    def renew(self, rule_set: RuleSet) -> Counters:
        """Begin new counters for another set of rules; the caller fills them with what was before this moment."""
        self._recalled.clear()
        self._renewed = Counters(rule_set)
        return self._renewed

    def adopt(self, renewed: Counters) -> None:
        """Decide by the new counters and rules from now on."""
        self.counters = renewed
        self._renewed = None

    def _note_recalled(self, recalled_id: UUID) -> bool:
        if recalled_id in self._recalled:
            return False
        self._recalled[recalled_id] = None
        if len(self._recalled) > RECALLED_REMEMBERED:
            self._recalled.popitem(last=False)
        return True

    def _remember(self, decision: Decision) -> None:
        if decision.question.kind is not Kind.CHECKOUT or decision.question.order_id is None:
            return
        self._by_order[decision.question.order_id] = decision
        if len(self._by_order) > ORDERS_REMEMBERED:
            self._by_order.popitem(last=False)


def settle(hits: Iterable[Hit], listed: Iterable[Hit]) -> Outcome:
    """One outcome, whatever the order of the findings.

    A deny list always wins. An allow list silences rules, but not a review list. Otherwise the most severe finding counts.
    """
    named = {hit.outcome for hit in listed}
    if Outcome.DENY in named:
        return Outcome.DENY
    if Outcome.ALLOW in named:
        return Outcome.REVIEW if Outcome.REVIEW in named else Outcome.ALLOW
    return max((hit.outcome for hit in hits), key=lambda outcome: outcome.severity, default=Outcome.ALLOW)
