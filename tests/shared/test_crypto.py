import base64
import copy
import json
import pickle
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, ValidationError

from shared.crypto import (
    BlindIndex,
    Keyring,
    SealBrokenError,
    Sealer,
    Secret,
    UnknownKeyVersionError,
    WrappedKey,
    blind_index,
    new_dek,
    normalise_code,
    open_sealed,
    seal,
)

AAD = b"v1|sku|batch|card-1"
CODE = "CANARY-7F3K-91XZ"


def test_what_was_sealed_opens_under_the_same_key_and_row() -> None:
    dek = new_dek()
    sealed = seal(dek, CODE.encode(), aad=AAD)
    assert CODE.encode() not in sealed
    assert open_sealed(dek, sealed, aad=AAD) == CODE.encode()


def test_one_sealer_seals_many_and_never_alike() -> None:
    dek = new_dek()
    sealer = Sealer(dek)
    sealed = [sealer.seal(CODE.encode(), aad=AAD) for _ in range(100)]
    assert len({entry[:12] for entry in sealed}) == 100
    assert {open_sealed(dek, entry, aad=AAD) for entry in sealed} == {CODE.encode()}
    with pytest.raises(ValueError, match="mandatory"):
        sealer.seal(CODE.encode(), aad=b"")


def test_a_ciphertext_moved_to_another_row_does_not_open() -> None:
    dek = new_dek()
    sealed = seal(dek, CODE.encode(), aad=AAD)
    with pytest.raises(SealBrokenError):
        open_sealed(dek, sealed, aad=b"v1|sku|batch|card-2")


def test_another_key_does_not_open_it() -> None:
    sealed = seal(new_dek(), CODE.encode(), aad=AAD)
    with pytest.raises(SealBrokenError):
        open_sealed(new_dek(), sealed, aad=AAD)


@given(data=st.data())
def test_one_changed_byte_breaks_the_seal(data: st.DataObject) -> None:
    dek = new_dek()
    sealed = bytearray(seal(dek, CODE.encode(), aad=AAD))
    position = data.draw(st.integers(0, len(sealed) - 1))
    sealed[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SealBrokenError):
        open_sealed(dek, bytes(sealed), aad=AAD)


@pytest.mark.parametrize("length", [0, 11, 27])
def test_too_short_a_ciphertext_is_refused(length: int) -> None:
    with pytest.raises(SealBrokenError):
        open_sealed(new_dek(), bytes(length), aad=AAD)


def test_associated_data_is_mandatory() -> None:
    with pytest.raises(ValueError, match="mandatory"):
        seal(new_dek(), b"x", aad=b"")
    with pytest.raises(ValueError, match="mandatory"):
        open_sealed(new_dek(), bytes(40), aad=b"")


def test_the_same_text_is_sealed_differently_each_time() -> None:
    dek = new_dek()
    assert len({seal(dek, b"x", aad=AAD) for _ in range(100)}) == 100


def make_keyring(*versions: int, latest: int) -> Keyring:
    return Keyring(latest=latest, keys={version: bytes([version]) * 32 for version in versions})


def test_keys_are_wrapped_by_the_latest_and_older_ones_still_unwrap() -> None:
    dek = new_dek()
    old = make_keyring(1, latest=1).wrap(dek)
    ring = make_keyring(1, 2, latest=2)
    assert old.kek_version == 1
    assert ring.unwrap(old) == dek
    moved = ring.rewrap(old)
    assert moved.kek_version == 2
    assert make_keyring(2, latest=2).unwrap(moved) == dek


def test_a_version_that_was_dropped_does_not_unwrap() -> None:
    old = make_keyring(1, latest=1).wrap(new_dek())
    with pytest.raises(UnknownKeyVersionError):
        make_keyring(2, latest=2).unwrap(old)


def test_a_wrapped_key_under_a_false_version_does_not_unwrap() -> None:
    wrapped = make_keyring(1, latest=1).wrap(new_dek())
    ring = Keyring(latest=2, keys={1: b"\x01" * 32, 2: b"\x01" * 32})
    with pytest.raises(SealBrokenError):
        ring.unwrap(WrappedKey(2, wrapped.wrapped))


