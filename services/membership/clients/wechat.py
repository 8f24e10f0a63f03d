"""Who signs in to the mini-program: `GET /sns/jscode2session`, as WeChat publishes it."""

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from services.membership.domain.contacts import Contact
from shared.crypto import Secret

TIMEOUT_S = 5.0
_OK = 0
_BAD_CODE = frozenset({40029, 40163, 41008})
"""Not a code, used before, or none at all."""


class WechatCodeError(Exception):
    """WeChat does not know the code (any more)."""


class WechatUnavailableError(Exception):
    """WeChat does not answer, or not in a way that can be understood."""


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    errcode: int = 0
    openid: str = ""


class WechatSignIn:
    """One mini-program's door at WeChat. `base_url` None: it is not set up."""

    def __init__(self, base_url: str | None, *, app_id: str, app_secret: Secret, http: httpx.AsyncClient) -> None:
        self._base_url = base_url
        self._app_id = app_id
        self._app_secret = app_secret
        self._http = http

    async def openid(self, code: Secret) -> Contact:
        """The member of WeChat who got this code in the mini-program.

        :raises WechatCodeError: there is none.
        :raises WechatUnavailableError: WeChat does not say, or is not set up.
        """
        if self._base_url is None:
            raise WechatUnavailableError("WeChat is not set up")
        query = {
            "appid": self._app_id,
            "secret": self._app_secret.reveal(),
            "js_code": code.reveal(),
            "grant_type": "authorization_code",
        }
        url = f"{self._base_url.rstrip('/')}/sns/jscode2session"
        try:
            got = await self._http.get(url, params=query, timeout=TIMEOUT_S)
            answer = _Answer.model_validate_json(got.content)
        except (httpx.HTTPError, ValidationError):
            raise WechatUnavailableError("WeChat does not answer") from None  # its words would carry the secret
        if answer.errcode in _BAD_CODE:
            raise WechatCodeError("WeChat does not know this code")
        if answer.errcode != _OK:
            raise WechatUnavailableError(f"WeChat answered {answer.errcode}")
        return Contact.wechat(answer.openid)
