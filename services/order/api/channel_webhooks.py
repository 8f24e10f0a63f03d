"""Operators say where a channel hears, see what did not get there, and have it sent again."""

from uuid import UUID

from fastapi import APIRouter, Response

from services.order.api.channel_goods import FinanceOperator
from services.order.api.desk import OrderDesk
from services.order.api.orders import cursor_id
from services.order.domain.channels import ChannelNotActiveError
from services.order.domain.webhooks import MessageState, check_address
from services.order.queries.channels import terms_of
from services.order.queries.webhooks import messages_of, webhook_of
from services.order.schemas.webhooks import NewWebhookOut, WebhookIn, WebhookMessageOut, WebhookOut
from services.order.usecases.webhooks import keep_endpoint, redeliver
from shared.clock import utc_now
from shared.crypto import Secret
from shared.crypto.webhooks import check_webhook_secret, new_webhook_secret
from shared.http import DEFAULT_PAGE, Cursor, Idempotent, Page, PageSize, Reading, Work, encode_cursor

router = APIRouter(prefix="/v1/ops/channels/{channel_id}/webhook", tags=["operators"])


@router.put("", response_model=NewWebhookOut)
async def set_webhook(
    channel_id: UUID, body: WebhookIn, caller: FinanceOperator, desk: OrderDesk, work: Work, call: Idempotent
) -> Response:
    """Say where the channel hears. Setting it anew also wakes one that was given up."""
    if stored := await call.once(work):
        return stored.response()
    check_address(body.url, anywhere=desk.webhooks_anywhere)
    if await terms_of(work, channel_id) is None:
        raise ChannelNotActiveError("agree terms with the channel first")
    secret = new_webhook_secret() if body.secret is None else Secret(body.secret.get_secret_value())
    check_webhook_secret(secret)
    await keep_endpoint(
        work,
        channel_id=channel_id,
        url=body.url,
        secret=secret,
        active=body.active,
        keyring=desk.keyring,
        changed_by=caller.caller,
        now=utc_now(),
    )
    kept = NewWebhookOut(**(await webhook_of(work, channel_id)).model_dump(), secret=None)
    answer = await call.keep(work, status=200, body=kept.model_dump_json().encode())
    if body.secret is not None:
        return answer
    shown = kept.model_copy(update={"secret": secret.reveal()})
    return Response(shown.model_dump_json(), media_type="application/json", headers={"Cache-Control": "no-store"})


@router.get("")
async def get_webhook(channel_id: UUID, _: FinanceOperator, reading: Reading) -> WebhookOut:
    """Where the channel hears, and whether it does."""
    return await webhook_of(reading, channel_id)


@router.get("/messages")
async def list_messages(
    channel_id: UUID,
    _: FinanceOperator,
    reading: Reading,
    state: MessageState = MessageState.DEAD,
    cursor: Cursor = None,
    limit: PageSize = DEFAULT_PAGE,
) -> Page[WebhookMessageOut]:
    """What the channel was not told, or is still to be, or was."""
    found = await messages_of(reading, channel_id, state=state, after=cursor_id(cursor), limit=limit + 1)
    more = encode_cursor(str(found[limit - 1].message_id)) if len(found) > limit else None
    return Page[WebhookMessageOut](items=found[:limit], next_cursor=more)


@router.post("/messages/{message_id}/redeliver", status_code=202)
async def send_again(channel_id: UUID, message_id: UUID, _: FinanceOperator, work: Work, call: Idempotent) -> Response:
    """Have a message sent again that is dead, or was delivered."""
    if stored := await call.once(work):
        return stored.response()
    await redeliver(work, channel_id, message_id, now=utc_now())
    return await call.keep(work, status=202, body=b"{}")
