"""Operators' roles, and the scopes that each brings. The services name the scope they ask for; `admin` covers all."""

from collections.abc import Iterable
from enum import StrEnum


class UnknownRoleError(Exception):
    """There is no role of that name."""


class OperatorRole(StrEnum):
    """What somebody does in the company."""

    ADMIN = "admin"
    CATALOGUE = "catalogue"
    SUPPORT = "support"
    FINANCE = "finance"
    RISK = "risk"


SCOPES: dict[OperatorRole, frozenset[str]] = {
    OperatorRole.ADMIN: frozenset({"admin"}),
    OperatorRole.CATALOGUE: frozenset({"catalogue", "inventory", "tiers"}),
    OperatorRole.SUPPORT: frozenset({"support", "orders", "inventory", "members", "points"}),
    OperatorRole.FINANCE: frozenset({"finance", "orders", "points"}),
    OperatorRole.RISK: frozenset({"risk"}),
}
"""The role's own name opens its paths at the gateway; the others are what the services behind those paths ask for."""


def roles_named(names: Iterable[str]) -> frozenset[OperatorRole]:
    """:raises UnknownRoleError: one of the names is no role."""
    try:
        return frozenset(OperatorRole(name) for name in names)
    except ValueError as error:
        raise UnknownRoleError(str(error)) from None


def scopes_of(roles: Iterable[OperatorRole]) -> frozenset[str]:
    """Everything that these roles together allow."""
    return frozenset().union(*(SCOPES[role] for role in roles))
