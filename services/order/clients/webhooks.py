"""Sends webhooks to channels' addresses: signed by Standard Webhooks, to the public internet alone, without redirects."""

import asyncio
import socket
from datetime import datetime
from ipaddress import ip_address
from urllib.parse import urlsplit, urlunsplit

import httpx
import orjson

from services.order.domain.webhooks import DueMessage, Sent, WebhookAddressError, check_address, is_public
from shared.crypto import Secret
from shared.crypto.webhooks import signed_headers

TIMEOUT_S = 10.0
CONNECT_TIMEOUT_S = 3.0
_GONE = 410
_DEFAULT_PORTS = {"https": 443, "http": 80}


class WebhookSender:
    """One per process. `anywhere`: in development addresses on this machine may be called."""

    def __init__(self, *, anywhere: bool) -> None:
        self._anywhere = anywhere
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(TIMEOUT_S, connect=CONNECT_TIMEOUT_S), follow_redirects=False, trust_env=False
        )

    async def send(self, due: DueMessage, secret: Secret, *, now: datetime) -> Sent:
        """Send one message; whatever happens is an answer. Its body has no codes and no personal data."""
        body = orjson.dumps({"type": due.kind, "timestamp": due.created_at, "data": due.content})
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Kaquan-Webhooks/1",
            **signed_headers(secret, body, message_id=f"msg_{due.message_id.hex}", now=now),
        }
        try:
            async with asyncio.timeout(TIMEOUT_S):
                status = await self._post(due.endpoint.url, body, headers)
        except WebhookAddressError:
            return Sent(due, "address_refused")
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as error:
            return Sent(due, type(error).__name__)
        if httpx.codes.is_success(status):
            return Sent(due)
        return Sent(due, f"http_{status}", gone=status == _GONE)

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def _post(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        """The status. The answer's body is not read: nothing in it matters, and it may have no end.

        :raises WebhookAddressError: the name leads to where nobody may be called.
        """
        check_address(url, anywhere=self._anywhere)
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = parts.port or _DEFAULT_PORTS[parts.scheme]
        address = await self._resolve(host, port)
        # To the address that was looked at, whatever the name says a moment later.
        place = f"[{address}]" if ":" in address else address
        target = urlunsplit((parts.scheme, f"{place}:{port}", parts.path or "/", parts.query, ""))
        told = {**headers, "Host": parts.netloc}
        async with self._http.stream(
            "POST", target, content=body, headers=told, extensions={"sni_hostname": host}
        ) as answer:
            return answer.status_code

    async def _resolve(self, host: str, port: int) -> str:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [str(entry[4][0]) for entry in found]
        if not addresses:
            raise WebhookAddressError("the name leads nowhere")
        if not self._anywhere and not all(is_public(ip_address(address)) for address in addresses):
            raise WebhookAddressError("the name leads into a private network")
        return addresses[0]
