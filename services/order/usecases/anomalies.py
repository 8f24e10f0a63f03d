"""What providers said that could not be true, kept for operators."""

from datetime import datetime

from services.order.repository import anomalies
from shared.database import UnitOfWork
from shared.observability import Counter, get_logger

EXCERPT_CHARS_MAX = 500
PAYMENT_NO_CHARS_MAX = 64

log = get_logger(__name__)

_ANOMALIES = Counter("payment_anomalies_total", "Notifies that were not taken", ["code"])


async def record_anomaly(
    uow: UnitOfWork, *, provider: str, code: str, payment_no: str, message: bytes, now: datetime
) -> None:
    """Note a notify that was refused. Equal ones of an hour share a row, so that a flood of them stays small."""
    _ANOMALIES.labels(code).inc()
    log.warning("payment.notify_refused", provider=provider, code=code, payment_no=payment_no[:PAYMENT_NO_CHARS_MAX])
    await anomalies.note(
        uow,
        provider=provider,
        code=code,
        payment_no=payment_no[:PAYMENT_NO_CHARS_MAX],
        excerpt=message[:EXCERPT_CHARS_MAX].decode(errors="replace").replace("\x00", "�"),
        now=now,
    )
