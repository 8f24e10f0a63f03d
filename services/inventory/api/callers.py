"""Which operators may do what."""

from typing import Annotated

from fastapi import Depends

from shared.http import Identity, Role, require

CatalogueOperator = Annotated[Identity, Depends(require(Role.OPERATOR, scope="catalogue"))]
"""An operator with the role `catalogue`: products, cards, suppliers."""

SupportOperator = Annotated[Identity, Depends(require(Role.OPERATOR, scope="support"))]
"""An operator with the role `support`, who looks up what buyers own."""
