"""One-tap links to codes."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reveal_links",
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("entitlement_id", sa.Uuid(), nullable=False),
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("session", sa.Text(), nullable=False, comment="of the caller, or the device"),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["entitlement_id"], ["entitlements.entitlement_id"], name=op.f("fk_reveal_links_entitlement_id")
        ),
        sa.PrimaryKeyConstraint("link_id", name=op.f("pk_reveal_links")),
    )
    op.create_index("ix_reveal_links_entitlement_id", "reveal_links", ["entitlement_id"], unique=False)


def downgrade() -> None:
    op.drop_table("reveal_links")
