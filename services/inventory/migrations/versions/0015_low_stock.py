"""Whether it was said that little of a SKU is left: once per crossing."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "stock",
        sa.Column(
            "low_announced",
            sa.Boolean(),
            server_default="false",
            nullable=False,
            comment="it was said that it runs low",
        ),
    )


def downgrade() -> None:
    op.drop_column("stock", "low_announced")
