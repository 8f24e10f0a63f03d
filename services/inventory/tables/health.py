"""How suppliers fare, and whether orders are kept from them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from services.inventory.domain.health import CircuitState
from services.inventory.tables.base import METADATA, id_column, moment_column, one_of

SUPPLIER_CALLS = Table(
    "supplier_calls",
    METADATA,
    id_column("supplier_id", ForeignKey("suppliers.supplier_id")),
    moment_column("slot_at"),
    Column("answered", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("not_understood", Integer, nullable=False),
    Column("unreachable", Integer, nullable=False),
    Column("latency_ms_sum", BigInteger, nullable=False),
    Column("latency_ms_max", Integer, nullable=False),
    PrimaryKeyConstraint("supplier_id", "slot_at"),
)

SUPPLIER_CIRCUITS = Table(
    "supplier_circuits",
    METADATA,
    id_column("supplier_id", ForeignKey("suppliers.supplier_id"), primary_key=True),
    Column("state", Text, nullable=False),
    Column("by_hand", Boolean, nullable=False),
    Column("trips", Integer, nullable=False, comment="how often it opened without a good probe between"),
    Column("reason", Text, nullable=False),
    moment_column("changed_at", nullable=True),
    Column("until", DateTime(timezone=True), comment="open: no probe before; probing: its time"),
    one_of("state", CircuitState, name="state_known"),
)
