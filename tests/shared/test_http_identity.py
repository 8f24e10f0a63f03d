"""The signed header: what the gateway says about a caller, and nobody else can."""

import base64
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import orjson
import pytest

from shared.http import Identity, IdentityError, IdentitySigner, Role
from shared.http.guest_tokens import GuestTokenError, read_guest_token, sign_guest_token
from shared.http.identity import CACHED_IDENTITIES, TTL_S, IdentityExpiredError

KEY = b"k" * 32
BUYER = Identity(
    Role.BUYER,
    str(uuid4()),
    ip="203.0.113.7",
    device="phone-1",
    scopes=frozenset({"b", "a"}),
    order_id=uuid4(),
    session_id="s1",
)


class Hands:
    """A clock that is set by hand, in seconds."""

    def __init__(self) -> None:
        self.at = 1_800_000_000.0

    def __call__(self) -> float:
        return self.at


def test_what_was_signed_is_read_back_whole() -> None:
    signer = IdentitySigner(KEY, "gateway")
    assert signer.verify(signer.sign(BUYER)) == BUYER
    anonymous = Identity(Role.ANONYMOUS, "")
    assert signer.verify(signer.sign(anonymous)) == anonymous


def test_another_process_with_the_key_reads_it_and_one_without_does_not() -> None:
    header = IdentitySigner(KEY, "gateway").sign(BUYER)
    assert IdentitySigner(KEY, "order").verify(header) == BUYER
    with pytest.raises(IdentityError):
        IdentitySigner(b"l" * 32, "order").verify(header)


def test_any_change_is_noticed() -> None:
    signer = IdentitySigner(KEY, "gateway")
    header = signer.sign(BUYER)
    for position in range(len(header)):
        changed = header[:position] + ("A" if header[position] != "A" else "B") + header[position + 1 :]
        with pytest.raises(IdentityError):
            signer.verify(changed)


@pytest.mark.parametrize(
    "header", ["", ".", "a.b", "é.é", "a" * 5_000, f"{base64.urlsafe_b64encode(b'[]').decode()}.{'A' * 43}"]
)
def test_nonsense_is_refused(header: str) -> None:
    with pytest.raises(IdentityError):
        IdentitySigner(KEY, "gateway").verify(header)


def test_a_role_cannot_be_taken_by_editing_the_payload() -> None:
    signer = IdentitySigner(KEY, "gateway")
    body, _, mac = signer.sign(BUYER).partition(".")
    fields = orjson.loads(base64.urlsafe_b64decode(body))
    fields[1] = "operator"
    forged = base64.urlsafe_b64encode(orjson.dumps(fields)).decode() + "." + mac
    with pytest.raises(IdentityError):
        signer.verify(forged)


def test_it_lives_a_minute_also_from_the_cache() -> None:
    clock = Hands()
    signer = IdentitySigner(KEY, "gateway", now=clock)
    header = signer.sign(BUYER)
    clock.at += TTL_S - 1
    assert signer.verify(header) == BUYER
    clock.at += 2
    for _ in range(2):
        with pytest.raises(IdentityExpiredError):
            signer.verify(header)


def test_one_that_would_live_too_long_is_refused() -> None:
    ahead = Hands()
    ahead.at += 3_600
    header = IdentitySigner(KEY, "gateway", now=ahead).sign(BUYER)
    with pytest.raises(IdentityError, match="too long"):
        IdentitySigner(KEY, "order", now=Hands()).verify(header)


def test_the_cache_is_bounded() -> None:
    signer = IdentitySigner(KEY, "gateway")
    for number in range(2 * CACHED_IDENTITIES + 100):
        signer.verify(signer.sign(Identity(Role.ANONYMOUS, "", ip=str(number))))
    assert len(signer._verified) <= 2 * CACHED_IDENTITIES


def test_ids_are_given_by_role() -> None:
    assert str(BUYER.member_id) == BUYER.subject
    assert BUYER.partner_id is None
    assert replace(BUYER, role=Role.OPERATOR).operator_id is not None
    assert replace(BUYER, role=Role.PARTNER).partner_id is not None


def test_callers_are_told_apart() -> None:
    here = Identity(Role.ANONYMOUS, "", ip="203.0.113.7")
    assert here.caller != replace(here, ip="203.0.113.8").caller
    assert replace(here, device="d").caller == replace(here, device="d", ip="203.0.113.8").caller
    assert BUYER.caller == f"buyer:{BUYER.subject}"


def test_admin_covers_every_scope() -> None:
    operator = Identity(Role.OPERATOR, str(uuid4()), scopes=frozenset({"risk"}))
    assert operator.may("risk")
    assert not operator.may("finance")
    assert replace(operator, scopes=frozenset({"admin"})).may("finance")


def test_a_guests_token_names_one_order_and_its_time() -> None:
    order_id, until = uuid4(), datetime(2026, 8, 22, tzinfo=UTC)
    token = sign_guest_token(KEY, order_id=order_id, expires_at=until)
    assert read_guest_token(KEY, token) == (order_id, until.timestamp())
    with pytest.raises(GuestTokenError):
        read_guest_token(b"l" * 32, token)
    for position in range(len(token)):
        changed = token[:position] + ("A" if token[position] != "A" else "B") + token[position + 1 :]
        with pytest.raises(GuestTokenError):
            read_guest_token(KEY, changed)
