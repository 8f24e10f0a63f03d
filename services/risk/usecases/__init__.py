"""The verbs of risk: decide, write down, keep the engine in step, open and decide cases, change lists and rules."""

from services.risk.usecases.cases import HeldOrder, decide_case, drop_cases, open_cases
from services.risk.usecases.desk import Desk, JournalFullError
from services.risk.usecases.following import Position, begin, fill, follow
from services.risk.usecases.late import judge_late
from services.risk.usecases.lists import EntryNotFoundError, ListingExistsError, add_entry, change_entry, remove_entry
from services.risk.usecases.recording import prune_decisions, prune_members, record, record_accounts, record_reveals
from services.risk.usecases.rules import RulesChangedError, replace_rules, seed_rules

__all__ = [
    "Desk",
    "EntryNotFoundError",
    "HeldOrder",
    "JournalFullError",
    "ListingExistsError",
    "Position",
    "RulesChangedError",
    "add_entry",
    "begin",
    "change_entry",
    "decide_case",
    "drop_cases",
    "fill",
    "follow",
    "judge_late",
    "open_cases",
    "prune_decisions",
    "prune_members",
    "record",
    "record_accounts",
    "record_reveals",
    "remove_entry",
    "replace_rules",
    "seed_rules",
]
