"""A provider of text messages with Alibaba Cloud's interface: `SendSms`, signature version 3, templates."""

import asyncio
import hashlib
import hmac
import json
import re
from urllib.parse import quote, unquote
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from sandbox.messages.faults import NEVER_S, FaultKind, Faults, Via
from sandbox.messages.taken import Message, Taken

_CREDENTIAL = re.compile(r"ACS3-HMAC-SHA256 Credential=([^,]+),SignedHeaders=([^,]+),Signature=([0-9a-f]{64})")
_PHONE = re.compile(r"(?:\+|00)?[0-9]{6,15}")
_SIGNED = {"host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"}
_WANTED = ("PhoneNumbers", "SignName", "TemplateCode", "TemplateParam")


class SmsDesk:
    """One customer's account. A nonce is good once."""

    def __init__(self, taken: Taken, faults: Faults, secret: str) -> None:
        self._taken = taken
        self._faults = faults
        self._secret = secret
        self._nonces: set[str] = set()

    async def answer(self, request: Request) -> Response:
        """`POST /`: the action stands in a header."""
        refusal = self._refusal(request, await request.body())
        if refusal is not None:
            return _said(refusal, status=400)
        query = dict(pair.partition("=")[::2] for pair in request.url.query.split("&"))
        wanted = {name: unquote(query.get(name, "")) for name in (*_WANTED, "OutId")}
        if request.headers["x-acs-action"] != "SendSms" or not all(wanted[name] for name in _WANTED):
            return _said("isv.INVALID_PARAMETERS", status=400)
        if not _PHONE.fullmatch(wanted["PhoneNumbers"]):
            return _said("isv.MOBILE_NUMBER_ILLEGAL")
        return await self._take(wanted)

    async def _take(self, wanted: dict[str, str]) -> Response:
        fault = await self._faults.strike(Via.SMS)
        if fault is FaultKind.ERROR:
            return Response("upstream error", status_code=500)
        if fault is FaultKind.GARBAGE:
            return HTMLResponse("<html><body>系统繁忙, 请稍后再试</body></html>")
        if fault is FaultKind.LIMIT:
            return _said("isv.BUSINESS_LIMIT_CONTROL")
        if fault is FaultKind.REFUSE:
            return _said("isv.MOBILE_NUMBER_ILLEGAL")
        content = {
            "template": wanted["TemplateCode"],
            "sign": wanted["SignName"],
            **json.loads(wanted["TemplateParam"]),
        }
        self._taken.add(Message(Via.SMS, wanted["PhoneNumbers"], wanted["OutId"], content))
        if fault is FaultKind.LOST:
            await asyncio.sleep(NEVER_S)
        return _said("OK")

    def _refusal(self, request: Request, body: bytes) -> str | None:
        """Why the signature does not hold, as the provider says it; None: it does."""
        given = _CREDENTIAL.fullmatch(request.headers.get("authorization", ""))
        if given is None or set(given[2].split(";")) < _SIGNED:
            return "MissingAuthorization"
        names = given[2].split(";")
        lines = "".join(f"{name}:{request.headers.get(name, '').strip()}\n" for name in names)
        digest = hashlib.sha256(body).hexdigest()
        canonical = f"POST\n/\n{_canonical(request.url.query)}\n{lines}\n{given[2]}\n{digest}"
        to_sign = f"ACS3-HMAC-SHA256\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        right = hmac.new(self._secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(right, given[3]) or request.headers["x-acs-content-sha256"] != digest:
            return "SignatureDoesNotMatch"
        nonce = request.headers["x-acs-signature-nonce"]
        if nonce in self._nonces:
            return "SignatureNonceUsed"
        self._nonces.add(nonce)
        return None


def _canonical(query: str) -> str:
    pairs = sorted(pair.partition("=")[::2] for pair in query.split("&"))
    return "&".join(
        f"{quote(unquote(name), safe='-_.~')}={quote(unquote(value), safe='-_.~')}" for name, value in pairs
    )


def _said(code: str, *, status: int = 200) -> Response:
    content = {"Code": code, "Message": code, "RequestId": str(uuid4()).upper()}
    return JSONResponse({**content, "BizId": uuid4().hex} if code == "OK" else content, status_code=status)
