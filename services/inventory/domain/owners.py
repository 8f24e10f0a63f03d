"""Whose something is."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Owner:
    """Somebody who asks for what is theirs: a member by account, a guest by the order whose token was shown."""

    member_id: UUID | None = None
    order_id: UUID | None = None

    def owns(self, *, member_id: UUID | None, order_id: UUID, given: bool) -> bool:
        """Whether what belongs to this member, or came to a guest with this order, is theirs. What was `given` to somebody
        since is that member's alone: an order's token does not lead to it any more.
        """
        if self.member_id is not None:
            return self.member_id == member_id
        return not given and self.order_id is not None and self.order_id == order_id
