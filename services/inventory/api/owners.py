"""Whose things a caller may use."""

from services.inventory.domain.owners import Owner
from shared.http import Identity


def owner_of(caller: Identity) -> Owner:
    """A member owns by account, a guest by the order whose token was shown."""
    return Owner(member_id=caller.member_id, order_id=None if caller.member_id else caller.order_id)
