"""FastAPI dependencies that say who may call. The edge has verified the identity already; these only look at it."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request

from shared.http.identity import Identity, Role
from shared.http.problems import Problem

IDENTITY_KEY = "kaquan.identity"
"""Where the edge leaves the verified identity in the ASGI scope."""


async def current_caller(request: Request) -> Identity:
    """Whoever calls, anonymous included."""
    return _identity(request)


def require(*roles: Role, scope: str | None = None) -> Callable[[Request], Awaitable[Identity]]:
    """A dependency that admits these roles only, and operators only with the scope, if one is named.

    It answers 401 to callers who are not signed in and 403 to everybody else.
    """
    admitted = frozenset(roles)

    async def check(request: Request) -> Identity:
        identity = _identity(request)
        if identity.role not in admitted:
            raise _refusal(identity)
        if scope is not None and identity.role is Role.OPERATOR and not identity.may(scope):
            raise Problem(403, "auth.forbidden", "Not allowed", f"needs the role {scope}")
        return identity

    return check


def _identity(request: Request) -> Identity:
    identity = request.scope.get(IDENTITY_KEY)
    if not isinstance(identity, Identity):
        raise Problem(401, "auth.invalid", "Not signed in")
    return identity


def _refusal(identity: Identity) -> Problem:
    if identity.role is Role.ANONYMOUS:
        return Problem(401, "auth.invalid", "Not signed in", headers={"WWW-Authenticate": "Bearer"})
    return Problem(403, "auth.forbidden", "Not allowed", f"not for the role {identity.role}")


Caller = Annotated[Identity, Depends(current_caller)]
BuyerCaller = Annotated[Identity, Depends(require(Role.BUYER))]
BuyerOrGuestCaller = Annotated[Identity, Depends(require(Role.BUYER, Role.GUEST))]
OperatorCaller = Annotated[Identity, Depends(require(Role.OPERATOR))]
PartnerCaller = Annotated[Identity, Depends(require(Role.PARTNER))]
ChannelCaller = Annotated[Identity, Depends(require(Role.CHANNEL))]
ServiceCaller = Annotated[Identity, Depends(require(Role.SERVICE, Role.OPERATOR))]
