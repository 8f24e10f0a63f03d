"""Members and operators as accounts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.membership.domain.contacts import Contact
from services.membership.domain.roles import OperatorRole
from services.membership.domain.vault import SealedContacts, SealedSecret

INVITE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without signs that are read as others."""

INVITE_CHARS = 8


class AccountExistsError(Exception):
    """Somebody has registered with this phone number or e-mail address."""


class WechatTakenError(Exception):
    """Another account has bound the same member of WeChat."""


class ContactMissingError(Exception):
    """An account needs a phone number or an e-mail address."""


class InviteUnknownError(Exception):
    """Nobody has this invite code."""


@dataclass(frozen=True, slots=True)
class NewMember:
    """An account about to be opened."""

    member_id: UUID
    contacts: SealedContacts
    password_hash: str
    invite_code: str
    invited_by: UUID | None
    registered_at: datetime


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody of the company. `totp_step` is the 30 s step of the one-time code that was last accepted."""

    operator_id: UUID
    login: str
    password_hash: str
    totp: SealedSecret
    totp_step: int
    roles: frozenset[OperatorRole]


@dataclass(frozen=True, slots=True)
class Candidate:
    """Whoever may be behind an attempt to sign in, if anybody."""

    member_id: UUID
    password_hash: str


def one_contact(contacts: Iterable[Contact]) -> tuple[Contact, ...]:
    """What an account can be found by.

    :raises ContactMissingError: there is nothing.
    """
    given = tuple(contacts)
    if not given:
        raise ContactMissingError("give a phone number or an e-mail address")
    return given


def invite_code_from(noise: bytes) -> str:
    """A code to pass on by word of mouth, made of at least eight random bytes: a trillion of them."""
    return "".join(INVITE_ALPHABET[byte % len(INVITE_ALPHABET)] for byte in noise[:INVITE_CHARS])
