"""What jobs ask of any channel."""

from dataclasses import dataclass
from typing import Protocol

from services.order.domain.messages import Letter, Occasion


class ChannelUnavailableError(Exception):
    """It was not taken this time, or whether it was is not known. `failure` is a short code without any address."""

    def __init__(self, failure: str) -> None:
        super().__init__(failure)
        self.failure = failure


class AddressRefusedError(Exception):
    """It will not be taken, however often it is tried: the address is none, or its owner wants no messages."""

    def __init__(self, failure: str) -> None:
        super().__init__(failure)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A letter with where it goes and the link that it carries. Its `repr` shows neither."""

    letter: Letter
    address: str
    link: str

    def __repr__(self) -> str:
        return f"Outgoing({self.letter.message_id}, ***)"


class Channel(Protocol):
    """One way out."""

    def carries(self, occasion: Occasion) -> bool:
        """Whether it is set up for this kind of message."""

    async def send(self, outgoing: Outgoing) -> None:
        """Hand one message over, within a time limit. Sent twice it bears the same id, where its wire has one.

        :raises ChannelUnavailableError: try again later.
        :raises AddressRefusedError: do not.
        """
