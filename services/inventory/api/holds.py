"""The order service holds stock at checkout, and lets go of it when the checkout fails."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.inventory.api.bodies import parse_body
from services.inventory.api.desks import HoldDesk
from services.inventory.domain.stock import HoldRequest, WantedComponent
from services.inventory.schemas import HoldIn
from services.inventory.usecases.holds import release_orders
from shared.http import ServiceCaller, Work

_HELD = Response(b"{}", status_code=201, media_type="application/json")


def router(desk: HoldDesk) -> APIRouter:
    """Paths for holds."""
    routes = APIRouter(prefix="/internal/holds", tags=["holds"])

    @routes.post("", status_code=201, include_in_schema=False)
    async def hold(request: Request, _: ServiceCaller) -> Response:
        """Hold everything that the order wants (`HoldIn`), or nothing. The order id makes a repetition harmless."""
        body = parse_body(HoldIn, await request.body())
        await desk.hold(
            HoldRequest(
                order_id=body.order_id,
                member_id=body.member_id,
                expires_at=body.expires_at,
                components=tuple(
                    WantedComponent(
                        component_id=component.component_id,
                        line_id=component.line_id,
                        sku_id=component.sku_id,
                        quantity=component.quantity,
                        buyer_fields=component.buyer_fields or {},
                    )
                    for component in body.components
                ),
                # The cap of a bundle is held under its line's id.
                caps=tuple(
                    WantedComponent(bundle.line_id, bundle.line_id, bundle.sku_id, bundle.quantity)
                    for bundle in body.bundles
                ),
            )
        )
        return _HELD

    @routes.delete("/{order_id}", status_code=204)
    async def release(order_id: UUID, _: ServiceCaller, work: Work) -> None:
        """Let go of what the order holds; nothing held is nothing to do."""
        await release_orders(work, [order_id])

    return routes
