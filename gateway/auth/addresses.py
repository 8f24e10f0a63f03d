"""From where a request comes. `X-Forwarded-For` is believed only from proxies that were named."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from shared.http.bounded import BoundedMap

MAX_HOPS = 16
_CACHED = 10_000


class ClientAddresses:
    """Finds the client's address: the last one in `X-Forwarded-For` that is no proxy of ours."""

    def __init__(self, trusted_proxies: Iterable[str]) -> None:
        self._trusted: list[IPv4Network | IPv6Network] = [ip_network(each, strict=False) for each in trusted_proxies]
        self._peers: BoundedMap[str, tuple[bool]] = BoundedMap(_CACHED)
        self._seen: BoundedMap[bytes, str] = BoundedMap(_CACHED)

    def is_trusted(self, peer: str) -> bool:
        """Whether this address belongs to a proxy that was named."""
        known = self._peers.get(peer)
        if known is None:
            known = (self._in_trusted_network(peer),)
            self._peers.put(peer, known)
        return known[0]

    def find(self, peer: str, forwarded_for: bytes | None) -> str:
        """The client's address for a request that came from `peer`."""
        if forwarded_for is None or not self.is_trusted(peer):
            return peer
        found = self._seen.get(forwarded_for)
        if found is None:
            found = self._last_foreign(forwarded_for.decode("latin-1")) or peer
            self._seen.put(forwarded_for, found)
        return found

    def _last_foreign(self, forwarded_for: str) -> str | None:
        """From the right, because everything to the left of the first untrusted hop may be made up."""
        found = None
        for hop in reversed(forwarded_for.split(",")[-MAX_HOPS:]):
            try:
                found = str(ip_address(hop.strip()))
            except ValueError:
                return found
            if not self.is_trusted(found):
                return found
        return found

    def _in_trusted_network(self, peer: str) -> bool:
        try:
            address = ip_address(peer)
        except ValueError:
            return False
        return any(address in network for network in self._trusted)
