"""Ways of speaking to suppliers. One more is a module that writes requests and reads answers, and a line here."""

from collections.abc import Mapping

from services.inventory.clients.wires.fulu import FuluSpeaker
from services.inventory.clients.wires.kaquan import KaquanListing, KaquanSpeaker
from services.inventory.clients.wires.listing import FuluListing, ListingWire, OurListing
from services.inventory.clients.wires.port import NotUnderstoodError, Wire, WireRequest, WireResponse
from services.inventory.clients.wires.template import OURS, TemplateSpeaker
from services.inventory.schemas.wires import FuluWire, KaquanWire, read_wire

__all__ = ["ListingWire", "NotUnderstoodError", "Wire", "WireRequest", "WireResponse", "listing_of", "wire_of"]


def wire_of(stored: Mapping[str, object] | None) -> Wire:
    """How to speak to a supplier whose description was saved like this; None: as we would.

    :raises pydantic.ValidationError: the description is none of this release.
    """
    if stored is None:
        return TemplateSpeaker(OURS)
    wire = read_wire(stored)
    if isinstance(wire, KaquanWire):
        return KaquanSpeaker()
    return FuluSpeaker(wire) if isinstance(wire, FuluWire) else TemplateSpeaker(wire)


def listing_of(stored: Mapping[str, object] | None) -> ListingWire | None:
    """How to read what the supplier lists; None: a template does not say, and the supplier may push."""
    if stored is None:
        return OurListing()
    wire = read_wire(stored)
    if isinstance(wire, KaquanWire):
        return KaquanListing()
    return FuluListing(wire.path) if isinstance(wire, FuluWire) else None
