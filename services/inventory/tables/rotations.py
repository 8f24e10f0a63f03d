"""Batches whose cards move under a new data key, card by card."""

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, Text

from services.inventory.tables.base import METADATA, id_column, moment_column

KEY_ROTATIONS = Table(
    "key_rotations",
    METADATA,
    id_column("rotation_id", primary_key=True),
    id_column("batch_id", ForeignKey("card_batches.batch_id")),
    id_column("old_key_id"),
    id_column("new_key_id"),
    id_column("after_card_id"),
    Column("resealed", Integer, nullable=False, server_default="0"),
    Column("operator", Text, nullable=False),
    Column("reason", Text, nullable=False),
    moment_column("started_at"),
    moment_column("ended_at", nullable=True),
    Index("ix_key_rotations_batch_id", "batch_id", "rotation_id"),
)
Index(
    "uq_key_rotations_under_way",
    KEY_ROTATIONS.c.batch_id,
    unique=True,
    postgresql_where=KEY_ROTATIONS.c.ended_at.is_(None),
)
