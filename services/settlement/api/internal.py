"""What the gateway asks: partners' keys, and figures for the dashboard."""

from typing import Annotated

from fastapi import APIRouter, Depends

from services.settlement.queries.figures import figures
from services.settlement.queries.partners import verification_key
from services.settlement.schemas.figures import FiguresOut
from services.settlement.schemas.partners import VerificationKeyOut
from shared.clock import utc_now
from shared.crypto import Keyring
from shared.http import Identity, Reading, Role, ServiceCaller, Work, require

OnlyService = Annotated[Identity, Depends(require(Role.SERVICE))]
"""Key material is for the gateway, not for operators."""


def router(keyring: Keyring) -> APIRouter:
    """Paths that the gateway calls for itself."""
    routes = APIRouter(prefix="/internal")

    @routes.get("/partner-keys/{key_id}")
    async def get_partner_key(key_id: str, _: OnlyService, work: Reading) -> VerificationKeyOut:
        return await verification_key(work, keyring, key_id=key_id, now=utc_now())

    @routes.get("/figures")
    async def get_figures(_: ServiceCaller, work: Work) -> FiguresOut:
        return await figures(work, now=utc_now())

    return routes
