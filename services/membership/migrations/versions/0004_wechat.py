"""Who a member is to the mini-program."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("members", sa.Column("wechat_index", sa.LargeBinary(), nullable=True))
    op.add_column("members", sa.Column("wechat_sealed", sa.LargeBinary(), nullable=True))
    op.create_unique_constraint(op.f("uq_members_wechat_index"), "members", ["wechat_index"])
    op.create_check_constraint(
        op.f("ck_members_wechat_whole"), "members", "(wechat_index IS NULL) = (wechat_sealed IS NULL)"
    )


def downgrade() -> None:
    op.drop_column("members", "wechat_sealed")
    op.drop_column("members", "wechat_index")
