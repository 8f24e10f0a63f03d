"""What a product page says, when it is shown, categories, forbidden words; SKUs whose stock has expired."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0040"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _product_pages()
    _categories()
    _forbidden_words()
    op.add_column("skus", sa.Column("expired_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("skus", "expired_at")
    op.drop_table("forbidden_words")
    op.drop_table("categories")
    op.drop_index("ix_products_shelf_times", "products")
    op.drop_constraint("ck_products_shelf_times_in_order", "products")
    op.drop_constraint("ck_products_worth_not_negative", "products")
    for column in (
        *("included", "worth_minor", "why", "instructions", "images"),
        *("on_shelf_from", "on_shelf_until", "shelf_announced"),
    ):
        op.drop_column("products", column)


def _product_pages() -> None:
    for column in (
        _texts("included", comment="texts: what one gets"),
        sa.Column("worth_minor", sa.BigInteger(), nullable=True, comment="what it would cost elsewhere"),
        sa.Column("why", sa.Text(), server_default="", nullable=False, comment="why it is worth it"),
        sa.Column("instructions", sa.Text(), server_default="", nullable=False),
        _texts("images", comment="addresses"),
        sa.Column("on_shelf_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("on_shelf_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "shelf_announced",
            sa.Boolean(),
            server_default=sa.text("true"),
            nullable=False,
            comment="inside its times, as last said",
        ),
    ):
        op.add_column("products", column)
    op.create_check_constraint(op.f("ck_products_worth_not_negative"), "products", "worth_minor >= 0")
    op.create_check_constraint(op.f("ck_products_shelf_times_in_order"), "products", "on_shelf_from < on_shelf_until")
    op.create_index(
        "ix_products_shelf_times",
        "products",
        ["product_id"],
        unique=False,
        postgresql_where="on_shelf_from IS NOT NULL OR on_shelf_until IS NOT NULL",
    )


def _texts(name: str, *, comment: str) -> sa.Column[object]:
    return sa.Column(
        name,
        postgresql.JSONB(astext_type=sa.Text()),
        server_default=sa.text("'[]'"),
        nullable=False,
        comment=comment,
    )


def _categories() -> None:
    op.create_table(
        "categories",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("parent_code", sa.Text(), nullable=True),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("code <> parent_code", name=op.f("ck_categories_not_its_own_parent")),
        sa.ForeignKeyConstraint(["parent_code"], ["categories.code"], name=op.f("fk_categories_parent_code")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_categories")),
    )
    op.create_index("ix_categories_parent_code", "categories", ["parent_code"], unique=False)


def _forbidden_words() -> None:
    op.create_table(
        "forbidden_words",
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("word", name=op.f("pk_forbidden_words")),
    )
