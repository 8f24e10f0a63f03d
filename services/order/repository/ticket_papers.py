"""What people write and show in a ticket, sealed under the ticket's own data key: they paste codes and show screens."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.order.domain.tickets import Author
from services.order.repository import tickets
from shared.clock import new_id
from shared.crypto import Keyring, WrappedKey, new_dek, open_sealed, seal
from shared.database import UnitOfWork


@dataclass(frozen=True, slots=True)
class Papers:
    """Seals and opens; a ciphertext that was moved to another row does not open."""

    keyring: Keyring

    def new_key(self) -> WrappedKey:
        """The data key of a new ticket."""
        return self.keyring.wrap(new_dek())

    def seal(self, key: WrappedKey, plain: bytes, *, paper_id: UUID) -> bytes:
        """Seal what will be kept under this id."""
        return seal(self.keyring.unwrap(key), plain, aad=_aad(paper_id))

    def open(self, key: WrappedKey, sealed: bytes, *, paper_id: UUID) -> bytes:
        """:raises SealBrokenError: it is not what was sealed under this id."""
        return open_sealed(self.keyring.unwrap(key), sealed, aad=_aad(paper_id))

    async def write(
        self,
        uow: UnitOfWork,
        ticket_id: UUID,
        key: WrappedKey,
        text: str,
        *,
        author: Author,
        now: datetime,
        operator: str | None = None,
    ) -> UUID:
        """Add a message to a ticket; its id."""
        message_id = new_id()
        sealed = self.seal(key, text.encode(), paper_id=message_id)
        await tickets.add_message(
            uow, ticket_id, message_id=message_id, author=author, operator=operator, sealed=sealed, now=now
        )
        return message_id


def _aad(paper_id: UUID) -> bytes:
    return b"v1|ticket|" + paper_id.bytes
