"""How to use what was bought."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "skus",
        sa.Column(
            "usage_instructions",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="how to use it, for its owner",
        ),
    )


def downgrade() -> None:
    op.drop_column("skus", "usage_instructions")
