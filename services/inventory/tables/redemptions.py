"""What partners honoured, and where."""

from sqlalchemy import Column, ForeignKey, Index, Table, Text, UniqueConstraint

from services.inventory.domain.redeeming import RedemptionChannel
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
    one_of("channel", RedemptionChannel, name="channel_known"),
    UniqueConstraint("entitlement_id"),
    Index("ix_redemptions_partner_id", "partner_id", "redemption_id"),
    Index("ix_redemptions_order_id", "order_id"),
    Index("ix_redemptions_redeemed_at", "redeemed_at"),
)
Index(
    "uq_redemptions_voucher_nonce",
    REDEMPTIONS.c.voucher_nonce,
    unique=True,
    postgresql_where=REDEMPTIONS.c.voucher_nonce.is_not(None),
)
