"""Text messages by Alibaba Cloud's published interface: `SendSms` of dysmsapi 2017-05-25, signature version 3.

An RPC call: the parameters stand in the query, the body is empty. Signed are the method, the path, the query, five headers
and the body's digest, by HMAC-SHA256 under the access key's secret (`ACS3-HMAC-SHA256`). Texts are templates that
the provider has approved; a letter fills in `order_no` and `link`.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote, urlsplit

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.order.clients.couriers.port import AddressRefusedError, ChannelUnavailableError, Outgoing
from services.order.domain.messages import Occasion
from services.order.domain.wording import values_of
from shared.clock import Clock
from shared.crypto import Secret

ACTION = "SendSms"
VERSION = "2017-05-25"
ALGORITHM = "ACS3-HMAC-SHA256"
TAKEN = "OK"
_NO_BODY = hashlib.sha256(b"").hexdigest()
_FAILURE_CHARS_MAX = 60

_REFUSED = frozenset({"isv.MOBILE_NUMBER_ILLEGAL", "isv.BLACK_KEY_CONTROL_LIMIT", "isv.SMS_TEST_NUMBER_LIMIT"})
"""What no second try changes; limits, arrears and unknown signatures may be mended meanwhile."""


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    code: str = Field(alias="Code")


@dataclass(frozen=True, slots=True)
class Account:
    """Who we are to the provider, what our texts are signed with, and the approved template of each occasion."""

    access_key_id: str
    access_key_secret: Secret
    sign_name: str
    templates: Mapping[Occasion, str]


@dataclass(frozen=True, slots=True)
class Call:
    """A call with an empty body. `query` is in canonical form; it carries a phone number and is shown by no `repr`."""

    host: str
    action: str
    version: str
    query: str = field(repr=False)


class AliyunSms:
    """Sends text messages from one account. `base_url` is the provider's address of a region."""

    def __init__(
        self, base_url: str, account: Account, *, http: httpx.AsyncClient, clock: Clock, timeout_s: float = 10.0
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._account = account
        self._http = http
        self._clock = clock
        self._timeout_s = timeout_s

    def carries(self, occasion: Occasion) -> bool:
        """Whether there is a template for it."""
        return occasion in self._account.templates

    async def send(self, outgoing: Outgoing) -> None:
        values = values_of(outgoing.letter, link=outgoing.link)
        template = {name: values[name] for name in ("order_no", "link")}
        query = canonical_query(
            {
                "PhoneNumbers": outgoing.address,
                "SignName": self._account.sign_name,
                "TemplateCode": self._account.templates[outgoing.letter.notice.occasion],
                "TemplateParam": json.dumps(template, ensure_ascii=False, separators=(",", ":")),
                "OutId": outgoing.letter.message_id.hex,
            }
        )
        headers = sign_headers(
            self._account,
            Call(urlsplit(self._base_url).netloc, ACTION, VERSION, query),
            nonce=secrets.token_hex(16),
            now=self._clock(),
        )
        try:
            answer = await self._http.post(f"{self._base_url}/?{query}", headers=headers, timeout=self._timeout_s)
            code = _Answer.model_validate_json(answer.content).code
        except httpx.TimeoutException:
            raise ChannelUnavailableError("timeout") from None  # its words would carry the query
        except httpx.HTTPError:
            raise ChannelUnavailableError("unreachable") from None
        except ValidationError:
            raise ChannelUnavailableError("answer_unreadable") from None
        if code in _REFUSED:
            raise AddressRefusedError(code)
        if code != TAKEN:
            raise ChannelUnavailableError(code[:_FAILURE_CHARS_MAX])


def canonical_query(parameters: Mapping[str, str]) -> str:
    """Sorted by name, everything but letters, digits and `-_.~` escaped."""
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='-_.~')}" for name, value in sorted(parameters.items()))


def sign_headers(account: Account, call: Call, *, nonce: str, now: datetime) -> dict[str, str]:
    """The headers of a call with an empty body."""
    headers = {
        "host": call.host,
        "x-acs-action": call.action,
        "x-acs-content-sha256": _NO_BODY,
        "x-acs-date": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "x-acs-signature-nonce": nonce,
        "x-acs-version": call.version,
    }
    lines = "".join(f"{name}:{value}\n" for name, value in sorted(headers.items()))
    names = ";".join(sorted(headers))
    request = f"POST\n/\n{call.query}\n{lines}\n{names}\n{_NO_BODY}"
    to_sign = f"{ALGORITHM}\n{hashlib.sha256(request.encode()).hexdigest()}"
    signature = hmac.new(account.access_key_secret.reveal().encode(), to_sign.encode(), hashlib.sha256).hexdigest()
    credential = f"{ALGORITHM} Credential={account.access_key_id},SignedHeaders={names},Signature={signature}"
    return {**headers, "Authorization": credential}
