"""How a supplier is spoken to, and goods of cards that are bought when they are delivered."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "suppliers",
        sa.Column("wire", postgresql.JSONB(), nullable=True, comment="how it is spoken to; null: as we would"),
    )
    op.add_column(
        "skus",
        sa.Column(
            "supplied",
            sa.Boolean(),
            server_default="false",
            nullable=False,
            comment="cards that are not on the shelf are bought when they are delivered",
        ),
    )


def downgrade() -> None:
    op.drop_column("skus", "supplied")
    op.drop_column("suppliers", "wire")
