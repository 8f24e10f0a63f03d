"""Whose address counts."""

import pytest

from gateway.auth import ClientAddresses

PROXIES = ClientAddresses(["127.0.0.1", "::1", "10.0.0.0/8"])


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "found"),
    [
        ("203.0.113.7", None, "203.0.113.7"),
        ("203.0.113.7", b"198.51.100.1", "203.0.113.7"),  # a stranger may claim what it likes
        ("127.0.0.1", None, "127.0.0.1"),
        ("127.0.0.1", b"198.51.100.1", "198.51.100.1"),
        ("::1", b"2001:db8::1", "2001:db8::1"),
        ("127.0.0.1", b"192.0.2.66, 198.51.100.1", "198.51.100.1"),  # the left one was sent by the client
        ("127.0.0.1", b"198.51.100.1, 10.1.2.3, 10.9.9.9", "198.51.100.1"),
        ("127.0.0.1", b"10.1.2.3, 10.9.9.9", "10.1.2.3"),
        ("127.0.0.1", b"198.51.100.1, nonsense", "127.0.0.1"),
        ("127.0.0.1", b"nonsense, 198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", b"", "127.0.0.1"),
        ("testclient", b"198.51.100.1", "testclient"),
    ],
)
def test_only_named_proxies_are_believed(peer: str, forwarded_for: bytes | None, found: str) -> None:
    assert PROXIES.find(peer, forwarded_for) == found
    assert PROXIES.find(peer, forwarded_for) == found, "also from the cache"


def test_a_long_chain_is_not_followed_to_its_end() -> None:
    chain = b"198.51.100.1, " + b", ".join([b"10.0.0.1"] * 100)
    assert PROXIES.find("127.0.0.1", chain) == "10.0.0.1"
