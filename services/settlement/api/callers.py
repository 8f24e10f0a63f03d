"""Who may come in."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends

from shared.http import Identity, PartnerCaller, Role, require

FinanceOperator = Annotated[Identity, Depends(require(Role.OPERATOR, scope="finance"))]


def _own_partner_id(caller: PartnerCaller) -> UUID:
    assert caller.partner_id is not None  # noqa: S101  # a partner has one
    return caller.partner_id


OwnPartnerId = Annotated[UUID, Depends(_own_partner_id)]
"""The partner who asks, by its signed request."""
