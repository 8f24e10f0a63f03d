"""How many orders one consumer settles per second, and how fast a long statement is drawn: `pytest -m bench -s`."""

import gc
import sys
import time

import psutil
import pytest

from services.settlement.domain.periods import period_named
from services.settlement.queries.verify import verify_ledger
from services.settlement.usecases.statements import draw_statements
from tests.settlement.house import House
from tests.settlement.purchases import Purchase

BATCH = 500
ORDERS = 10_000
LEAST_PER_S = 300
"""Far below what it does on two idle cores: this fails only when something is wrong in kind."""


@pytest.mark.bench
@pytest.mark.timeout(600)
async def test_orders_settled_per_second(house: House) -> None:
    contract = await house.two_brands()
    purchases = [Purchase(contract=contract) for _ in range(ORDERS)]
    batches = [
        [
            [make(one) for one in purchases[start : start + BATCH]]
            for make in (Purchase.paid, Purchase.issued, Purchase.accrued)
        ]
        for start in range(0, ORDERS, BATCH)
    ]
    for batch in batches[0]:
        await house.deliver(*batch)  # connections, plans and caches are warm
    gc.collect()
    gc.freeze()
    started, cpu, database_cpu = time.perf_counter(), time.process_time(), await database_cpu_s(house)
    for batch in [batch for three in batches[1:] for batch in three]:
        await house.deliver(*batch)
    settled = ORDERS - BATCH
    per_s = settled / (time.perf_counter() - started)
    python_us = (time.process_time() - cpu) / settled * 1e6
    database_us = (await database_cpu_s(house) - database_cpu) / settled * 1e6
    say(
        f"settled: {per_s:,.0f} orders/s; processor time each: Python {python_us:.0f} us, PostgreSQL {database_us:.0f} us"
    )

    started = time.perf_counter()
    blocks = await house.seal()
    sealed = sum(block.journals for block in blocks)
    say(f"sealed: {sealed / (time.perf_counter() - started):,.0f} journals/s")

    outcome = await verify_ledger(house.database)
    say(f"verified: {outcome.journals / outcome.took_ms * 1000:,.0f} journals/s")
    assert outcome.ok

    brand = contract.shares[0].partner_id
    assert brand is not None
    started = time.perf_counter()
    (drawn,) = await draw_statements(house.database, partner_id=brand, period=period_named("2026-11-20"), now=house.now)
    say(f"statement: {drawn.statement.lines / (time.perf_counter() - started):,.0f} lines/s, both files hashed")
    assert drawn.statement.lines == ORDERS
    assert per_s > LEAST_PER_S


async def database_cpu_s(house: House) -> float:
    """What all processes of the test's PostgreSQL have used so far."""
    ((backend,),) = await house.rows("SELECT pg_backend_pid()")
    server = psutil.Process(backend).parent()
    assert server is not None
    used = [process.cpu_times() for process in (server, *server.children())]
    return sum(times.user + times.system for times in used)


def say(line: str) -> None:
    sys.stdout.write(f"\n{line}")
