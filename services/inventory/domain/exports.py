"""Unsold codes that leave the platform: asked for by one operator, approved by another, watermarked."""

import csv
import io
import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.inventory.domain.cards import CardSecret, is_link

EXPORT_CARDS_MAX = 100_000
"""Cards of one export: they are opened in one transaction and in memory."""

CANARIES = 5
"""Codes in each export that were never sold and that nobody can have but from this file."""

COLUMNS = ("code", "password", "serial", "expires_at", "uses")


class ExportState(StrEnum):
    """Where an export stands. Its file is kept for a day, sealed."""

    REQUESTED = "requested"
    READY = "ready"
    REFUSED = "refused"
    EXPIRED = "expired"


class ExportUnknownError(Exception):
    """There is no such export."""


class ExportStateError(Exception):
    """The export is not in a state in which that can be done."""


class ExportTooLargeError(Exception):
    """The batch has more unsold cards than one export takes."""


class FourEyesError(Exception):
    """The same operator may not ask and approve, and nobody downloads but who asked."""


@dataclass(frozen=True, slots=True)
class Export:
    """An export as stored, without its file."""

    export_id: UUID
    batch_id: UUID
    state: ExportState
    requested_by: str


def check_decision(export: Export, *, operator: str) -> None:
    """Whether this operator may approve or refuse the export.

    :raises FourEyesError: they asked for it.
    :raises ExportStateError: it was decided before.
    """
    if export.requested_by == operator:
        raise FourEyesError("another operator has to decide about this export")
    if export.state is not ExportState.REQUESTED:
        raise ExportStateError(f"the export is {export.state.value}")


def check_download(export: Export, *, operator: str) -> None:
    """Whether this operator may have the file.

    :raises FourEyesError: somebody else asked for it.
    :raises ExportStateError: there is no file, yet or any more.
    """
    if export.requested_by != operator:
        raise FourEyesError("the file is for the operator who asked for it")
    if export.state is not ExportState.READY:
        raise ExportStateError(f"the export is {export.state.value}")


def make_canaries(cards: Sequence[CardSecret]) -> list[CardSecret]:
    """Codes that look like these and are none of them. They may still be somebody's: that is to be looked up."""
    known = {card.code for card in cards}
    made = {}
    for _ in range(CANARIES * 4):
        model = secrets.choice(cards)
        canary = replace(
            model,
            code=_code_alike(model.code),
            password=_alike(model.password or "") or None,
            serial=_alike(model.serial or "") or None,
        )
        if canary.code not in known:
            made[canary.code] = canary
    return list(made.values())[:CANARIES]


def write_file(cards: Sequence[CardSecret]) -> bytes:
    """The cards as CSV in an order of its own, with the mark by which Excel knows UTF-8."""
    mixed = list(cards)
    secrets.SystemRandom().shuffle(mixed)
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    writer.writerows((card.code, card.password, card.serial, _moment(card.expires_at), card.uses) for card in mixed)
    return file.getvalue().encode("utf-8-sig")


def _code_alike(code: str) -> str:
    """A link keeps the host it leads to: who looks at it sees one like the others."""
    if not is_link(code):
        return _alike(code)
    host_end = code.find("/", code.index("://") + len("://"))
    return code if host_end < 0 else code[:host_end] + _alike(code[host_end:])


def _alike(text: str) -> str:
    """Another text of the same shape: digits for digits, letters for letters of the same case."""
    return "".join(_sign_like(sign) for sign in text)


def _sign_like(sign: str) -> str:
    for alphabet in (string.digits, string.ascii_uppercase, string.ascii_lowercase):
        if sign in alphabet:
            return secrets.choice(alphabet)
    return sign


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat()
