"""What happened here, in the words of the shared contracts. Pure."""

from collections.abc import Iterable
from uuid import UUID

from services.settlement.domain.components import Sale
from services.settlement.domain.contracts import SplitContract
from services.settlement.domain.split import Leg
from services.settlement.domain.statements import Statement
from shared import contracts
from shared.contracts.settlement import ContractShare, EarnedOn, PartyKind

_PARTY_KINDS = {kind.value: kind for kind in PartyKind}


def split(sale: Sale, *, journal_id: UUID, legs: Iterable[Leg]) -> contracts.SettlementSplitV1:
    """The component's money is shared."""
    return contracts.SettlementSplitV1.model_validate(
        {
            "order_id": sale.order_id,
            "component_id": sale.component_id,
            "journal_id": journal_id,
            "currency": sale.currency,
            "legs": _legs(legs),
        }
    )


def reversed_shares(
    reversal: contracts.PointsReversedV1, *, journal_id: UUID | None, legs: Iterable[Leg]
) -> contracts.SettlementReversedV1:
    """The component's shares are taken back, or never were made."""
    return contracts.SettlementReversedV1.model_validate(
        {
            "order_id": reversal.order_id,
            "refund_id": reversal.refund_id,
            "component_id": reversal.component_id,
            "journal_id": journal_id,
            "currency": reversal.currency,
            "legs": _legs(legs),
        }
    )


def contract_published(contract: SplitContract) -> contracts.ContractPublishedV1:
    """One more version of a SKU's split contract."""
    return contracts.ContractPublishedV1(
        sku_id=contract.sku_id,
        contract_id=contract.contract_id,
        version=contract.version,
        hash=contract.sha256(),
        effective_from=contract.effective_from,
        shares=tuple(
            ContractShare(
                party_kind=PartyKind(share.party),
                partner_id=share.partner_id,
                share_bp=share.share_bp,
                remainder=share.remainder,
                earned_on=EarnedOn(share.earned_on),
            )
            for share in contract.shares
        ),
    )


def statement_ready(statement: Statement) -> contracts.StatementReadyV1:
    """A partner's statement can be pulled."""
    return contracts.StatementReadyV1(
        partner_id=statement.partner_id,
        statement_id=statement.statement_id,
        period=statement.period.name,
        revision=statement.revision,
    )


def _legs(legs: Iterable[Leg]) -> tuple[dict[str, object], ...]:
    """As plain values, which are validated with the event in one go: a model for each leg costs three times as much."""
    return tuple(
        {
            "party_kind": _PARTY_KINDS[leg.party],
            "partner_id": leg.partner_id,
            "amount_minor": leg.amount_minor,
            "deferred": leg.deferred,
        }
        for leg in legs
    )
