"""Cards that are kept from sale, and what operators did to batches."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
)

from services.inventory.tables.base import METADATA, id_column, moment_column

# Rows of the shelf whose batch is frozen. They return when it thaws; void, they go for good.
FROZEN_CARDS = Table(
    "frozen_cards",
    METADATA,
    id_column("batch_id", ForeignKey("card_batches.batch_id")),
    id_column("card_id"),
    Column("use_no", SmallInteger, nullable=False),
    id_column("sku_id"),
    Column("masked", Text, nullable=False),
    Column("cost_minor", BigInteger, nullable=False),
    moment_column("expires_at", nullable=True),
    PrimaryKeyConstraint("batch_id", "card_id", "use_no"),
)

# The audit of batches: rows are only ever added.
BATCH_ACTIONS = Table(
    "batch_actions",
    METADATA,
    id_column("action_id", primary_key=True),
    id_column("batch_id", ForeignKey("card_batches.batch_id")),
    Column("action", Text, nullable=False),
    Column("operator", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("units", Integer, nullable=False, comment="uses of cards that it moved"),
    Column("cost_minor", BigInteger, nullable=False, comment="of these"),
    moment_column("acted_at"),
    Index("ix_batch_actions_batch_id", "batch_id", "action_id"),
)
