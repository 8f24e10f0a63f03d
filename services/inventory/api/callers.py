"""Which operators may do what."""

from typing import Annotated

from fastapi import Depends

from shared.http import Identity, Role, require

InventoryOperator = Annotated[Identity, Depends(require(Role.OPERATOR, scope="inventory"))]
"""An operator with the role `inventory`: products, cards, suppliers."""
