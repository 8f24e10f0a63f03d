"""The last wall: whatever reaches a log line or a span, no code, password, token or personal address leaves with it.

Nobody may rely on it. Values that must not be shown are `Secret` or never passed in the first place.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from shared.crypto import MASK, Secret

_SENSITIVE_PARTS = frozenset({
    "apikey", "authorization", "buyer", "cookie", "cookies", "credential", "credentials", "cvv", "dek", "email", "emails",
    "idcard", "kek", "mobile", "otp", "passwd", "password", "passwords", "phone", "phones", "pin", "plaintext", "private",
    "secret", "secrets", "signature", "token", "tokens", "totp",
})  # fmt: skip
_HARMLESS = frozenset({"status_code", "problem_code", "exit_code", "buyer_id", "token_kind"})
_CODE_PARTS = frozenset({"code", "codes"})

_MAX_DEPTH = 6
"""Deeper nesting is cut: log fields are flat, and a bound keeps a cyclic value from looping."""

_MAX_TEXT = 4_000
"""Longer texts are cut: a log line is read by people."""

_IN_TEXT = re.compile(
    r"(?P<bearer>\bBearer\s+)\S+"
    r"|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"  # a JSON Web Token
    r"|\bg1\.[\w-]{8,}\.[\w-]+"  # a guest's token
    r"|\bK[QL]1\.[\w-]{8,}"  # what a QR code says, or a link's token
    r"|(?P<user>://[^/\s:@]+:)[^@\s/]+(?=@)",  # the password in an address
)
_ECHOED = re.compile(
    r"(?<=input_value=).*?(?=, input_type=)"  # pydantic repeats what was wrong
    r"|(?<=query argument \$\d: ).*(?= \()|(?<=query argument \$\d\d: ).*(?= \()"  # so does asyncpg
    r'|(?<=: )".*"$',  # and PostgreSQL: invalid input syntax for type uuid: "..."
    re.DOTALL,
)
_WORDS = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")


@lru_cache(maxsize=4_096)
def is_sensitive(key: str) -> bool:
    """Whether values under this name are masked, by the words it is made of: `refreshToken`, `contact_email`, `code`."""
    words = [word.lower() for word in _WORDS.findall(key)]
    if "_".join(words) in _HARMLESS:
        return False
    return any(word in _SENSITIVE_PARTS for word in words) or bool(words and words[-1] in _CODE_PARTS)


def redact(key: str, value: Any) -> Any:
    """The value as it may be shown under this name."""
    if value is None or isinstance(value, bool):
        return value
    if is_sensitive(key):
        return MASK
    return redact_value(value)


def redact_value(value: Any, *, depth: int = 0) -> Any:
    """The value without what must not be shown, whatever it is nested in."""
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, int | float) or value is None:
        return value
    if isinstance(value, Secret) or depth >= _MAX_DEPTH:
        return MASK
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    return _redact_inside(value, depth=depth + 1)


def redact_text(text: str) -> str:
    """The text with tokens and passwords inside it masked, cut to a readable length."""
    if len(text) > _MAX_TEXT:
        text = text[:_MAX_TEXT] + "…"
    return _IN_TEXT.sub(_mask, text)


def describe_error(error: BaseException) -> str:
    """An exception's message as it may be logged: without the values that libraries repeat in theirs."""
    text = str(error)
    for marker in ("\nDETAIL:", "\n[SQL:", "\n[parameters:"):
        text = text.partition(marker)[0]
    return redact_text(_ECHOED.sub(MASK, text))


def _redact_inside(value: Any, *, depth: int) -> Any:
    if isinstance(value, Mapping):
        return {
            str(key): MASK if is_sensitive(str(key)) else redact_value(inner, depth=depth)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redact_value(inner, depth=depth) for inner in value]
    return redact_text(str(value))


def _mask(match: re.Match[str]) -> str:
    return (match["bearer"] or match["user"] or "") + MASK
