"""The hot path: verify, limit, pass on, stream back."""

from gateway.forward.forwarder import Forwarder
from gateway.forward.gate import Gate
from gateway.forward.incoming import Incoming
from gateway.forward.relay import Relay

__all__ = ["Forwarder", "Gate", "Incoming", "Relay"]
