"""Exports of unsold codes, and the codes by which each can be told."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text

from services.inventory.domain.exports import ExportState
from services.inventory.tables.base import METADATA, id_column, moment_column, one_of

CARD_EXPORTS = Table(
    "card_exports",
    METADATA,
    id_column("export_id", primary_key=True),
    id_column("batch_id", ForeignKey("card_batches.batch_id")),
    Column("state", Text, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("decided_by", Text),
    Column("cards", Integer, comment="in the file, without those that were added to tell it"),
    Column("downloads", Integer, nullable=False, server_default="0"),
    id_column("key_id", ForeignKey("data_keys.key_id"), nullable=True),
    Column("sealed", LargeBinary),
    moment_column("requested_at"),
    moment_column("decided_at", nullable=True),
    one_of("state", ExportState, name="state_known"),
    CheckConstraint("decided_by <> requested_by", name="four_eyes"),
    CheckConstraint("(state = 'ready') = (sealed IS NOT NULL)", name="ready_has_file"),
    Index("ix_card_exports_batch_id", "batch_id", "export_id"),
)
Index("ix_card_exports_ready", CARD_EXPORTS.c.decided_at, postgresql_where=CARD_EXPORTS.c.state == "ready")

CANARIES = Table(
    "canaries",
    METADATA,
    Column("code_index", LargeBinary, primary_key=True),
    id_column("export_id", ForeignKey("card_exports.export_id")),
    CheckConstraint("octet_length(code_index) = 32", name="code_index_is_hmac"),
)
