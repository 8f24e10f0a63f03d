"""Build the gateway from its parts and serve it."""

import asyncio
from types import SimpleNamespace

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.api import build_api
from gateway.auth import ClientAddresses, PageTokens, PartnerVerifier, TokenVerifier
from gateway.clients import Neighbours, PartnerKeys
from gateway.forward import Forwarder, Gate, Relay
from gateway.limits import Limiter
from gateway.pages import Pages
from gateway.routes import ROUTES, RouteTable
from gateway.settings import Settings
from shared.http.identity import IdentitySigner
from shared.http.server import serve
from shared.observability import SINK, configure, get_logger, stop_tracing
from shared.settings import read_key

NAME = "gateway"

log = get_logger(__name__)


class Gateway:
    """The ASGI application: requests go to the forwarder, start and stop are handled here."""

    def __init__(self, forwarder: ASGIApp, neighbours: Neighbours) -> None:
        self._forwarder = forwarder
        self._neighbours = neighbours
        self.state = SimpleNamespace(stopping=asyncio.Event())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._forwarder(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()  # startup
        ending = asyncio.create_task(self._end_streams())
        log.info("service.started", neighbours=len(self._neighbours.names))
        await send({"type": "lifespan.startup.complete"})
        await receive()  # shutdown
        ending.cancel()
        await self._neighbours.close()
        await asyncio.to_thread(stop_tracing)
        log.info("service.stopped")
        SINK.flush()
        await send({"type": "lifespan.shutdown.complete"})

    async def _end_streams(self) -> None:
        """Event streams end with the signal; otherwise the server would wait for them until its patience ends."""
        await self.state.stopping.wait()
        for pool in self._neighbours.streams.values():
            pool.close()


def build(settings: Settings) -> Gateway:
    """The gateway as these settings want it. Nothing connects before the first request."""
    internal_key = read_key(settings.keys_dir, "internal.key")
    signer = IdentitySigner(internal_key, NAME)
    page_tokens = PageTokens(internal_key)
    tokens = TokenVerifier(
        access_key=(settings.keys_dir / "access-token.pub.pem").read_bytes(),
        guest_key=read_key(settings.keys_dir, "guest-token.key"),
    )
    neighbours = Neighbours(settings.service_urls, signer)
    table = RouteTable(ROUTES)
    gate = Gate(
        addresses=ClientAddresses(settings.trusted_proxies),
        tokens=tokens,
        partners=PartnerVerifier(PartnerKeys(neighbours).find),
        limiter=Limiter(factor=settings.rate_factor),
        page_tokens=page_tokens,
    )
    forwarder = Forwarder(
        table=table,
        gate=gate,
        relay=Relay(pools=neighbours.pools, streams=neighbours.streams),
        own=build_api(neighbours=neighbours, table=table, tokens=tokens, page_tokens=page_tokens),
        signer=signer,
        pages=Pages(settings.pages_dir),
    )
    return Gateway(forwarder, neighbours)


def main() -> None:
    """Run the gateway until it is told to stop."""
    settings = Settings()
    configure(NAME, settings)
    serve(build(settings), host=settings.host, port=settings.port)


if __name__ == "__main__":
    main()
