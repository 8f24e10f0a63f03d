"""How merchant and provider know each other: HMAC-SHA256 over the sorted parameters."""

import hmac
from collections.abc import Mapping


class SignatureError(Exception):
    """Not signed by the merchant."""


def sign(key: bytes, parameters: Mapping[str, object]) -> str:
    """The signature in hex over `name=value` pairs, sorted by name and joined by `&`."""
    text = "&".join(f"{name}={parameters[name]}" for name in sorted(parameters))
    return hmac.digest(key, text.encode(), "sha256").hex()


def check(key: bytes, parameters: Mapping[str, str]) -> dict[str, str]:
    """The parameters without their signature.

    :raises SignatureError: it is missing or wrong.
    """
    unsigned = {name: value for name, value in parameters.items() if name != "sign"}
    given = parameters.get("sign", "")
    if not given.isascii() or not hmac.compare_digest(sign(key, unsigned), given):
        raise SignatureError("the signature is not the merchant's")
    return unsigned
