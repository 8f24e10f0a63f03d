"""Partners honour many codes in one call."""

import base64
from collections.abc import Sequence
from datetime import UTC

from fastapi import APIRouter, Response

from services.inventory.api.partner import OwnPartnerId, presented_of, till_of, value_out
from services.inventory.api.redemption_problems import REDEMPTION_PROBLEMS
from services.inventory.domain.redeeming import CodeUnknownError, RedeemRefusedError, RedemptionChannel
from services.inventory.schemas import (
    AcceptedListIn,
    RedemptionResultOut,
    RedemptionResultsOut,
    RedemptionsIn,
    VoucherKeyOut,
    VoucherKeysOut,
)
from services.inventory.usecases.canaries import report_touched
from services.inventory.usecases.offline import Accepted, settle_offline
from services.inventory.usecases.redeeming import Honoured, Reader, redeem_all
from services.inventory.usecases.vouchers import list_public_keys
from shared.clock import utc_now
from shared.crypto import Secret
from shared.http import Idempotent, Work

PATH = "/v1/partner/redemptions/batch"
OFFLINE_PATH = "/v1/partner/redemptions/offline"

BODY_BYTES_MAX = 1024 * 1024
"""500 items with the longest codes and names."""


def router(reader: Reader) -> APIRouter:
    """Paths for sets of codes."""
    routes = APIRouter(tags=["partner"])

    @routes.post(PATH, response_model=RedemptionResultsOut)
    async def redeem_many(body: RedemptionsIn, partner_id: OwnPartnerId, work: Work, call: Idempotent) -> Response:
        """Honour up to 500 codes and QR codes, each for itself: one that is refused does not stop the others."""
        stored = await call.once(work)
        if stored is not None:
            return stored.response()
        presented = [presented_of(item) for item in body.items]
        outcomes = await redeem_all(
            work,
            presented,
            channel=RedemptionChannel.BATCH,
            reader=reader,
            partner_id=partner_id,
            now=utc_now(),
        )
        unknown = [
            entry for entry, outcome in zip(presented, outcomes, strict=True) if isinstance(outcome, CodeUnknownError)
        ]
        if unknown:
            await report_touched(work, reader.indexes(unknown), place="redeem", subject=str(partner_id), now=utc_now())
        answer = results_of(outcomes)
        return await call.keep(work, status=200, body=answer.model_dump_json(exclude_none=True).encode())

    @routes.post(OFFLINE_PATH, response_model=RedemptionResultsOut)
    async def settle_accepted(body: AcceptedListIn, partner_id: OwnPartnerId, work: Work, call: Idempotent) -> Response:
        """Settle up to 500 vouchers that were accepted without a network, each with its time. The first to arrive wins.

        A line that was settled before is answered the same again. Lines that are refused with `redemption.qr_used`,
        `redemption.already_redeemed`, `redemption.revoked` or `redemption.expired` are kept for operators.
        """
        stored = await call.once(work)
        if stored is not None:
            return stored.response()
        outcomes = await settle_offline(
            work,
            [
                Accepted(Secret(item.qr.get_secret_value()), till_of(item), item.accepted_at.astimezone(UTC))
                for item in body.items
            ],
            keyring=reader.keyring,
            partner_id=partner_id,
            now=utc_now(),
        )
        answer = results_of(outcomes)
        return await call.keep(work, status=200, body=answer.model_dump_json(exclude_none=True).encode())

    @routes.get("/v1/partner/redemptions/voucher-keys")
    async def list_voucher_keys(_: OwnPartnerId, work: Work) -> VoucherKeysOut:
        """The keys by which a terminal verifies QR codes without a network. Fetch them once a day."""
        keys = await list_public_keys(work, keyring=reader.keyring, now=utc_now())
        return VoucherKeysOut(
            items=[
                VoucherKeyOut(
                    key_id=key.key_id, public_key=base64.b64encode(key.public_bytes).decode(), made_at=key.made_at
                )
                for key in keys
            ]
        )

    return routes


def results_of(outcomes: Sequence[Honoured | RedeemRefusedError]) -> RedemptionResultsOut:
    """The outcomes as they are told."""
    items = [_result(position, outcome) for position, outcome in enumerate(outcomes)]
    redeemed = sum(item.outcome == "redeemed" for item in items)
    return RedemptionResultsOut(redeemed=redeemed, refused=len(items) - redeemed, items=items)


def _result(position: int, outcome: Honoured | RedeemRefusedError) -> RedemptionResultOut:
    if isinstance(outcome, RedeemRefusedError):
        problem = REDEMPTION_PROBLEMS[type(outcome)]
        return RedemptionResultOut(position=position, outcome="refused", code=problem.code, title=problem.title)
    return RedemptionResultOut(
        position=position,
        outcome="redeemed",
        redemption_id=outcome.redemption.redemption_id,
        masked=outcome.masked,
        redeemed_at=outcome.redemption.redeemed_at,
        value=value_out(outcome.value),
    )
