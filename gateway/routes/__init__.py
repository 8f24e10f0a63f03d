"""The routes table and how it is searched."""

from gateway.routes.matching import SAFE_METHODS, MethodNotAllowedError, Route, RouteTable, UnknownPathError
from gateway.routes.table import GATEWAY, ROUTES

__all__ = ["GATEWAY", "ROUTES", "SAFE_METHODS", "MethodNotAllowedError", "Route", "RouteTable", "UnknownPathError"]
