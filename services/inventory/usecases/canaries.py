"""Notice when a code comes back that can only be from an exported file."""

from collections.abc import Sequence
from datetime import datetime

from services.inventory import events
from services.inventory.repository import exports
from shared.database import UnitOfWork
from shared.messaging import announce
from shared.observability import Counter, get_logger

log = get_logger(__name__)

_TOUCHED = Counter("canaries_touched_total", "Codes of exported files that came back", ["place"])


async def report_touched(uow: UnitOfWork, indexes: Sequence[bytes], *, place: str, subject: str, now: datetime) -> None:
    """Announce each export of which a canary is among these codes. Nobody who presented it is told."""
    for export_id, batch_id in await exports.find_canaries(uow, indexes):
        touched = events.canary_touched(
            export_id=export_id, batch_id=batch_id, place=place, subject=subject, touched_at=now
        )
        announce(uow, touched, now=now)
        log.warning("canary.touched", export_id=export_id, place=place, subject=subject)
        uow.after_commit(lambda: _TOUCHED.labels(place).inc())
