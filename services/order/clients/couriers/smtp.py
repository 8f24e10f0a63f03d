"""Mail by SMTP (RFC 5321), over TLS from the start (RFC 8314) or from STARTTLS on (RFC 3207)."""

import asyncio
from dataclasses import dataclass
from email.errors import HeaderParseError, MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from enum import StrEnum

import aiosmtplib

from services.order.clients.couriers.port import AddressRefusedError, ChannelUnavailableError, Outgoing
from services.order.domain.messages import Occasion
from services.order.domain.wording import page, plain, text_of
from shared.crypto import Secret

_PERMANENT = 500


class Security(StrEnum):
    """How the connection is protected. `none` is for a server on the same machine."""

    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class MailServer:
    """The server that takes our mail, and who we are to it. `ca_file`: whom to believe instead of the system's authorities."""

    host: str
    port: int
    security: Security
    user: str | None = None
    password: Secret | None = None
    ca_file: str | None = None
    timeout_s: float = 10.0


class Mail:
    """Mail from one sender. A letter sent twice has one Message-ID, by which whoever gets both knows them for one."""

    def __init__(self, server: MailServer, *, sender: str, sender_name: str) -> None:
        self._server = server
        self._sender = Address(sender_name, addr_spec=sender)

    def carries(self, occasion: Occasion) -> bool:
        """Every kind: its words are our own."""
        del occasion
        return True

    async def send(self, outgoing: Outgoing) -> None:
        message = self._compose(outgoing)
        server = self._server
        try:
            async with asyncio.timeout(server.timeout_s):
                await aiosmtplib.send(
                    message,
                    sender=self._sender.addr_spec,
                    recipients=[outgoing.address],
                    hostname=server.host,
                    port=server.port,
                    username=server.user,
                    password=server.password.reveal() if server.password else None,
                    local_hostname=self._sender.domain,
                    timeout=server.timeout_s,
                    use_tls=server.security is Security.TLS,
                    start_tls=server.security is Security.STARTTLS,
                    cert_bundle=server.ca_file,
                )
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise _failure(error) from None  # the words of a mail server repeat the address

    def _compose(self, outgoing: Outgoing) -> EmailMessage:
        """:raises AddressRefusedError: the address cannot stand in a header."""
        letter = outgoing.letter
        text = text_of(letter)
        message = EmailMessage(policy=SMTP)
        try:
            message["To"] = Address(addr_spec=outgoing.address)
        except (HeaderParseError, MessageError, ValueError, IndexError):
            raise AddressRefusedError("address_unreadable") from None
        message["From"] = self._sender
        message["Subject"] = f"{text.title} / {text.title_en}"
        message["Message-ID"] = f"<{letter.message_id.hex}.mail@{self._sender.domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(plain(text, link=outgoing.link))
        message.add_alternative(page(text, link=outgoing.link), subtype="html")
        return message


def _failure(error: Exception) -> ChannelUnavailableError | AddressRefusedError:
    """A server's lasting no to this letter or its address ends it; everything else may be another answer later."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused) and error.recipients:
        error = error.recipients[0]
    if isinstance(error, aiosmtplib.SMTPResponseException):
        about_the_letter = isinstance(error, aiosmtplib.SMTPRecipientRefused | aiosmtplib.SMTPDataError)
        lasting = about_the_letter and error.code >= _PERMANENT
        code = f"smtp_{error.code}"
        return AddressRefusedError(code) if lasting else ChannelUnavailableError(code)
    return ChannelUnavailableError("timeout" if isinstance(error, TimeoutError) else "unreachable")
