"""WeChat's server interface for a mini-program: sign-in codes, the stable token, subscription messages."""

import asyncio
import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from sandbox.messages.faults import NEVER_S, FaultKind, Faults, Via
from sandbox.messages.taken import Message, Taken

TOKEN_LIFE_S = 7200
THING_CHARS_MAX = 20
CODE_PREFIX = "code-"
_BROKEN: Mapping[FaultKind | None, Callable[[], Response]] = {
    FaultKind.ERROR: lambda: Response("upstream error", status_code=502),
    FaultKind.GARBAGE: lambda: HTMLResponse("<html><body>系统繁忙</body></html>"),
}
_REFUSED = {
    FaultKind.LIMIT: (45009, "reach max api daily quota limit"),
    FaultKind.REFUSE: (43101, "user refuse to accept the msg"),
}


def openid_of(code: str) -> str:
    """Who signs in with a code: here the same code is always the same person."""
    return "o" + hashlib.sha256(code.encode()).hexdigest()[:27]


class WechatDesk:
    """One mini-program. A token is the same for all who ask, until somebody forces another."""

    def __init__(self, taken: Taken, faults: Faults, secret: str) -> None:
        self._taken = taken
        self._faults = faults
        self._secret = secret
        self._token = secrets.token_urlsafe(48)

    async def session(self, request: Request) -> Response:
        """`GET /sns/jscode2session`."""
        asked = request.query_params
        if not secrets.compare_digest(asked.get("secret", ""), self._secret):
            return _said(40125, "invalid appsecret")
        code = asked.get("js_code", "")
        if not code.startswith(CODE_PREFIX):
            return _said(40029, "invalid code")
        return JSONResponse({"openid": openid_of(code), "session_key": secrets.token_urlsafe(18)})

    async def token(self, request: Request) -> Response:
        """`POST /cgi-bin/stable_token`."""
        asked = await _json(request)
        if not secrets.compare_digest(str(asked.get("secret", "")), self._secret):
            return _said(40125, "invalid appsecret")
        if asked.get("force_refresh"):
            self._token = secrets.token_urlsafe(48)
        return JSONResponse({"access_token": self._token, "expires_in": TOKEN_LIFE_S})

    async def send(self, request: Request) -> Response:
        """`POST /cgi-bin/message/subscribe/send`."""
        fault = await self._faults.strike(Via.WECHAT)
        if fault is FaultKind.STALE:
            self._token = secrets.token_urlsafe(48)
        if fault in _BROKEN:
            return _BROKEN[fault]()
        if not secrets.compare_digest(request.query_params.get("access_token", ""), self._token):
            return _said(40001, "invalid credential, access_token is invalid or not latest")
        asked = await _json(request)
        refusal = _REFUSED.get(fault) if fault else None
        refusal = refusal or _refusal(asked)
        if refusal is not None:
            return _said(*refusal)
        content = {"template": asked["template_id"], "page": asked.get("page", "")}
        content.update({name: field["value"] for name, field in asked["data"].items()})
        self._taken.add(Message(Via.WECHAT, asked["touser"], "", content))
        if fault is FaultKind.LOST:
            await asyncio.sleep(NEVER_S)
        return _said(0, "ok")


def _refusal(asked: dict[str, Any]) -> tuple[int, str] | None:
    """What is wrong with a message, as WeChat says it."""
    if not str(asked.get("touser", "")).startswith("o"):
        return 40003, "invalid openid"
    fields = asked.get("data") or {}
    if any(len(field["value"]) > THING_CHARS_MAX for name, field in fields.items() if name.startswith("thing")):
        return 47003, "argument invalid! data.thing.value invalid"
    return None


async def _json(request: Request) -> dict[str, Any]:
    asked = json.loads(await request.body() or b"{}")
    return asked if isinstance(asked, dict) else {}


def _said(code: int, message: str) -> Response:
    return JSONResponse({"errcode": code, "errmsg": message})