def test_unwrapped_keys_are_held_in_a_bounded_number() -> None:
    ring = Keyring(latest=1, keys={1: b"\x01" * 32}, cached_keys=3)
    wrapped = [ring.wrap(new_dek()) for _ in range(10)]
    keys = [ring.unwrap(each) for each in wrapped]
    assert [ring.unwrap(each) for each in wrapped] == keys
    assert len(ring._cache) == 3


def test_a_keyring_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "kek.json"
    path.write_text(
        json.dumps(
            {
                "latest": 2,
                "keys": {"1": base64.b64encode(b"1" * 32).decode(), "2": base64.b64encode(b"2" * 32).decode()},
            }
        )
    )
    ring = Keyring.from_file(path)
    assert ring.latest == 2
    assert "2" * 8 not in repr(ring)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"latest": 1, "keys": {"1": "???"}}', '{"latest": 1, "keys": []}'])
def test_a_broken_keyring_is_refused_without_being_shown(tmp_path: Path, text: str) -> None:
    path = tmp_path / "kek.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"kek\.json is not a keyring"):
        Keyring.from_file(path)


def test_short_key_encryption_keys_are_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Keyring(latest=1, keys={1: b"short"})


@pytest.mark.parametrize("text", ["abcd-1234", "ABCD 1234", "ａｂｃｄ－１２３４", "abcd_1234\n", "AbCd–12 34"])
def test_all_ways_of_writing_a_code_are_one(text: str) -> None:
    assert normalise_code(text) == "ABCD1234"


@pytest.mark.parametrize("text", ["", " ", "--"])
def test_an_empty_code_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="empty"):
        normalise_code(text)


def test_the_blind_index_is_equal_for_equal_codes_only() -> None:
    key = b"k" * 32
    assert blind_index(key, "ABCD") == blind_index(key, "ABCD")
    assert blind_index(key, "ABCD") != blind_index(key, "ABCE")
    assert blind_index(key, "ABCD") != blind_index(b"l" * 32, "ABCD")
    assert len(blind_index(key, "ABCD")) == 32


@given(st.binary(min_size=1, max_size=100), st.text(max_size=40))
def test_a_blind_index_prepared_for_many_answers_the_same(key: bytes, code: str) -> None:
    prepared = BlindIndex(key)
    assert [prepared.of(code), prepared.of(code + "X"), prepared.of(code)] == [
        blind_index(key, code),
        blind_index(key, code + "X"),
        blind_index(key, code),
    ]


@dataclass
class Holder:
    code: Secret


class Model(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)
    code: Secret


def test_no_way_of_printing_shows_a_secret() -> None:
    secret = Secret(CODE)
    shown = [
        str(secret), repr(secret), f"{secret}", f"{secret!r:>40}", "%s" % secret, f"{[secret]} {({'a': secret})}",  # noqa: UP031
        repr(Holder(secret)), str(asdict(Holder(secret))), repr(copy.deepcopy(secret)), repr(Model(code=secret)),
        orjson.dumps({"code": secret}, default=str).decode(), json.dumps({"code": secret}, default=str),
        str(dir(secret)),
    ]  # fmt: skip
    assert not any(CODE in text for text in shown)
    assert secret.reveal() == CODE


def test_a_secret_is_neither_pickled_nor_serialised() -> None:
    secret = Secret(CODE)
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        json.dumps({"code": secret})
    with pytest.raises(TypeError):
        orjson.dumps({"code": secret})
    with pytest.raises(Exception, match="Unable to serialize"):
        Model(code=secret).model_dump_json()


def test_a_refused_model_does_not_show_a_secret() -> None:
    class Strict(BaseModel):
        code: int

    with pytest.raises(ValidationError) as refusal:
        Strict.model_validate({"code": Secret(CODE)})
    assert CODE not in str(refusal.value)


def test_secrets_compare_by_value_and_are_no_keys() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    with pytest.raises(TypeError):
        hash(Secret("a"))
