"""How a guest can be reached. Personal: never in an event, a log or an address."""

import re
from dataclasses import dataclass

_EMAIL = re.compile(r"[^@\s\"<>]{1,64}@[^@\s\"<>.]+(\.[^@\s\"<>.]+)+")
_PHONE = re.compile(r"\+?[0-9]{6,15}")
_EMAIL_LENGTH_MAX = 254


class ContactError(Exception):
    """A guest left no way to be reached, or one that cannot be."""


@dataclass(frozen=True, slots=True)
class Contact:
    """At least one of the two, normalised. Its `repr` does not show them."""

    email: str | None
    phone: str | None

    def __repr__(self) -> str:
        return "Contact(***)"


def contact_of(*, email: str | None, phone: str | None) -> Contact:
    """Normalise what a guest wrote.

    :raises ContactError: neither is given, or one is not an address or a number. The message does not repeat it.
    """
    email = email.strip().lower() if email else None
    phone = re.sub(r"[\s()-]", "", phone) if phone else None
    if not email and not phone:
        raise ContactError("a guest leaves an e-mail address or a phone number")
    if email and (len(email) > _EMAIL_LENGTH_MAX or not _EMAIL.fullmatch(email)):
        raise ContactError("that is not an e-mail address")
    if phone and not _PHONE.fullmatch(phone):
        raise ContactError("that is not a phone number")
    return Contact(email=email or None, phone=phone or None)


def masked(contact: Contact) -> str:
    """As much as an operator needs to recognise it: `a***@example.org`, `***1234`."""
    if contact.email:
        name, _, host = contact.email.partition("@")
        return f"{name[:1]}***@{host}"
    return f"***{(contact.phone or '')[-4:]}"
