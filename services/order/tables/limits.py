"""What counts against purchase limits."""

from sqlalchemy import Boolean, CheckConstraint, Column, Date, Index, Integer, PrimaryKeyConstraint, Table, Text, text

from services.order.tables.base import ID, METADATA, MOMENT

LIMITED_PURCHASES = Table(
    "limited_purchases",
    METADATA,
    Column("order_id", ID, nullable=False),
    Column("line_id", ID, nullable=False),
    # A member's id, or a keyed hash of a guest's contact: nobody can be reached by it.
    Column("buyer", Text, nullable=False),
    Column("sku_id", ID, nullable=False),
    Column("day", Date, nullable=False),
    Column("quantity", Integer, nullable=False),
    # The limits as they were when it was ordered: a late payment is judged by them.
    Column("limit_in_all", Integer),
    Column("limit_a_day", Integer),
    # False once it was given back: cancelled, or refunded whole.
    Column("taken", Boolean, nullable=False, server_default=text("true")),
    Column("taken_at", MOMENT, nullable=False),
    PrimaryKeyConstraint("order_id", "line_id", "buyer"),
    CheckConstraint("quantity > 0", name="quantity_positive"),
    Index("ix_limited_purchases_buyer", "buyer", "sku_id", postgresql_where=text("taken")),
    Index("ix_limited_purchases_taken_at", "taken_at", postgresql_using="brin"),
)
