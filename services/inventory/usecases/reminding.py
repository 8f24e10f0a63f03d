"""Say once of each entitlement that it ends soon; who sends messages hears it."""

from datetime import datetime

from services.inventory import events
from services.inventory.domain.reminders import REMIND_BEFORE
from services.inventory.repository import reminders
from shared.database import UnitOfWork
from shared.messaging import announce


async def announce_expiring(uow: UnitOfWork, *, now: datetime, limit: int) -> int:
    """Announce what ends within `REMIND_BEFORE`, what ends soonest first; answers how many."""
    expiring = await reminders.take_expiring(uow, now=now, until=now + REMIND_BEFORE, limit=limit)
    announce(uow, *(events.entitlement_expiring(entry) for entry in expiring), now=now)
    return len(expiring)
