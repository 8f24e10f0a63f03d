"""The sandbox for messages over HTTP, with its mail server beside it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict

from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.messages.faults import Fault, Faults
from sandbox.messages.mail import MailSetup, open_mail_server
from sandbox.messages.sms import SmsDesk
from sandbox.messages.taken import Taken
from sandbox.messages.wechat import WechatDesk


class _FaultsIn(BaseModel):
    faults: list[Fault]


def build_app(mail: MailSetup, *, sms_secret: str, wechat_secret: str) -> Starlette:
    """`/` for text messages, `/cgi-bin/*` and `/sns/*` for WeChat, `/admin/*` for testers; mail on a port of its own."""
    taken, faults = Taken(), Faults()
    wechat = WechatDesk(taken, faults, wechat_secret)
    admin = _Admin(taken, faults)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        server = await open_mail_server(mail, taken, faults)
        try:
            yield
        finally:
            server.close()

    return Starlette(
        lifespan=lifespan,
        routes=[
            Route("/", SmsDesk(taken, faults, sms_secret).answer, methods=["POST"]),
            Route("/sns/jscode2session", wechat.session, methods=["GET"]),
            Route("/cgi-bin/stable_token", wechat.token, methods=["POST"]),
            Route("/cgi-bin/message/subscribe/send", wechat.send, methods=["POST"]),
            Route("/admin/faults", admin.set_faults, methods=["POST", "DELETE"]),
            Route("/admin/messages", admin.messages, methods=["GET"]),
            Route("/readyz", _ready, methods=["GET"]),
            Route("/healthz", _ready, methods=["GET"]),
        ],
    )


class _Admin:
    def __init__(self, taken: Taken, faults: Faults) -> None:
        self._taken = taken
        self._faults = faults

    async def set_faults(self, request: Request) -> Response:
        """Replace the faults, or end them."""
        asked = _FaultsIn(faults=[])
        if request.method == "POST":
            try:
                asked = _FaultsIn.model_validate_json(await request.body())
            except ValidationError as error:
                return JSONResponse(error.errors(include_input=False, include_context=False), status_code=422)
        self._faults.set(asked.faults)
        return Response(status_code=204)

    async def messages(self, request: Request) -> Response:
        """What was taken: `?via=email|sms|wechat`, `?to=` an address."""
        found = self._taken.find(via=request.query_params.get("via"), to=request.query_params.get("to"))
        return JSONResponse({"count": self._taken.count, "items": [asdict(message) for message in found]})


async def _ready(_: Request) -> Response:
    return JSONResponse({"status": "ready"})
