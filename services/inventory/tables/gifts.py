"""Gifts: the ones that were claimed are the history of an entitlement's owners."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, LargeBinary, Table, Text

from services.inventory.domain.gifting import GiftState
from services.inventory.tables.base import METADATA, id_column, moment_column, one_of

GIFTS = Table(
    "gifts",
    METADATA,
    id_column("gift_id", primary_key=True),
    id_column("entitlement_id", ForeignKey("entitlements.entitlement_id")),
    id_column("from_member_id"),
    id_column("to_member_id", nullable=True),
    Column("token_sha256", LargeBinary),
    Column("message", Text),
    Column("state", Text, nullable=False),
    moment_column("made_at"),
    moment_column("expires_at"),
    moment_column("ended_at", nullable=True),
    id_column("claimed_by", nullable=True),
    one_of("state", GiftState, name="state_known"),
    CheckConstraint("num_nulls(to_member_id, token_sha256) = 1", name="named_or_by_link"),
    CheckConstraint("(state = 'pending') = (ended_at IS NULL)", name="ended_has_moment"),
    CheckConstraint("(state = 'claimed') = (claimed_by IS NOT NULL)", name="claimed_by_somebody"),
    CheckConstraint("claimed_by <> from_member_id", name="not_to_self"),
    Index("ix_gifts_entitlement_id", "entitlement_id"),
    Index("ix_gifts_from_member_id", "from_member_id", "gift_id"),
)
Index(
    "ix_gifts_to_member_id",
    GIFTS.c.to_member_id,
    GIFTS.c.gift_id,
    postgresql_where=GIFTS.c.to_member_id.is_not(None),
)
Index("ix_gifts_claimed_by", GIFTS.c.claimed_by, GIFTS.c.gift_id, postgresql_where=GIFTS.c.claimed_by.is_not(None))
Index("ix_gifts_due", GIFTS.c.expires_at, postgresql_where=GIFTS.c.state == GiftState.PENDING.value)
Index(
    "uq_gifts_pending", GIFTS.c.entitlement_id, unique=True, postgresql_where=GIFTS.c.state == GiftState.PENDING.value
)
Index("uq_gifts_token_sha256", GIFTS.c.token_sha256, unique=True, postgresql_where=GIFTS.c.token_sha256.is_not(None))
