"""A stack's keys: complete, private, and never replaced."""

import json
import stat
from pathlib import Path

import pyotp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from dev.stack import access, keys


def test_every_key_is_there_and_private(keys_directory: Path) -> None:
    names = {file.name for file in keys_directory.iterdir()}
    assert names >= {f"{name}.key" for name in keys.SYMMETRIC_KEYS}
    assert names >= {"access-token.pem", "access-token.pub.pem", "kek.json", "operator-seed.json"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in keys_directory.iterdir()} == {0o600}
    assert stat.S_IMODE(keys_directory.stat().st_mode) == 0o700


def test_the_public_key_is_the_private_keys_other_half(keys_directory: Path) -> None:
    private = load_pem_private_key((keys_directory / "access-token.pem").read_bytes(), password=None)
    public = load_pem_public_key((keys_directory / "access-token.pub.pem").read_bytes())
    assert isinstance(private, Ed25519PrivateKey)
    assert isinstance(public, Ed25519PublicKey)
    public.verify(private.sign(b"words"), b"words")


def test_keys_that_exist_are_never_touched(tmp_path: Path) -> None:
    keys.make_missing(tmp_path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    keys.make_missing(tmp_path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_two_operators_can_sign_in(keys_directory: Path) -> None:
    operators = keys.read_operators(keys_directory)
    assert len({operator["login"] for operator in operators}) == 2
    lines = access.sign_in_lines(operators)
    for operator, line in zip(operators, lines, strict=True):
        assert str(operator["password"]) in line
        assert pyotp.TOTP(str(operator["totp_secret"])).verify(line.rsplit(maxsplit=1)[-1], valid_window=1)


def test_access_is_written_whole_and_private(tmp_path: Path) -> None:
    file = tmp_path / "access.json"
    file.write_text("{}")
    file.chmod(0o644)
    access.write_access(file, {"gateway": "http://127.0.0.1:1"})
    assert json.loads(file.read_text()) == {"gateway": "http://127.0.0.1:1"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
