"""A batch on its way to a new data key."""

from dataclasses import dataclass
from uuid import UUID

from services.inventory.domain.batches import BatchBusyError


class RotationUnderWayError(BatchBusyError):
    """The batch is moving to a new key already."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """A rotation as stored. Cards with ids up to `after_card_id` are under the new key."""

    rotation_id: UUID
    batch_id: UUID
    old_key_id: UUID
    new_key_id: UUID
    after_card_id: UUID
    resealed: int
