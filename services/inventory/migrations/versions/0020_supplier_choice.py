"""Several suppliers of one SKU: weights, pauses, and the tries of an order that went on from one to the next."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "supplier_skus",
        sa.Column(
            "weight", sa.SmallInteger(), server_default="1", nullable=False, comment="share among equal priorities"
        ),
    )
    op.add_column("supplier_skus", sa.Column("paused_reason", sa.Text(), nullable=True, comment="null: bought from"))
    op.create_check_constraint(op.f("ck_supplier_skus_weight_positive"), "supplier_skus", "weight > 0")
    op.add_column("supplier_tasks", sa.Column("tries", sa.SmallInteger(), server_default="1", nullable=False))
    # Of a row that the previous release writes nobody knows whether a call went out: the careful answer is yes.
    op.add_column("supplier_tasks", sa.Column("reached", sa.Boolean(), server_default="true", nullable=False))
    op.create_table(
        "supplier_tries",
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        sa.Column("out_order_no", sa.Text(), nullable=False),
        sa.Column("supplier_order_no", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("questions", sa.Integer(), nullable=False),
        sa.Column("last_reason", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["supplier_id"], ["suppliers.supplier_id"], name=op.f("fk_supplier_tries_supplier_id")),
        sa.ForeignKeyConstraint(["task_id"], ["supplier_tasks.task_id"], name=op.f("fk_supplier_tries_task_id")),
        sa.PrimaryKeyConstraint("task_id", "number", name=op.f("pk_supplier_tries")),
    )


def downgrade() -> None:
    op.drop_table("supplier_tries")
    op.drop_column("supplier_tasks", "reached")
    op.drop_column("supplier_tasks", "tries")
    op.drop_constraint(op.f("ck_supplier_skus_weight_positive"), "supplier_skus")
    op.drop_column("supplier_skus", "paused_reason")
    op.drop_column("supplier_skus", "weight")
