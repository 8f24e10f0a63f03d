"""`access.json`: how people and programs of this machine get into the running stack. Readable by its owner only."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import pyotp

Access: TypeAlias = dict[str, object]
Entries: TypeAlias = Sequence[Mapping[str, object]]


def read_access(file: Path) -> Access:
    known: Access = json.loads(file.read_text()) if file.exists() else {}
    return known


def write_access(file: Path, access: Access) -> None:
    """Moved into place whole, and private from its first byte on."""
    partial = file.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as output:
        json.dump(access, output, indent=2, ensure_ascii=False)
        output.write("\n")
    partial.rename(file)


def sign_in_lines(operators: Entries) -> list[str]:
    """What a person types to sign in as each operator, with a one-time code that is good for half a minute."""
    return [
        f"  {operator['login']}  password {operator['password']}  "
        f"one-time code {pyotp.TOTP(str(operator['totp_secret'])).now()}"
        for operator in operators
    ]
