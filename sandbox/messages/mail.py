"""A mail server by SMTP, with STARTTLS and a password where it is given a certificate."""

import asyncio
import logging
import ssl
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from sandbox.messages.faults import NEVER_S, FaultKind, Faults, Via
from sandbox.messages.taken import Message, Taken

MESSAGE_BYTES_MAX = 1024 * 1024
_OK = "250 Message accepted"


@dataclass(frozen=True, slots=True)
class MailSetup:
    """Where mail is taken. With `tls` only after STARTTLS, and only from who knows user and password."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    user: str = ""
    password: str = ""


async def open_mail_server(setup: MailSetup, taken: Taken, faults: Faults) -> asyncio.Server:
    """Listen; the caller closes."""
    logging.getLogger("mail.log").setLevel(logging.WARNING)  # it tells each recipient
    loop = asyncio.get_running_loop()

    def make() -> SMTP:
        return SMTP(
            _Desk(taken, faults),
            hostname="sandbox",
            ident="sandbox",
            data_size_limit=MESSAGE_BYTES_MAX,
            enable_SMTPUTF8=True,
            tls_context=setup.tls,
            require_starttls=setup.tls is not None,
            auth_required=setup.tls is not None,
            authenticator=_authenticator(setup),
            loop=loop,
        )

    return await loop.create_server(make, setup.host, setup.port)


class _Desk:
    """aiosmtpd calls these by their names."""

    def __init__(self, taken: Taken, faults: Faults) -> None:
        self._taken = taken
        self._faults = faults
        self._fault: FaultKind | None = None

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        del server, session, options
        self._fault = await self._faults.strike(Via.EMAIL)
        if self._fault is FaultKind.REFUSE:
            return f"550 5.1.1 <{address}>: no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        del server, session
        if self._fault is FaultKind.LIMIT:
            return "452 4.3.1 too many messages"
        if self._fault not in (None, FaultKind.LOST):
            return "451 4.3.0 try again later"
        for address in envelope.rcpt_tos:
            self._taken.add(_read(address, envelope.content))
        if self._fault is FaultKind.LOST:
            await asyncio.sleep(NEVER_S)
        return _OK


def _read(address: str, content: Any) -> Message:
    mail = message_from_bytes(content, EmailMessage, policy=default)
    return Message(
        Via.EMAIL,
        address,
        str(mail["Message-ID"]),
        {
            "from": str(mail["From"]),
            "to": str(mail["To"]),
            "subject": str(mail["Subject"]),
            "text": _part(mail, "plain"),
            "html": _part(mail, "html"),
        },
    )


def _part(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    return "" if part is None else str(part.get_content())


def _authenticator(setup: MailSetup) -> Any:
    def check(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        del server, session, envelope, mechanism
        right = isinstance(data, LoginPassword) and (data.login, data.password) == (
            setup.user.encode(),
            setup.password.encode(),
        )
        return AuthResult(success=right, handled=False)

    return check
