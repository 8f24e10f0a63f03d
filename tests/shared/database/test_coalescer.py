import asyncio
from collections.abc import Sequence

import pytest

from shared.database import Coalescer, CoalescerFullError, DatabaseUnavailableError


class Doubler:
    """Doubles numbers; refuses a whole batch that holds a negative one, and answers an exception for zero."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.in_flight = 0
        self.in_flight_max = 0

    async def run(self, items: Sequence[int]) -> Sequence[int | Exception]:
        self.batches.append(list(items))
        self.in_flight += 1
        self.in_flight_max = max(self.in_flight, self.in_flight_max)
        await asyncio.sleep(0.01)
        self.in_flight -= 1
        if any(item < 0 for item in items):
            raise ValueError(f"negative among {len(items)}")
        return [ZeroDivisionError() if item == 0 else item * 2 for item in items]


async def test_what_arrives_during_a_batch_forms_the_next_one() -> None:
    doubler = Doubler()
    coalescer: Coalescer[int, int] = Coalescer(doubler.run, max_batch=8)
    assert await coalescer.submit(1) == 2
    assert await asyncio.gather(*(coalescer.submit(number) for number in range(1, 21))) == list(range(2, 42, 2))
    assert doubler.in_flight_max == 1
    assert [len(batch) for batch in doubler.batches] == [1, 8, 8, 4]


async def test_who_asks_again_as_soon_as_it_is_answered_is_answered_again() -> None:
    """Seen hanging at the second item while a lane left the running ones by a callback, one step after it had ended."""
    doubler = Doubler()
    coalescer: Coalescer[int, int] = Coalescer(doubler.run)
    async with asyncio.timeout(5):
        assert [await coalescer.submit(number) for number in range(1, 5)] == [2, 4, 6, 8]


async def test_lanes_run_side_by_side() -> None:
    doubler = Doubler()
    coalescer: Coalescer[int, int] = Coalescer(doubler.run, max_batch=2, lanes=3)
    await asyncio.gather(*(coalescer.submit(number) for number in range(1, 20)))
    assert doubler.in_flight_max == 3


async def test_a_bad_item_fails_alone() -> None:
    doubler = Doubler()
    coalescer: Coalescer[int, int] = Coalescer(doubler.run)
    outcomes = await asyncio.gather(*(coalescer.submit(number) for number in (1, -2, 0, 4)), return_exceptions=True)
    assert outcomes[0] == 2
    assert isinstance(outcomes[1], ValueError)
    assert isinstance(outcomes[2], ZeroDivisionError)
    assert outcomes[3] == 8
    assert [len(batch) for batch in doubler.batches] == [4, 1, 1, 1, 1]


async def test_an_unavailable_database_fails_the_batch_without_trying_each() -> None:
    tries = 0

    async def run(_: Sequence[int]) -> Sequence[int]:
        nonlocal tries
        tries += 1
        raise DatabaseUnavailableError

    coalescer: Coalescer[int, int] = Coalescer(run)
    outcomes = await asyncio.gather(*(coalescer.submit(number) for number in range(5)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {DatabaseUnavailableError}
    assert tries == 1


async def test_a_cancelled_request_does_not_take_others_along() -> None:
    doubler = Doubler()
    coalescer: Coalescer[int, int] = Coalescer(doubler.run)
    first = asyncio.create_task(coalescer.submit(1))
    second = asyncio.create_task(coalescer.submit(2))
    await asyncio.sleep(0.001)
    first.cancel()  # its batch is under way
    third, fourth = asyncio.create_task(coalescer.submit(3)), asyncio.create_task(coalescer.submit(4))
    await asyncio.sleep(0)
    third.cancel()  # it still waits
    assert list(await asyncio.gather(second, fourth)) == [4, 8]
    assert doubler.batches == [[1, 2], [4]]


async def test_the_queue_is_bounded() -> None:
    coalescer: Coalescer[int, int] = Coalescer(Doubler().run, max_batch=1, max_waiting=2)
    tasks = [asyncio.create_task(coalescer.submit(number)) for number in range(1, 4)]
    await asyncio.sleep(0)
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(isinstance(outcome, CoalescerFullError) for outcome in outcomes) == 1


async def test_an_answer_too_few_fails_the_batch() -> None:
    async def run(items: Sequence[int]) -> Sequence[int]:
        return items[1:]

    coalescer: Coalescer[int, int] = Coalescer(run)
    with pytest.raises(RuntimeError, match="1 items were run, 0 results came back"):
        await coalescer.submit(1)
