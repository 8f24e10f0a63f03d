"""Lock-out, refresh and passwords: the rules alone."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.auth.audience import Scope
from services.membership.domain.roles import OperatorRole, UnknownRoleError, roles_named, scopes_of
from services.membership.domain.signin import (
    LockPolicy,
    PasswordRefusedError,
    RefreshToken,
    RefreshVerdict,
    Session,
    SessionPolicy,
    SubjectKind,
    check_password,
    judge_refresh,
    successor_of,
)
from shared.clock import new_id

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
LOCK = LockPolicy(free_attempts=5, first_wait=timedelta(seconds=30), longest_wait=timedelta(minutes=15))
POLICY = SessionPolicy(idle=timedelta(days=30), longest=timedelta(days=90), grace=timedelta(seconds=10))


def test_waiting_begins_with_the_fifth_failure_and_doubles_to_a_bound() -> None:
    waits = [LOCK.wait_after(failures).total_seconds() for failures in range(1, 13)]
    assert waits == [0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900, 900]


@given(st.integers(1, 10**9))
def test_no_wait_exceeds_the_bound(failures: int) -> None:
    assert timedelta() <= LOCK.wait_after(failures) <= LOCK.longest_wait


def a_session(*, expires_in: float = 3_600, ended: bool = False) -> Session:
    return Session(new_id(), SubjectKind.BUYER, new_id(), NOW + timedelta(seconds=expires_in), NOW if ended else None)


def a_token(*, used_ago: float | None = None, salt: bool = True, expires_in: float = 3_600) -> RefreshToken:
    used_at = None if used_ago is None else NOW - timedelta(seconds=used_ago)
    return RefreshToken(b"d", None, NOW + timedelta(seconds=expires_in), used_at, b"s" if used_at and salt else None)


@pytest.mark.parametrize(
    ("session", "token", "verdict"),
    [
        (a_session(), a_token(), RefreshVerdict.ROTATE),
        (a_session(), a_token(expires_in=0), RefreshVerdict.EXPIRED),
        (a_session(expires_in=0), a_token(), RefreshVerdict.EXPIRED),
        (a_session(ended=True), a_token(), RefreshVerdict.EXPIRED),
        (a_session(ended=True), a_token(used_ago=99), RefreshVerdict.EXPIRED),
        (a_session(), a_token(used_ago=10), RefreshVerdict.REPEAT),
        (a_session(), a_token(used_ago=10.001), RefreshVerdict.REUSED),
        (a_session(), a_token(used_ago=1, salt=False), RefreshVerdict.REUSED),
        (a_session(), a_token(used_ago=99, expires_in=0), RefreshVerdict.REUSED),
    ],
)
def test_what_becomes_of_a_refresh(session: Session, token: RefreshToken, verdict: RefreshVerdict) -> None:
    assert judge_refresh(session, token, now=NOW, policy=POLICY) is verdict


def test_a_successor_needs_both_the_token_and_the_salt() -> None:
    assert successor_of("token", b"salt") == successor_of("token", b"salt")
    assert successor_of("token", b"salt") != successor_of("token", b"other")
    assert successor_of("token", b"salt") != successor_of("other", b"salt")


@pytest.mark.parametrize("password", ["short", "x" * 129, "aaaaaaaa", "abababab", "lilei@example.com", "13800138000"])
def test_weak_passwords_are_refused(password: str) -> None:
    with pytest.raises(PasswordRefusedError):
        check_password(password, contacts=("+8613800138000", "lilei@example.com"))


@pytest.mark.parametrize("password", ["correct horse", "密码不是这个,对吧?", "p4ssw0rd"])
def test_other_passwords_are_taken_whatever_their_signs(password: str) -> None:
    check_password(password, contacts=("+8613800138000",))


def test_roles_bring_scopes_and_unknown_roles_are_refused() -> None:
    roles = roles_named(["support", "finance"])
    assert scopes_of(roles) == {"support", "finance", "orders", "inventory", "members", "points"}
    assert scopes_of(list(OperatorRole)) >= {"admin"}
    assert scopes_of([]) == frozenset()
    with pytest.raises(UnknownRoleError):
        roles_named(["support", "root"])


def test_every_role_opens_its_own_paths_at_the_gateway() -> None:
    assert {role.value for role in OperatorRole} == {scope.value for scope in Scope}
    for role in OperatorRole:
        assert role.value in scopes_of([role])
