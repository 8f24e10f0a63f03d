"""Operators give a batch a new data key."""

from uuid import UUID

from fastapi import APIRouter, Response

from services.inventory.api.callers import CatalogueOperator
from services.inventory.queries import rotations as queries
from services.inventory.schemas import BatchReasonIn, RotationOut
from services.inventory.usecases import rotating
from shared.clock import utc_now
from shared.crypto import Keyring
from shared.http import DEFAULT_PAGE, Cursor, Idempotent, Page, PageSize, Reading, Work


def router(keyring: Keyring) -> APIRouter:
    """Paths of key rotations."""
    routes = APIRouter(prefix="/v1/ops/batches/{batch_id}/rotations", tags=["cards"])

    @routes.post("", status_code=202, response_model=RotationOut)
    async def rotate(
        batch_id: UUID, body: BatchReasonIn, caller: CatalogueOperator, work: Work, call: Idempotent
    ) -> Response:
        """Seal all cards of the batch anew, in the background. They are sold and shown meanwhile."""
        stored = await call.once(work)
        if stored is not None:
            return stored.response()
        await rotating.begin_rotation(
            work, batch_id, keyring=keyring, operator=caller.subject, reason=body.reason, now=utc_now()
        )
        begun = await queries.find_newest(work, batch_id)
        return await call.keep(work, status=202, body=begun.model_dump_json().encode())

    @routes.get("")
    async def list_rotations(
        batch_id: UUID, _: CatalogueOperator, read: Reading, cursor: Cursor = None, limit: PageSize = DEFAULT_PAGE
    ) -> Page[RotationOut]:
        """The rotations of the batch's key and how far they are, the newest first."""
        return await queries.list_rotations(read, batch_id, cursor=cursor, limit=limit)

    return routes
