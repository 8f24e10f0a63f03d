"""Counters, holds, cards and the keys that seal them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _stock()
    _holds()
    _data_keys()
    _buyer_fields()
    _card_batches()
    _cards()
    _shelf()


def downgrade() -> None:
    op.drop_table("shelf")
    op.drop_table("cards")
    op.drop_table("card_batches")
    op.drop_table("buyer_fields")
    op.drop_table("data_keys")
    op.drop_table("holds")
    op.drop_table("stock")


def _stock() -> None:
    op.create_table(
        "stock",
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column(
            "on_hand",
            sa.Integer(),
            nullable=True,
            comment="cards on the shelf; for a top-up what may still be sold, null: no limit",
        ),
        sa.Column("held", sa.Integer(), server_default="0", nullable=False, comment="promised to orders at checkout"),
        sa.Column("sold", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False, comment="grows with every change"),
        sa.Column("announced_version", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("held <= on_hand", name=op.f("ck_stock_held_within_on_hand")),
        sa.CheckConstraint("held >= 0", name=op.f("ck_stock_held_not_negative")),
        sa.CheckConstraint("sold >= 0", name=op.f("ck_stock_sold_not_negative")),
        sa.ForeignKeyConstraint(["sku_id"], ["skus.sku_id"], name=op.f("fk_stock_sku_id")),
        sa.PrimaryKeyConstraint("sku_id", name=op.f("pk_stock")),
        postgresql_with={
            "fillfactor": "50",
            "autovacuum_vacuum_scale_factor": "0",
            "autovacuum_vacuum_threshold": "500",
        },
    )


def _holds() -> None:
    op.create_table(
        "holds",
        sa.Column("component_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("line_id", sa.Uuid(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_holds_quantity_positive")),
        sa.PrimaryKeyConstraint("component_id", name=op.f("pk_holds")),
        postgresql_with={"autovacuum_vacuum_scale_factor": "0.02", "autovacuum_vacuum_threshold": "2000"},
    )
    op.create_index("ix_holds_expires_at", "holds", ["expires_at"], unique=False)
    op.create_index("ix_holds_order_id", "holds", ["order_id"], unique=False)


def _data_keys() -> None:
    op.create_table(
        "data_keys",
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("kek_version", sa.Integer(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_data_keys")),
    )
    op.create_index("ix_data_keys_kek_version", "data_keys", ["kek_version"], unique=False)
    op.create_index("ix_data_keys_purpose", "data_keys", ["purpose", "key_id"], unique=False)


def _buyer_fields() -> None:
    op.create_table(
        "buyer_fields",
        sa.Column("component_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("masked", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["data_keys.key_id"], name=op.f("fk_buyer_fields_key_id")),
        sa.PrimaryKeyConstraint("component_id", name=op.f("pk_buyer_fields")),
    )
    op.create_index("ix_buyer_fields_created_at", "buyer_fields", ["created_at"], unique=False)


def _card_batches() -> None:
    op.create_table(
        "card_batches",
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("imported_by", sa.Text(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("cost_minor", sa.BigInteger(), nullable=False, comment="of one card"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("accepted > 0", name=op.f("ck_card_batches_accepted_positive")),
        sa.CheckConstraint("cost_minor >= 0", name=op.f("ck_card_batches_cost_not_negative")),
        sa.CheckConstraint("refused >= 0", name=op.f("ck_card_batches_refused_not_negative")),
        sa.ForeignKeyConstraint(["key_id"], ["data_keys.key_id"], name=op.f("fk_card_batches_key_id")),
        sa.ForeignKeyConstraint(["sku_id"], ["skus.sku_id"], name=op.f("fk_card_batches_sku_id")),
        sa.PrimaryKeyConstraint("batch_id", name=op.f("pk_card_batches")),
    )
    op.create_index("ix_card_batches_sku_id", "card_batches", ["sku_id", "batch_id"], unique=False)


def _cards() -> None:
    op.create_table(
        "cards",
        sa.Column("card_id", sa.Uuid(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("code_index", sa.LargeBinary(), nullable=False),
        sa.Column("masked", sa.Text(), nullable=False),
        sa.CheckConstraint("octet_length(code_index) = 32", name=op.f("ck_cards_code_index_is_hmac")),
        sa.ForeignKeyConstraint(["batch_id"], ["card_batches.batch_id"], name=op.f("fk_cards_batch_id")),
        sa.PrimaryKeyConstraint("card_id", name=op.f("pk_cards")),
        sa.UniqueConstraint("code_index", name=op.f("uq_cards_code_index")),
    )
    op.create_index("ix_cards_batch_id", "cards", ["batch_id", "card_id"], unique=False)


def _shelf() -> None:
    op.create_table(
        "shelf",
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("card_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("masked", sa.Text(), nullable=False),
        sa.Column("cost_minor", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("sku_id", "card_id", name=op.f("pk_shelf")),
        postgresql_with={"autovacuum_vacuum_scale_factor": "0.02", "autovacuum_vacuum_threshold": "2000"},
    )
    op.create_index(
        "ix_shelf_expires_at", "shelf", ["expires_at"], unique=False, postgresql_where=sa.text("expires_at IS NOT NULL")
    )
