"""What happened to points, as the contracts say it."""

from services.points.domain.earning import Accrual, Reversal
from shared.contracts import PointsAccruedV1, PointsReversedV1


def accrued(accrual: Accrual) -> PointsAccruedV1:
    """Said for every component that was issued, also when it earned nothing."""
    lot = accrual.lot
    return PointsAccruedV1(
        order_id=accrual.delivery.order_id,
        component_id=accrual.delivery.component_id,
        member_id=accrual.delivery.member_id,
        points=accrual.points,
        lot_id=lot.lot_id if lot else None,
        available_at=lot.available_at if lot else None,
        currency=accrual.delivery.currency,
        cost_minor=accrual.cost_minor,
    )


def reversed_(reversal: Reversal) -> PointsReversedV1:
    """Said for every component of a refund, also when nothing had been earned."""
    return PointsReversedV1(
        order_id=reversal.revocation.order_id,
        refund_id=reversal.revocation.refund_id,
        component_id=reversal.revocation.component_id,
        member_id=reversal.revocation.member_id,
        points=reversal.points,
        debt_points=reversal.debt_points,
        currency=reversal.currency,
        cost_minor=reversal.cost_minor,
    )
