"""The only writes and locks of the risk service, and the rows that its memory is filled from."""

from services.risk.repository.cases import (
    answers,
    case_for_update,
    case_of_order_for_update,
    drop_open,
    insert_cases,
    lock_orders,
    save_verdict,
)
from services.risk.repository.decisions import (
    Recalled,
    RecalledReveal,
    decisions_between,
    decisions_of_others,
    insert_decisions,
    prune_decisions,
    prune_members,
    reveals_between,
)
from services.risk.repository.members import accounts_recorded_since, insert_accounts, insert_reveals
from services.risk.repository.rulebook import (
    AuditEntry,
    add_audit,
    changed_entries,
    entry_for_update,
    insert_entry,
    insert_rule_set,
    latest_rule_set,
    lock_rulebook,
    save_entry,
)

__all__ = [
    "AuditEntry",
    "Recalled",
    "RecalledReveal",
    "accounts_recorded_since",
    "add_audit",
    "answers",
    "case_for_update",
    "case_of_order_for_update",
    "changed_entries",
    "decisions_between",
    "decisions_of_others",
    "drop_open",
    "entry_for_update",
    "insert_accounts",
    "insert_cases",
    "insert_decisions",
    "insert_entry",
    "insert_reveals",
    "insert_rule_set",
    "latest_rule_set",
    "lock_orders",
    "lock_rulebook",
    "prune_decisions",
    "prune_members",
    "reveals_between",
    "save_entry",
    "save_verdict",
]
