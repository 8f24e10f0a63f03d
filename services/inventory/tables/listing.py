"""How products are grouped, and what cannot be listed."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, SmallInteger, Table, Text

from services.inventory.tables.base import METADATA, moment_column

CATEGORIES = Table(
    "categories",
    METADATA,
    Column("code", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("parent_code", Text, ForeignKey("categories.code")),
    Column("position", SmallInteger, nullable=False),
    moment_column("changed_at"),
    CheckConstraint("code <> parent_code", name="not_its_own_parent"),
    Index("ix_categories_parent_code", "parent_code"),
)

FORBIDDEN_WORDS = Table(
    "forbidden_words",
    METADATA,
    Column("word", Text, primary_key=True),
    Column("added_by", Text, nullable=False),
    moment_column("created_at"),
)
