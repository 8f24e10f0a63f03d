"""How a call to a neighbour can fail, and whether the neighbour may have worked on it all the same."""


class UpstreamError(Exception):
    """A neighbour did not answer properly. `maybe_sent`: it may have worked on the request all the same."""

    def __init__(self, reason: str, *, maybe_sent: bool) -> None:
        super().__init__(reason)
        self.maybe_sent = maybe_sent


class UpstreamUnavailableError(UpstreamError):
    """It could not be reached: the request was certainly not sent."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, maybe_sent=False)


class UpstreamBrokenError(UpstreamError):
    """The connection ended, or what came over it was no proper answer."""


class UpstreamTimeoutError(UpstreamError):
    """No answer in time."""
