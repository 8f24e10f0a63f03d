"""Every table of the settlement database. The ledger's walls (triggers) stand in the first migration."""

from services.settlement.tables.channels import CHANNEL_ENTRIES, CHANNEL_TRANSFERS, CHANNELS
from services.settlement.tables.components import COMPONENTS, REDEMPTIONS
from services.settlement.tables.contracts import CONTRACT_VERSIONS, SPLIT_CONTRACTS
from services.settlement.tables.ledger import (
    ACCOUNT_DAYS,
    ACCOUNT_TOTALS,
    ACCOUNTS,
    BLOCKS,
    JOURNAL_NUMBERS,
    JOURNALS,
    POSTINGS,
)
from services.settlement.tables.metadata import METADATA
from services.settlement.tables.partners import PARTNER_KEYS, PARTNERS
from services.settlement.tables.statements import STATEMENTS
from shared.http import idempotency_table
from shared.messaging import inbox_table, outbox_table, parked_table

OUTBOX = outbox_table(METADATA)
INBOX = inbox_table(METADATA)
PARKED = parked_table(METADATA)
IDEMPOTENCY = idempotency_table(METADATA)

__all__ = [
    "ACCOUNTS",
    "ACCOUNT_DAYS",
    "ACCOUNT_TOTALS",
    "BLOCKS",
    "CHANNELS",
    "CHANNEL_ENTRIES",
    "CHANNEL_TRANSFERS",
    "COMPONENTS",
    "CONTRACT_VERSIONS",
    "IDEMPOTENCY",
    "INBOX",
    "JOURNALS",
    "JOURNAL_NUMBERS",
    "METADATA",
    "OUTBOX",
    "PARKED",
    "PARTNERS",
    "PARTNER_KEYS",
    "POSTINGS",
    "REDEMPTIONS",
    "SPLIT_CONTRACTS",
    "STATEMENTS",
]
