"""A card that does not work: who may say so, who decides, and what a replacement leaves behind."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.inventory.domain.entitlements import EntitlementState

REPORT_WITHIN = timedelta(days=7)
"""How long after a code was first seen its owner may say that it does not work."""

REPORTS_MAX = 3
"""Reports of one owner within `REPORTS_PERIOD`: who has more bad luck than that talks to a person first."""

REPORTS_PERIOD = timedelta(days=30)


class Fault(StrEnum):
    """What is wrong with the card. No free text: people would paste the code into it."""

    INVALID = "invalid"
    ALREADY_USED = "already_used"
    WRONG_GOODS = "wrong_goods"


class ReportState(StrEnum):
    """Where a report stands."""

    OPEN = "open"
    REPLACED = "replaced"
    REFUSED = "refused"


class ReportNotAllowedError(Exception):
    """This cannot be reported (any more)."""


class TooManyReportsError(Exception):
    """The owner has reported too much lately."""


class ReportUnknownError(Exception):
    """There is no such report."""


class ReportDecidedError(Exception):
    """The report was decided before, or its entitlement was used or taken back meanwhile."""


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """An entitlement with its card, locked, as far as a report asks. `reports` are its owner's of the last period."""

    entitlement_id: UUID
    order_id: UUID
    member_id: UUID | None
    given: bool
    sku_id: UUID
    card_id: UUID | None
    batch_id: UUID | None
    cost_minor: int
    state: EntitlementState
    first_revealed_at: datetime | None
    redeemable_here: bool
    card_reported: bool
    reports: int


@dataclass(frozen=True, slots=True)
class Report:
    """A report that is kept. Batch and cost are those of the card that is said to be bad: it is charged back to them."""

    report_id: UUID
    entitlement_id: UUID
    card_id: UUID
    batch_id: UUID
    sku_id: UUID
    cost_minor: int
    fault: Fault
    reported_by: str
    reported_at: datetime


def check_report(facts: ReportFacts, *, now: datetime) -> None:
    """Whether the owner may report this card.

    :raises ReportNotAllowedError: nobody has seen its code, or that was too long ago; it was used, taken back, or
        reported before; or it has no code at all.
    :raises TooManyReportsError: the owner reported too many lately.
    """
    if facts.card_id is None:
        raise ReportNotAllowedError("there is no code that could be bad")
    if facts.state is not EntitlementState.ACTIVE:
        raise ReportNotAllowedError("this was redeemed or taken back")
    if facts.first_revealed_at is None:
        raise ReportNotAllowedError("nobody has seen this code yet")
    if facts.card_reported:
        raise ReportNotAllowedError("this card was reported before")
    if now - facts.first_revealed_at > REPORT_WITHIN:
        raise ReportNotAllowedError(f"a card can be reported within {REPORT_WITHIN.days} days after it was first seen")
    if facts.reports >= REPORTS_MAX:
        raise TooManyReportsError(f"{REPORTS_MAX} reports in {REPORTS_PERIOD.days} days are the most")


def replaced_by_rule(facts: ReportFacts) -> bool:
    """Whether a report needs no person: where codes are honoured through us alone, we know that it was not used,
    and once replaced it leads nowhere. All others may have been used elsewhere.
    """
    return facts.redeemable_here
