"""Contacts and one-time-password secrets at rest: sealed under a data key of their own, found again by a blind index."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from services.membership.domain.contacts import Contact, ContactKind
from shared.crypto import Keyring, Secret, WrappedKey, blind_index, new_dek, open_sealed, seal


@dataclass(frozen=True, slots=True)
class SealedContacts:
    """A member's contacts as they are stored. Forgetting the data key forgets them for good."""

    key: WrappedKey
    indexes: Mapping[ContactKind, bytes]
    texts: Mapping[ContactKind, bytes]


@dataclass(frozen=True, slots=True)
class SealedSecret:
    """One secret text as it is stored."""

    key: WrappedKey
    text: bytes


class Vault:
    """Seals and opens. Ciphertexts are bound to their owner and field: moved to another row they do not open."""

    def __init__(self, keyring: Keyring, *, index_key: bytes) -> None:
        self._keyring = keyring
        self._index_key = index_key

    def index(self, contact: Contact) -> bytes:
        """What a contact is looked up by."""
        return blind_index(self._index_key, contact.index_text)

    def attempt_index(self, handle: str) -> bytes:
        """What failures to sign in are counted by: any text that somebody gave as his account."""
        return blind_index(self._index_key, f"attempt|{handle}")

    def seal_contacts(self, member_id: UUID, contacts: Iterable[Contact]) -> SealedContacts:
        """Seal a member's contacts under a fresh data key."""
        dek, contacts = new_dek(), tuple(contacts)
        indexes = {contact.kind: self.index(contact) for contact in contacts}
        texts = {
            contact.kind: seal(dek, contact.value.encode(), aad=_aad(member_id, contact.kind)) for contact in contacts
        }
        return SealedContacts(self._keyring.wrap(dek), indexes, texts)

    def seal_under(self, key: WrappedKey, member_id: UUID, contact: Contact) -> bytes:
        """Seal one more contact of a member under the data key he has."""
        return seal(self._keyring.unwrap(key), contact.value.encode(), aad=_aad(member_id, contact.kind))

    def open_contact(self, member_id: UUID, kind: ContactKind, sealed: SealedContacts) -> Contact | None:
        """One of a member's contacts, if he has given it.

        :raises SealBrokenError: the row was tampered with.
        :raises UnknownKeyVersionError: its key-encryption key is gone.
        """
        text = sealed.texts.get(kind)
        if text is None:
            return None
        dek = self._keyring.unwrap(sealed.key)
        return Contact(kind, open_sealed(dek, text, aad=_aad(member_id, kind)).decode())

    def seal_secret(self, owner_id: UUID, secret: Secret) -> SealedSecret:
        """Seal an operator's one-time-password secret."""
        dek = new_dek()
        return SealedSecret(self._keyring.wrap(dek), seal(dek, secret.reveal().encode(), aad=_aad(owner_id, "totp")))

    def open_secret(self, owner_id: UUID, sealed: SealedSecret) -> Secret:
        """The secret itself.

        :raises SealBrokenError: the row was tampered with.
        :raises UnknownKeyVersionError: its key-encryption key is gone.
        """
        dek = self._keyring.unwrap(sealed.key)
        return Secret(open_sealed(dek, sealed.text, aad=_aad(owner_id, "totp")).decode())


def _aad(owner_id: UUID, field_name: str) -> bytes:
    return f"v1|membership|{owner_id}|{field_name}".encode()
