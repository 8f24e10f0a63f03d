"""A card may be sold several times: each use is a row of the shelf and an entitlement of its own.

The previous release may run beside this: it gives out first uses. Import no card with several before it is gone.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("import_lines", sa.Column("uses", sa.SmallInteger(), server_default="1", nullable=False))
    for table in ("shelf", "entitlements"):
        use_no = sa.Column(
            "use_no", sa.SmallInteger(), server_default="1", nullable=False, comment="which use of the card"
        )
        op.add_column(table, use_no)
    with op.get_context().autocommit_block():  # cards are sold while the indexes are made
        op.create_index(
            "uq_entitlements_card_use",
            "entitlements",
            ["card_id", "use_no"],
            unique=True,
            postgresql_where=sa.text("NOT restocked"),
            postgresql_concurrently=True,
        )
        op.create_index(
            "uq_shelf_use", "shelf", ["sku_id", "card_id", "use_no"], unique=True, postgresql_concurrently=True
        )
    op.drop_index("uq_entitlements_card_id", table_name="entitlements")
    op.execute(
        "ALTER TABLE shelf DROP CONSTRAINT pk_shelf, ADD CONSTRAINT pk_shelf PRIMARY KEY USING INDEX uq_shelf_use"
    )


def downgrade() -> None:
    op.drop_constraint("pk_shelf", "shelf", type_="primary")
    op.create_primary_key("pk_shelf", "shelf", ["sku_id", "card_id"])
    op.create_index(
        "uq_entitlements_card_id",
        "entitlements",
        ["card_id"],
        unique=True,
        postgresql_where=sa.text("NOT restocked"),
    )
    op.drop_index("uq_entitlements_card_use", table_name="entitlements")
    op.drop_column("entitlements", "use_no")
    op.drop_column("shelf", "use_no")
    op.drop_column("import_lines", "uses")
