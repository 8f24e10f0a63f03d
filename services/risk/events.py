"""What happened here, as others hear it."""

from services.risk.domain.cases import Case, CaseState
from services.risk.domain.decisions import Decision
from shared.contracts import RiskChallengedV1, RiskDeniedV1, RiskReleasedV1


def verdict(case: Case) -> RiskReleasedV1 | RiskDeniedV1:
    """The word on a held order. `decision_id` is risk's decision about it, or the case where there is none.

    :raises ValueError: the case is neither released nor denied.
    """
    if case.state not in (CaseState.RELEASED, CaseState.DENIED) or case.decided_at is None:
        raise ValueError(f"a case that is {case.state} is not announced")
    kind = RiskReleasedV1 if case.state is CaseState.RELEASED else RiskDeniedV1
    return kind(
        subject_id=case.order_id,
        order_id=case.order_id,
        member_id=case.member_id,
        decision_id=case.decision_id or case.case_id,
        reasons=case.reasons,
        decided_at=case.decided_at,
    )


def challenged(decision: Decision) -> RiskChallengedV1 | None:
    """A challenge to a member; a guest has no account to prove anything with, so nothing is announced."""
    question = decision.question
    if question.member_id is None:
        return None
    return RiskChallengedV1(
        subject_id=question.order_id or question.member_id,
        order_id=question.order_id,
        member_id=question.member_id,
        decision_id=decision.decision_id,
        reasons=decision.reasons,
        decided_at=decision.decided_at,
    )
