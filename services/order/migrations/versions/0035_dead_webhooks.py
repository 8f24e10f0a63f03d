"""Dead webhook messages are counted for the dashboard."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_webhook_messages_dead", "webhook_messages", ["channel_id"], postgresql_where=sa.text("state = 'dead'")
    )


def downgrade() -> None:
    op.drop_index("ix_webhook_messages_dead", "webhook_messages")
