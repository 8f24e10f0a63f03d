"""Files of cards are taken in by a job: the imports and their sealed lines."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "imports",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("accept_valid", sa.Boolean(), nullable=False),
        sa.Column("cost_minor", sa.BigInteger(), nullable=False, comment="of a card that has none of its own"),
        sa.Column("imported_by", sa.Text(), nullable=False),
        sa.Column("received", sa.Integer(), nullable=False, comment="lines of the file"),
        sa.Column("sealed", sa.Integer(), nullable=False, comment="lines that are cards"),
        sa.Column("stored", sa.Integer(), server_default="0", nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False, comment="lines that are not taken, as far as it is known"),
        sa.Column("after_line", sa.Integer(), server_default="0", nullable=False, comment="where the job goes on"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state IN ('done', 'refused')) = (ended_at IS NOT NULL)", name=op.f("ck_imports_ended_has_moment")
        ),
        sa.CheckConstraint("received >= sealed AND sealed >= stored", name=op.f("ck_imports_counts_in_order")),
        sa.CheckConstraint("state IN ('sealed', 'storing', 'done', 'refused')", name=op.f("ck_imports_state_known")),
        sa.ForeignKeyConstraint(["key_id"], ["data_keys.key_id"], name=op.f("fk_imports_key_id")),
        sa.ForeignKeyConstraint(["sku_id"], ["skus.sku_id"], name=op.f("fk_imports_sku_id")),
        sa.PrimaryKeyConstraint("import_id", name=op.f("pk_imports")),
    )
    op.create_index("ix_imports_sku_id", "imports", ["sku_id", "import_id"], unique=False)
    op.create_index(
        "ix_imports_open", "imports", ["import_id"], unique=False, postgresql_where=sa.text("ended_at IS NULL")
    )
    op.create_table(
        "import_lines",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("card_id", sa.Uuid(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("code_index", sa.LargeBinary(), nullable=True),
        sa.Column("masked", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cost_minor", sa.BigInteger(), nullable=True),
        sa.Column("fault", sa.Text(), nullable=True, comment="why the line is not taken"),
        sa.CheckConstraint(
            "fault IS NOT NULL OR (card_id IS NOT NULL AND sealed IS NOT NULL AND code_index IS NOT NULL"
            " AND masked IS NOT NULL)",
            name=op.f("ck_import_lines_good_or_broken"),
        ),
        sa.PrimaryKeyConstraint("import_id", "line", name=op.f("pk_import_lines")),
    )


def downgrade() -> None:
    op.drop_table("import_lines")
    op.drop_table("imports")
