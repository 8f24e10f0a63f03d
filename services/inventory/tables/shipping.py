"""What is sent by hand, and the seats of events."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, Table, Text

from services.inventory.domain.shipping import ShipmentState
from services.inventory.tables.base import METADATA, id_column, moment_column, one_of

SHIPMENTS = Table(
    "shipments",
    METADATA,
    id_column("component_id", ForeignKey("deliveries.component_id"), primary_key=True),
    id_column("order_id"),
    id_column("member_id", nullable=True),
    id_column("sku_id"),
    Column("quantity", Integer, nullable=False),
    Column("state", Text, nullable=False),
    moment_column("ship_before"),
    Column("carrier", Text),
    Column("tracking_no", Text),
    Column("shipped_by", Text),
    moment_column("created_at"),
    moment_column("shipped_at", nullable=True),
    Column("ended_by", Text, comment="who said last that it was received, returned or lost"),
    moment_column("ended_at", nullable=True),
    one_of("state", ShipmentState, name="state_known"),
    CheckConstraint("quantity > 0", name="quantity_positive"),
    CheckConstraint(
        "(state IN ('awaiting', 'cancelled')) = (shipped_at IS NULL) AND (shipped_at IS NULL) = (carrier IS NULL)"
        " AND (carrier IS NULL) = (tracking_no IS NULL)",
        name="sent_is_told",
    ),
    CheckConstraint("(state IN ('awaiting', 'shipped')) = (ended_at IS NULL)", name="ended_has_moment"),
    Index("ix_shipments_order_id", "order_id"),
    Index("ix_shipments_state", "state", "component_id"),
)
Index(
    "ix_shipments_member_id",
    SHIPMENTS.c.member_id,
    SHIPMENTS.c.component_id,
    postgresql_where=SHIPMENTS.c.member_id.is_not(None),
)
Index(
    "ix_shipments_ship_before",
    SHIPMENTS.c.ship_before,
    postgresql_where=SHIPMENTS.c.state == ShipmentState.AWAITING.value,
)
Index(
    "ix_shipments_shipped_at",
    SHIPMENTS.c.shipped_at,
    postgresql_where=SHIPMENTS.c.state == ShipmentState.SHIPPED.value,
)

# Who read personal data of how many buyers: rows are only ever added.
PERSONAL_READS = Table(
    "personal_reads",
    METADATA,
    id_column("read_id", primary_key=True),
    Column("operator", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("buyers", Integer, nullable=False),
    moment_column("read_at"),
    CheckConstraint("buyers >= 0", name="buyers_not_negative"),
)

# One row for each numbered seat, and at most one who has it: the primary key is the wall.
SEATS = Table(
    "seats",
    METADATA,
    id_column("sku_id", ForeignKey("skus.sku_id")),
    Column("number", Integer, nullable=False),
    id_column("entitlement_id", nullable=True),
    PrimaryKeyConstraint("sku_id", "number"),
    CheckConstraint("number > 0", name="number_positive"),
)
Index("ix_seats_free", SEATS.c.sku_id, SEATS.c.number, postgresql_where=SEATS.c.entitlement_id.is_(None))
Index(
    "uq_seats_entitlement_id",
    SEATS.c.entitlement_id,
    unique=True,
    postgresql_where=SEATS.c.entitlement_id.is_not(None),
)
