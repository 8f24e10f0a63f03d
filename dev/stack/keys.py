"""The secret keys of one stack: made once, kept in files that only their owner reads."""

import base64
import json
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

import pyotp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

KEY_BYTES = 32
OPERATOR_LOGINS = ("operator-one", "operator-two")  # two people, for what four eyes must see
OPERATOR_ROLES = ("admin",)

SYMMETRIC_KEYS = (
    "internal",
    "guest-token",
    "blind-index",
    "payment-sandbox",
    "supplier-sandbox",
    "smtp",
    "sms",
    "wechat",
)


def make_missing(directory: Path) -> None:
    """Make every key file that is not there; one that is there is never touched."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    directory.chmod(0o700)
    makers: Mapping[str, Callable[[], str]] = {
        **dict.fromkeys((f"{name}.key" for name in SYMMETRIC_KEYS), lambda: secrets.token_hex(KEY_BYTES)),
        "access-token.pem": _private_key,
        "kek.json": _key_encryption_keys,
        "operator-seed.json": _operators,
    }
    for name, make in makers.items():
        if not (directory / name).exists():
            _write_private(directory / name, make())
    if not (directory / "access-token.pub.pem").exists():
        _write_private(directory / "access-token.pub.pem", _public_key((directory / "access-token.pem").read_bytes()))


def read_operators(directory: Path) -> list[dict[str, object]]:
    operators: list[dict[str, object]] = json.loads((directory / "operator-seed.json").read_text())
    return operators


def read_supplier_secret(directory: Path) -> str:
    """What the sandbox supplier and its merchants sign by."""
    return (directory / "supplier-sandbox.key").read_text().strip()


def _private_key() -> str:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _public_key(private_pem: bytes) -> str:
    key = load_pem_private_key(private_pem, password=None)
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _key_encryption_keys() -> str:
    key = base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
    return json.dumps({"latest": 1, "keys": {"1": key}})


def _operators() -> str:
    return json.dumps(
        [
            {
                "login": login,
                "password": secrets.token_urlsafe(12),
                "totp_secret": pyotp.random_base32(),
                "roles": list(OPERATOR_ROLES),
            }
            for login in OPERATOR_LOGINS
        ],
        indent=2,
    )


def _write_private(file: Path, content: str) -> None:
    """Written beside and moved into place, so that a half-written key is never read."""
    partial = file.with_name(f".{file.name}.partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as output:
        output.write(content)
    partial.rename(file)
