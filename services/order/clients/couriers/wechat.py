"""WeChat mini-program subscription messages, as WeChat publishes them.

`POST /cgi-bin/stable_token` gives a token for two hours, the same to all who ask meanwhile; `POST
/cgi-bin/message/subscribe/send` sends one message to a member who has subscribed, with the fields of a template.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from services.order.clients.couriers.port import AddressRefusedError, ChannelUnavailableError, Outgoing
from services.order.domain.messages import Occasion
from services.order.domain.wording import values_of
from shared.clock import Clock
from shared.crypto import Secret

TOKEN_SLACK = timedelta(minutes=5)
"""A token is not used in its last minutes."""

THING_CHARS_MAX = 20
"""WeChat's limit of a `thing` field; the others take 32 characters or more."""

_OTHERS_CHARS_MAX = 32
_OK = 0
_STALE_TOKEN = frozenset({40001, 40014, 42001})
_REFUSED = frozenset({40003, 43101, 43107, 43108})
"""No such member, or one who does not (any more) want our messages."""


class WechatTemplate(BaseModel):
    """An approved template: its fields by what we fill them with (`order_no`, `goods`, `amount`, `date`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    template_id: str
    fields: dict[str, str]


class _Token(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    access_token: str
    expires_in: int


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    errcode: int = 0


@dataclass(frozen=True, slots=True)
class Account:
    """Who the mini-program is to WeChat, its page for orders, and a template per occasion."""

    app_id: str
    app_secret: Secret
    order_page: str
    templates: Mapping[Occasion, WechatTemplate]


class MiniProgram:
    """Sends messages of one mini-program. The token is fetched when needed, once for all who wait."""

    def __init__(
        self, base_url: str, account: Account, *, http: httpx.AsyncClient, clock: Clock, timeout_s: float = 10.0
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._account = account
        self._http = http
        self._clock = clock
        self._timeout_s = timeout_s
        self._token: Secret | None = None
        self._token_until: datetime | None = None
        self._turn = asyncio.Lock()

    def carries(self, occasion: Occasion) -> bool:
        """Whether there is a template for it."""
        return occasion in self._account.templates

    async def send(self, outgoing: Outgoing) -> None:
        code = await self._send(outgoing)
        if code in _STALE_TOKEN:
            self._token = None
            code = await self._send(outgoing)
        if code in _REFUSED:
            raise AddressRefusedError(f"wechat_{code}")
        if code != _OK:
            raise ChannelUnavailableError(f"wechat_{code}")

    async def _send(self, outgoing: Outgoing) -> int:
        token = await self._access_token()
        template = self._account.templates[outgoing.letter.notice.occasion]
        values = values_of(outgoing.letter, link=outgoing.link)
        body = {
            "touser": outgoing.address,
            "template_id": template.template_id,
            "page": f"{self._account.order_page}?order_id={outgoing.letter.notice.order_id}",
            "lang": "zh_CN",
            "data": {
                field: {"value": _cut(field, values[name])} for field, name in template.fields.items() if name in values
            },
        }
        path = f"/cgi-bin/message/subscribe/send?access_token={token.reveal()}"
        return _Answer.model_validate_json(await self._post(path, body)).errcode

    async def _access_token(self) -> Secret:
        async with self._turn:
            now = self._clock()
            if self._token is None or self._token_until is None or now >= self._token_until:
                body = {
                    "grant_type": "client_credential",
                    "appid": self._account.app_id,
                    "secret": self._account.app_secret.reveal(),
                }
                answer = await self._post("/cgi-bin/stable_token", body)
                try:
                    token = _Token.model_validate_json(answer)
                except ValidationError:
                    raise ChannelUnavailableError("token_refused") from None
                self._token = Secret(token.access_token)
                self._token_until = now + timedelta(seconds=token.expires_in) - TOKEN_SLACK
            return self._token

    async def _post(self, path: str, body: object) -> bytes:
        try:
            answer = await self._http.post(f"{self._base_url}{path}", json=body, timeout=self._timeout_s)
            answer.raise_for_status()
            _Answer.model_validate_json(answer.content)
        except httpx.TimeoutException:
            raise ChannelUnavailableError("timeout") from None  # its words would carry the token
        except httpx.HTTPError:
            raise ChannelUnavailableError("unreachable") from None
        except ValidationError:
            raise ChannelUnavailableError("answer_unreadable") from None
        return answer.content


def _cut(field: str, value: str) -> str:
    """As long as WeChat takes it for a field of this name."""
    longest = THING_CHARS_MAX if field.startswith("thing") else _OTHERS_CHARS_MAX
    return value if len(value) <= longest else value[: longest - 1] + "…"
