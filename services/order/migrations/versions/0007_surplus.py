"""A refund may have another reason: money came that is not what was agreed."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

NAME = "ck_refunds_reason_known"
BEFORE = "'buyer', 'not_fulfilled', 'risk_denied', 'review_expired', 'operator', 'paid_late', 'paid_twice'"
AFTER = f"{BEFORE}, 'not_as_agreed'"


def upgrade() -> None:
    _know(AFTER)


def downgrade() -> None:
    _know(BEFORE)


def _know(reasons: str) -> None:
    op.drop_constraint(op.f(NAME), "refunds", type_="check")
    op.create_check_constraint(op.f(NAME), "refunds", f"reason IN ({reasons})")
