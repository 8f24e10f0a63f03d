"""Vouchers for stores without a network, and what could not be honoured when their lists came in."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Table, Text

from services.inventory.domain.offline import ConflictReason
from services.inventory.tables.base import METADATA, id_column, moment_column, one_of

OFFLINE_VOUCHERS = Table(
    "offline_vouchers",
    METADATA,
    id_column("nonce", primary_key=True),
    id_column("key_id", ForeignKey("data_keys.key_id")),
    id_column("entitlement_id", ForeignKey("entitlements.entitlement_id")),
    id_column("partner_id"),
    moment_column("issued_at"),
    moment_column("expires_at"),
    CheckConstraint("expires_at > issued_at", name="lasts"),
    Index("ix_offline_vouchers_entitlement_id", "entitlement_id", "expires_at"),
)

# Rows are only ever added: who accepted what is evidence between a store and the brand.
REDEMPTION_CONFLICTS = Table(
    "redemption_conflicts",
    METADATA,
    id_column("conflict_id", primary_key=True),
    id_column("nonce"),
    id_column("entitlement_id", ForeignKey("entitlements.entitlement_id")),
    id_column("partner_id"),
    Column("store", Text),
    Column("terminal", Text),
    Column("cashier", Text),
    Column("reason", Text, nullable=False),
    moment_column("accepted_at"),
    moment_column("recorded_at"),
    one_of("reason", ConflictReason, name="reason_known"),
    Index("ix_redemption_conflicts_recorded_at", "recorded_at", "conflict_id"),
)
