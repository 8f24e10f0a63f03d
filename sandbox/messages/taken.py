"""What was taken, kept in memory for whoever looks."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.messages.faults import Via

KEPT = 5_000


@dataclass(frozen=True, slots=True)
class Message:
    """One message as its recipient has it. `message_id` is the sender's own, the same for one that was sent twice."""

    via: Via
    to: str
    message_id: str
    content: Mapping[str, str] = field(default_factory=dict)


class Taken:
    """The newest messages, and how many there were in all."""

    def __init__(self) -> None:
        self._messages: deque[Message] = deque(maxlen=KEPT)
        self.count = 0

    def add(self, message: Message) -> None:
        """Take one."""
        self._messages.append(message)
        self.count += 1

    def find(self, *, via: str | None = None, to: str | None = None) -> list[Message]:
        """Those that came one way, or to one address, the oldest first."""
        return [
            message
            for message in self._messages
            if (via is None or message.via == via) and (to is None or message.to == to)
        ]
