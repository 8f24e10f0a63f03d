"""Of a bad card with several uses those that are not sold any more."""

import sqlalchemy as sa
from alembic import op

revision = "0066"
down_revision = "0065"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "card_reports",
        sa.Column(
            "uses_dropped",
            sa.SmallInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="of the reported card, never to be sold",
        ),
    )


def downgrade() -> None:
    op.drop_column("card_reports", "uses_dropped")
