"""A relay or a consumer as a process of its own, to be killed: `python -m tests.shared.messaging.process relay ...`."""

import asyncio
import signal
import sys

from shared.database import Database
from tests.shared.messaging.house import make_consumer, make_relay
from tests.support.brokers import TestBroker


async def main(role: str, url: str, bootstrap: str, flavour: str, group: str) -> None:
    database = Database.connect(url, application_name=role)
    broker = TestBroker(bootstrap=bootstrap, flavour="kafka" if flavour == "kafka" else "embedded")
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    part = make_relay(database, broker) if role == "relay" else make_consumer(database, broker, group)
    await part.run(stop)
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
