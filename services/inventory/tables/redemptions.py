"""What partners honoured, and where."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Table, Text

from services.inventory.domain.redeeming import RedemptionChannel
from services.inventory.domain.undoing import UndoneBy
from services.inventory.tables.base import METADATA, id_column, moment_column, one_of

REDEMPTIONS = Table(
    "redemptions",
    METADATA,
    id_column("redemption_id", primary_key=True),
    id_column("entitlement_id", ForeignKey("entitlements.entitlement_id")),
    id_column("partner_id"),
    id_column("sku_id"),
    id_column("order_id"),
    Column("store", Text),
    Column("terminal", Text),
    Column("cashier", Text, comment="the partner's own reference"),
    Column("channel", Text, comment="null: before it was kept"),
    id_column("voucher_nonce", nullable=True),
    Column("masked", Text, nullable=False),
    moment_column("redeemed_at"),
    moment_column("undone_at", nullable=True),
    Column("undone_by", Text),
    Column("undone_subject", Text),
    Column("undo_reason", Text),
    one_of("channel", RedemptionChannel, name="channel_known"),
    one_of("undone_by", UndoneBy, name="undone_by_known"),
    CheckConstraint("num_nulls(undone_at, undone_by, undone_subject, undo_reason) IN (0, 4)", name="undone_is_whole"),
    Index("ix_redemptions_partner_id", "partner_id", "redemption_id"),
    Index("ix_redemptions_order_id", "order_id"),
    Index("ix_redemptions_redeemed_at", "redeemed_at"),
)
# Redemptions that were undone stay: an entitlement has at most one that counts.
Index(
    "uq_redemptions_entitlement_id",
    REDEMPTIONS.c.entitlement_id,
    unique=True,
    postgresql_where=REDEMPTIONS.c.undone_at.is_(None),
)
Index("ix_redemptions_undone", REDEMPTIONS.c.entitlement_id, postgresql_where=REDEMPTIONS.c.undone_at.is_not(None))
Index(
    "uq_redemptions_voucher_nonce",
    REDEMPTIONS.c.voucher_nonce,
    unique=True,
    postgresql_where=REDEMPTIONS.c.voucher_nonce.is_not(None),
)
