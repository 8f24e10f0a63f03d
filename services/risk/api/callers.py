"""Who may look at risk and decide."""

from typing import Annotated

from fastapi import Depends

from shared.http import Identity, Role, require

RiskOperator = Annotated[Identity, Depends(require(Role.OPERATOR, scope="risk"))]
"""An operator with the role `risk`."""
