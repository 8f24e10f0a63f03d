"""A buyer's journey through the running stack, over HTTP, with nothing faked inside: `make demo`."""
