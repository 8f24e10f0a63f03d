"""Find the route of a path: a tree of its segments, so that the price does not grow with the table."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.auth import Audience, Scope
from gateway.limits import READ, WRITE, RateClass

JSON_LIMIT_BYTES = 64 * 1024
DEFAULT_TIMEOUT_S = 10.0

MAX_SEGMENTS = 12
"""Deeper paths are nobody's."""

SAFE_METHODS = frozenset({"GET", "HEAD"})
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})


class ByMethod:
    """The rate class of a route that names none: reading is cheaper than writing."""


BY_METHOD = ByMethod()


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the table. `methods` is a list with blanks between, empty for all of them.

    `stream`: the answer lasts. `waits`: it may be held back on purpose. Neither takes a connection from ordinary requests.
    `gives_token`: to a page, the answer's token goes as a cookie.
    """

    pattern: str
    service: str
    audience: Audience
    methods: str = ""
    scopes: frozenset[Scope] = frozenset()
    rate: RateClass | ByMethod | None = BY_METHOD
    body_limit_bytes: int = JSON_LIMIT_BYTES
    timeout_s: float = DEFAULT_TIMEOUT_S
    stream: bool = False
    waits: bool = False
    gives_token: bool = False

    @property
    def method_set(self) -> frozenset[str]:
        return frozenset(self.methods.split()) or _METHODS

    def rate_for(self, method: str) -> RateClass | None:
        """The class a request is counted in; `None` is not counted."""
        if isinstance(self.rate, ByMethod):
            return READ if method in SAFE_METHODS else WRITE
        return self.rate


class UnknownPathError(Exception):
    """Nothing is there."""


class MethodNotAllowedError(Exception):
    """Something is there, but not for this method."""

    def __init__(self, allowed: Iterable[str]) -> None:
        super().__init__("the address does not take this method")
        self.allowed = ", ".join(sorted(allowed))


@dataclass(slots=True)
class _Node:
    named: "dict[str, _Node]" = field(default_factory=dict)
    any: "_Node | None" = None
    here: dict[str, Route] = field(default_factory=dict)
    below: dict[str, Route] = field(default_factory=dict)


class RouteTable:
    """The routes, ready to be asked."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        self._root = _Node()
        for route in self.routes:
            self._add(route)

    def find(self, method: str, path: str) -> Route:
        """The most exact route for the path: names before parameters, parameters before `/**`.

        :raises UnknownPathError: no pattern matches.
        :raises MethodNotAllowedError: some pattern matches, none for this method.
        """
        segments = path.split("/")
        if segments[0] or len(segments) > MAX_SEGMENTS or ".." in segments or "" in segments[1:]:
            raise UnknownPathError
        allowed: set[str] = set()
        route = _find(self._root, segments, 1, method, allowed)
        if route is not None:
            return route
        if allowed:
            raise MethodNotAllowedError(allowed)
        raise UnknownPathError

    def _add(self, route: Route) -> None:
        node = self._root
        segments = route.pattern.split("/")[1:]
        rest = segments[-1] == "**"
        for segment in segments[:-1] if rest else segments:
            if segment.startswith("{"):
                node.any = node.any or _Node()
                node = node.any
            else:
                node = node.named.setdefault(segment, _Node())
        place = node.below if rest else node.here
        for method in route.method_set:
            if method in place:
                raise ValueError(f"two routes for {method} {route.pattern}")
            place[method] = route


def _find(node: _Node, segments: list[str], position: int, method: str, allowed: set[str]) -> Route | None:
    if position == len(segments):
        route = node.here.get(method) or node.below.get(method)
        if route is None:
            allowed.update(node.here, node.below)
        return route
    named = node.named.get(segments[position])
    route = _find(named, segments, position + 1, method, allowed) if named is not None else None
    if route is None and node.any is not None:
        route = _find(node.any, segments, position + 1, method, allowed)
    if route is None:
        route = node.below.get(method)
        if route is None:
            allowed.update(node.below)
    return route
