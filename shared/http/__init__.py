"""The HTTP side of a service: application, problems, identity, idempotency, unit of work, calls to neighbours.

Names are loaded when they are first asked for: the gateway uses parts of this package and has no database.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.http.app import create_app
    from shared.http.background import Background, every, wait_for
    from shared.http.bounded import BoundedMap
    from shared.http.callers import (
        BuyerCaller,
        BuyerOrGuestCaller,
        Caller,
        ChannelCaller,
        OperatorCaller,
        PartnerCaller,
        ServiceCaller,
        current_caller,
        require,
    )
    from shared.http.client import ServiceClient, ServiceRefusedError, ServiceUnavailableError
    from shared.http.guest_tokens import sign_guest_token
    from shared.http.idempotency import (
        IdempotencyKey,
        Idempotent,
        IdempotentCall,
        Stored,
        idempotency_table,
        keep,
        once,
        prune_idempotency,
        request_hash,
    )
    from shared.http.identity import IDENTITY_HEADER, Identity, IdentityError, IdentitySigner, Role
    from shared.http.pages import DEFAULT_PAGE, MAX_PAGE, Cursor, Page, PageSize, decode_cursor, encode_cursor
    from shared.http.problems import Problem, ProblemSpec
    from shared.http.server import serve
    from shared.http.work import Reading, Work, open_reading, open_unit_of_work

_HOMES = {
    "app": ("create_app",),
    "background": ("Background", "every", "wait_for"),
    "bounded": ("BoundedMap",),
    "callers": (
        "BuyerCaller", "BuyerOrGuestCaller", "Caller", "ChannelCaller", "OperatorCaller", "PartnerCaller", "ServiceCaller",
        "current_caller", "require",
    ),
    "client": ("ServiceClient", "ServiceRefusedError", "ServiceUnavailableError"),
    "guest_tokens": ("sign_guest_token",),
    "idempotency": (
        "Idempotent", "IdempotentCall", "IdempotencyKey", "Stored", "idempotency_table", "keep", "once",
        "prune_idempotency", "request_hash",
    ),
    "identity": ("IDENTITY_HEADER", "Identity", "IdentityError", "IdentitySigner", "Role"),
    "pages": ("DEFAULT_PAGE", "MAX_PAGE", "Cursor", "Page", "PageSize", "decode_cursor", "encode_cursor"),
    "problems": ("Problem", "ProblemSpec"),
    "server": ("serve",),
    "work": ("Reading", "Work", "open_reading", "open_unit_of_work"),
}  # fmt: skip
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "DEFAULT_PAGE",
    "IDENTITY_HEADER",
    "MAX_PAGE",
    "Background",
    "BoundedMap",
    "BuyerCaller",
    "BuyerOrGuestCaller",
    "Caller",
    "ChannelCaller",
    "Cursor",
    "IdempotencyKey",
    "Idempotent",
    "IdempotentCall",
    "Identity",
    "IdentityError",
    "IdentitySigner",
    "OperatorCaller",
    "Page",
    "PageSize",
    "PartnerCaller",
    "Problem",
    "ProblemSpec",
    "Reading",
    "Role",
    "ServiceCaller",
    "ServiceClient",
    "ServiceRefusedError",
    "ServiceUnavailableError",
    "Stored",
    "Work",
    "create_app",
    "current_caller",
    "decode_cursor",
    "encode_cursor",
    "every",
    "idempotency_table",
    "keep",
    "once",
    "open_reading",
    "open_unit_of_work",
    "prune_idempotency",
    "request_hash",
    "require",
    "serve",
    "sign_guest_token",
    "wait_for",
]


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
