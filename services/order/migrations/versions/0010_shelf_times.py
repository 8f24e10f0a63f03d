"""The moments between which a product is sold, as inventory announces them."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("products", sa.Column("listed", sa.Boolean(), nullable=True))
    op.add_column("products", sa.Column("on_shelf_from", sa.DateTime(timezone=True), nullable=True))
    op.add_column("products", sa.Column("on_shelf_until", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    for column in ("listed", "on_shelf_from", "on_shelf_until"):
        op.drop_column("products", column)
