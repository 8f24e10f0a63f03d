"""Who comes to an event, as a list for the door."""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from services.inventory.domain.entitlements import EntitlementState
from services.inventory.domain.redemption_files import plain
from services.inventory.domain.terms import ATTENDEE_NAME, ATTENDEE_PHONE

ATTENDEES_MAX = 20_000
"""Of one file, about 2 MB."""

_HEADERS: Final = ("entitlement_id", "座位", "姓名", "手机号", "已入场", "其他")


class AttendeesTooManyError(Exception):
    """More attendees than one file may hold."""


@dataclass(frozen=True, slots=True)
class Attendee:
    """Somebody with a seat. `told` is what the buyer told of who comes."""

    entitlement_id: UUID
    seat: str
    state: EntitlementState
    told: Mapping[str, str] = field(repr=False)


def attendee_file(attendees: Iterable[Attendee]) -> bytes:
    """The list as CSV for Excel."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(_HEADERS)
    writer.writerows(_line(attendee) for attendee in attendees)
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _line(attendee: Attendee) -> tuple[str, ...]:
    told = dict(attendee.told)
    name, phone = told.pop(ATTENDEE_NAME.name, ""), told.pop(ATTENDEE_PHONE.name, "")
    return (
        f"`{attendee.entitlement_id}",
        plain(attendee.seat),
        plain(name),
        plain(phone),
        "是" if attendee.state is EntitlementState.REDEEMED else "",
        plain("; ".join(f"{name}={value}" for name, value in sorted(told.items()))),
    )
