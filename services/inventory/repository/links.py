"""One-tap links: added when asked for, used up by one statement."""

from datetime import datetime
from uuid import UUID

from services.inventory.domain.links import Binding, Link
from shared.database import UnitOfWork

_ADD = """
INSERT INTO reveal_links (link_id, entitlement_id, caller, session, made_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)
"""

_USE = """
UPDATE reveal_links SET used_at = $4
WHERE link_id = $1 AND caller = $2 AND session = $3 AND used_at IS NULL AND expires_at > $4
RETURNING entitlement_id
"""


async def add_link(uow: UnitOfWork, link: Link, *, entitlement_id: UUID, binding: Binding, now: datetime) -> None:
    await uow.raw.execute(_ADD, link.link_id, entitlement_id, binding.caller, binding.session, now, link.expires_at)


async def use_link(uow: UnitOfWork, link_id: UUID, *, binding: Binding, now: datetime) -> UUID | None:
    """The entitlement, for the one who is first and asked for the link; it is used up by this. None: for nobody else."""
    entitlement_id: UUID | None = await uow.raw.fetchval(_USE, link_id, binding.caller, binding.session, now)
    return entitlement_id
