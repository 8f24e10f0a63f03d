"""One-tap links to codes: who asked for them, and that each was used once."""

from sqlalchemy import Column, ForeignKey, Index, Table, Text

from services.inventory.tables.base import METADATA, id_column, moment_column

REVEAL_LINKS = Table(
    "reveal_links",
    METADATA,
    id_column("link_id", primary_key=True),
    id_column("entitlement_id", ForeignKey("entitlements.entitlement_id")),
    Column("caller", Text, nullable=False),
    Column("session", Text, nullable=False, comment="of the caller, or the device"),
    moment_column("made_at"),
    moment_column("expires_at"),
    moment_column("used_at", nullable=True),
    Index("ix_reveal_links_entitlement_id", "entitlement_id"),
)
