"""The risk service over HTTP: answers for services, cases, lists, rules and searches for operators."""

from typing import Final

from fastapi import APIRouter

from services.risk.api import cases, decisions, lists, rules, searches
from services.risk.api.decisions import Recorder
from services.risk.domain.cases import CaseClosedError, CaseNotFoundError
from services.risk.domain.decisions import InvalidAddressError
from services.risk.domain.lists import InvalidEntryError
from services.risk.domain.rules import InvalidRulesError
from services.risk.usecases import Desk, EntryNotFoundError, JournalFullError, ListingExistsError, RulesChangedError
from shared.http import ProblemSpec

PROBLEMS: Final = {
    CaseClosedError: ProblemSpec(409, "case.closed", "The case was decided before"),
    CaseNotFoundError: ProblemSpec(404, "case.not_found", "There is no such case"),
    EntryNotFoundError: ProblemSpec(404, "list.not_found", "There is no such list entry"),
    InvalidAddressError: ProblemSpec(422, "ip.invalid", "The ip is not an address"),
    InvalidEntryError: ProblemSpec(422, "list.invalid", "The entry cannot be listed"),
    InvalidRulesError: ProblemSpec(422, "rules.invalid", "The rules cannot be used"),
    JournalFullError: ProblemSpec(503, "risk.overloaded", "Risk cannot write down its answers"),
    ListingExistsError: ProblemSpec(409, "list.exists", "This is listed already"),
    RulesChangedError: ProblemSpec(409, "rules.changed", "The rules were changed meanwhile"),
}


def routers(desk: Desk, recorder: Recorder) -> list[APIRouter]:
    """All paths of the service."""
    return [decisions.router(desk, recorder), cases.routes, lists.routes, rules.routes, searches.routes]


__all__ = ["PROBLEMS", "Recorder", "routers"]
