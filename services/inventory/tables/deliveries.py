"""What became of each component of each order."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    Uuid,
)

from services.inventory.domain.catalogue import SkuKind
from services.inventory.domain.delivery import DeliveryState
from services.inventory.domain.entitlements import EntitlementState
from services.inventory.tables.base import METADATA, id_column, moment_column, one_of

# The primary key is the wall: one delivery per component, whatever arrives twice.
DELIVERIES = Table(
    "deliveries",
    METADATA,
    id_column("component_id", primary_key=True),
    id_column("order_id"),
    id_column("line_id", nullable=True),
    id_column("sku_id"),
    id_column("member_id", nullable=True),
    Column("kind", Text, comment="null: revoked before it was ever reserved"),
    Column("quantity", Integer),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, comment="of a rejection"),
    id_column("supplier_id", nullable=True),
    id_column("refund_id", nullable=True),
    moment_column("created_at"),
    moment_column("issued_at", nullable=True),
    Column("accept_substitutes", Boolean, nullable=False, server_default="true"),
    Column("ordered_sku_id", Uuid, comment="where something else is delivered instead"),
    one_of("state", DeliveryState, name="state_known"),
    one_of("kind", SkuKind, name="kind_known"),
    CheckConstraint("quantity > 0", name="quantity_positive"),
    CheckConstraint("amount_minor >= 0", name="amount_not_negative"),
    CheckConstraint("state <> 'issued' OR issued_at IS NOT NULL", name="issued_has_moment"),
    CheckConstraint(
        "state = 'revoked' OR (line_id IS NOT NULL AND kind IS NOT NULL AND quantity IS NOT NULL)", name="complete"
    ),
    postgresql_with={"fillfactor": "90"},
)
Index(
    "ix_deliveries_unsettled",
    DELIVERIES.c.created_at,
    postgresql_where=DELIVERIES.c.state == DeliveryState.AWAITING_SUPPLIER.value,
)

ENTITLEMENTS = Table(
    "entitlements",
    METADATA,
    id_column("entitlement_id", primary_key=True),
    id_column("component_id", ForeignKey("deliveries.component_id")),
    id_column("order_id"),
    id_column("member_id", nullable=True),
    id_column("sku_id"),
    id_column("card_id", nullable=True),
    Column("use_no", SmallInteger, nullable=False, server_default="1", comment="which use of the card"),
    Column("state", Text, nullable=False),
    Column(
        "restocked", Boolean, nullable=False, server_default="false", comment="the card went back to the shelf unseen"
    ),
    Column("masked", Text, nullable=False),
    Column("cost_minor", BigInteger, nullable=False),
    moment_column("expires_at", nullable=True),
    moment_column("issued_at"),
    moment_column("first_revealed_at", nullable=True),
    Column("reveals", Integer, nullable=False, server_default="0"),
    moment_column("redeemed_at", nullable=True),
    moment_column("revoked_at", nullable=True),
    moment_column("reminded_at", nullable=True),
    id_column("gift_id", nullable=True),
    moment_column("given_at", nullable=True),
    one_of("state", EntitlementState, name="state_known"),
    CheckConstraint("(first_revealed_at IS NULL) = (reveals = 0)", name="revealed_is_counted"),
    CheckConstraint("(state = 'redeemed') = (redeemed_at IS NOT NULL)", name="redeemed_has_moment"),
    CheckConstraint("(state = 'revoked') = (revoked_at IS NOT NULL)", name="revoked_has_moment"),
    CheckConstraint("NOT restocked OR (state = 'revoked' AND reveals = 0)", name="only_unseen_restocked"),
    Index("ix_entitlements_order_id", "order_id"),
    postgresql_with={"fillfactor": "85"},
)
Index(
    "ix_entitlements_member_id",
    ENTITLEMENTS.c.member_id,
    ENTITLEMENTS.c.entitlement_id,
    postgresql_where=ENTITLEMENTS.c.member_id.is_not(None),
)
Index(
    "ix_entitlements_to_remind",
    ENTITLEMENTS.c.expires_at,
    postgresql_where=ENTITLEMENTS.c.expires_at.is_not(None)
    & ENTITLEMENTS.c.reminded_at.is_(None)
    & (ENTITLEMENTS.c.state == EntitlementState.ACTIVE.value),
)
# The wall against selling a use of a card twice. There is no foreign key to `cards`: each check would write to the card's row.
Index(
    "uq_entitlements_card_use",
    ENTITLEMENTS.c.card_id,
    ENTITLEMENTS.c.use_no,
    unique=True,
    postgresql_where=~ENTITLEMENTS.c.restocked,
)

# The audit of reveals: rows are only ever added.
REVEALS = Table(
    "reveals",
    METADATA,
    id_column("reveal_id", primary_key=True),
    id_column("entitlement_id", ForeignKey("entitlements.entitlement_id")),
    Column("role", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("ip", Text, nullable=False),
    Column("device", Text),
    id_column("decision_id", nullable=True),
    moment_column("revealed_at"),
    Index("ix_reveals_entitlement_id", "entitlement_id"),
)
