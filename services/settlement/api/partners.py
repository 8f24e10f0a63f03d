"""Operators register partners and give them keys; partners look at theirs."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from services.settlement.api.callers import FinanceOperator, OwnPartnerId
from services.settlement.queries.partners import brands, key_out, keys, partner, partners
from services.settlement.schemas.partners import (
    BrandsOut,
    KeyIn,
    KeyOut,
    KeysOut,
    NewKeyOut,
    PartnerIn,
    PartnerOut,
    PartnerPage,
    RotationIn,
)
from services.settlement.usecases.partners import IssuedKey, create_key, register_partner, revoke_key, rotate_key
from shared.clock import utc_now
from shared.crypto import Keyring
from shared.database import UnitOfWork
from shared.http import DEFAULT_PAGE, Caller, Cursor, Idempotent, IdempotentCall, PageSize, Reading, Work

KeyId = Annotated[str, Path(max_length=40, pattern="^[A-Za-z0-9_]+$")]

BRANDS_MAX = 100
"""Partners that may be asked for at once: more than the parts of a bundle."""


def router(keyring: Keyring) -> APIRouter:
    """Partners and their keys."""
    routes = APIRouter()
    _add_partners(routes)
    _add_keys(routes, keyring)

    @routes.get("/v1/brands")
    async def list_brands(
        _: Caller, work: Reading, partner_id: Annotated[list[UUID], Query(min_length=1, max_length=BRANDS_MAX)]
    ) -> BrandsOut:
        """Whose goods they are: the names of the partners that products and bundles name."""
        return await brands(work, partner_id)

    @routes.get("/v1/partner/keys")
    async def list_own_keys(partner_id: OwnPartnerId, work: Reading) -> KeysOut:
        """The keys of the partner who asks."""
        return await keys(work, partner_id=partner_id, now=utc_now())

    return routes


def _add_partners(routes: APIRouter) -> None:
    @routes.post("/v1/ops/partners", status_code=201, response_model=PartnerOut)
    async def create_partner(body: PartnerIn, caller: FinanceOperator, work: Work, call: Idempotent) -> Response:
        if stored := await call.once(work):
            return stored.response()
        now = utc_now()
        partner_id = await register_partner(work, name=body.name, created_by=caller.operator_id, now=now)
        answer = PartnerOut(partner_id=partner_id, name=body.name, created_at=now)
        return await call.keep(work, status=201, body=answer.model_dump_json().encode())

    @routes.get("/v1/ops/partners")
    async def list_partners(
        _: FinanceOperator, work: Reading, cursor: Cursor = None, limit: PageSize = DEFAULT_PAGE
    ) -> PartnerPage:
        return await partners(work, cursor=cursor, limit=limit)

    @routes.get("/v1/ops/partners/{partner_id}")
    async def get_partner(partner_id: UUID, _: FinanceOperator, work: Reading) -> PartnerOut:
        return await partner(work, partner_id)


def _add_keys(routes: APIRouter, keyring: Keyring) -> None:
    @routes.get("/v1/ops/partners/{partner_id}/keys")
    async def list_keys(partner_id: UUID, _: FinanceOperator, work: Reading) -> KeysOut:
        await partner(work, partner_id)
        return await keys(work, partner_id=partner_id, now=utc_now())

    @routes.post("/v1/ops/partners/{partner_id}/keys", status_code=201, response_model=NewKeyOut)
    async def make_key(
        partner_id: UUID, body: KeyIn, caller: FinanceOperator, work: Work, call: Idempotent
    ) -> Response:
        """Make a key. An hmac-sha256 secret is in this answer and never shown again."""
        if stored := await call.once(work):
            return stored.response()
        issued = await create_key(
            work,
            keyring,
            partner_id=partner_id,
            algorithm=body.algorithm,
            public_key=body.public_key,
            created_by=caller.operator_id,
            now=utc_now(),
        )
        return await _show_once(work, call, issued)

    @routes.post("/v1/ops/partners/{partner_id}/keys/{key_id}/rotate", status_code=201, response_model=NewKeyOut)
    async def replace_key(
        partner_id: UUID, key_id: KeyId, body: RotationIn, caller: FinanceOperator, work: Work, call: Idempotent
    ) -> Response:
        """Make a key of the same kind; the old one is honoured for the overlap."""
        if stored := await call.once(work):
            return stored.response()
        issued = await rotate_key(
            work,
            keyring,
            partner_id=partner_id,
            key_id=key_id,
            public_key=body.public_key,
            overlap=timedelta(seconds=body.overlap_s),
            created_by=caller.operator_id,
            now=utc_now(),
        )
        return await _show_once(work, call, issued)

    @routes.post("/v1/ops/partners/{partner_id}/keys/{key_id}/revoke", response_model=KeyOut)
    async def end_key(partner_id: UUID, key_id: KeyId, _: FinanceOperator, work: Work, call: Idempotent) -> Response:
        """Honour the key no more, half a minute from now at the latest."""
        if stored := await call.once(work):
            return stored.response()
        now = utc_now()
        key = await revoke_key(work, partner_id=partner_id, key_id=key_id, now=now)
        return await call.keep(work, status=200, body=key_out(key, now=now).model_dump_json().encode())


async def _show_once(work: UnitOfWork, call: IdempotentCall, issued: IssuedKey) -> Response:
    """Answers are kept in clear for repetition, so what is kept has no secret: who lost the first answer rotates."""
    shown = key_out(issued.key, now=issued.key.created_at)
    kept = NewKeyOut(**shown.model_dump(), secret=None)
    answer = await call.keep(work, status=201, body=kept.model_dump_json().encode())
    if issued.secret is None:
        return answer
    first = kept.model_copy(update={"secret": issued.secret.reveal()})
    return Response(
        first.model_dump_json(), status_code=201, media_type="application/json", headers={"Cache-Control": "no-store"}
    )
