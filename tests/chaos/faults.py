"""The ways to break the platform, each as one act on a running stack under traffic."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from tests.support.world import World

CRASHES_WITHIN_S = 30
BROKER_AWAY_S = 30

RELAY_POINTS = ("relay.before_publish", "relay.after_publish")
CONSUMER_POINTS = ("consumer.before_commit", "consumer.after_effect")
API_POINT = "api.after_commit"

CHAIN = ("order", "inventory", "points", "settlement")
"""The services whose death matters to a purchase."""


@dataclass(frozen=True)
class Fault:
    """`arm` prepares before the traffic; `strike` breaks while it runs; after `heal` everything stands again.

    A strike that does not fall (nobody came by the crash point) proves nothing, so it is answered.
    """

    name: str
    arm: Callable[[World], None]
    strike: Callable[[World], bool]
    heal: Callable[[World], None]

    async def during(self, world: World) -> bool:
        """Strike, then heal; answers whether the blow fell."""
        fell = await asyncio.to_thread(self.strike, world)
        await asyncio.to_thread(self.heal, world)
        return fell


def crash(service: str, point: str, *, occurrence: int = 1) -> Fault:
    """The service kills itself at the n-th passage of a point, and is started again."""
    return Fault(
        name=f"{service} dies at {point}:{occurrence}",
        arm=lambda world: world.crash_at(service, point, occurrence=occurrence),
        strike=lambda world: world.parts.await_death(service, within_s=CRASHES_WITHIN_S),
        heal=lambda world: world.parts.restart(service),
    )


def killed(service: str) -> Fault:
    """SIGKILL from outside, wherever the service is just then."""
    return Fault(
        name=f"{service} is killed",
        arm=_nothing,
        strike=lambda world: _struck(world.parts.kill, service),
        heal=lambda world: world.parts.restart(service),
    )


def postgres_restarted() -> Fault:
    """PostgreSQL dies without a word and recovers."""
    return Fault(
        name="PostgreSQL restarts", arm=_nothing, strike=lambda world: _struck(world.restart_postgres), heal=_nothing
    )


def kafka_away(seconds: float = BROKER_AWAY_S) -> Fault:
    """The broker stops, and comes back after a while with what it had."""
    return Fault(
        name=f"Kafka is away for {seconds:.0f} s",
        arm=_nothing,
        strike=lambda world: _struck(world.stop_kafka_for, seconds),
        heal=_nothing,
    )


def kafka_wiped() -> Fault:
    """The broker comes back with nothing: no records, no topics, no offsets."""
    return Fault(name="Kafka is wiped", arm=_nothing, strike=lambda world: _struck(world.wipe_kafka), heal=_nothing)


def crash_points() -> list[tuple[str, str]]:
    """Every service of the chain with every point it comes by in a purchase."""
    workers = [(service, point) for service in CHAIN for point in (*RELAY_POINTS, *CONSUMER_POINTS)]
    return [*workers, *((service, API_POINT) for service in ("order", "inventory"))]


def _struck(act: Callable[..., object], *arguments: object) -> bool:
    act(*arguments)
    return True


def _nothing(world: World) -> None:
    _ = world
