"""How many orders one consumer settles per second, and how fast a long statement is drawn: `pytest -m bench -s`."""

import gc
import sys
import time

import pytest

from services.settlement.domain.periods import period_named
from services.settlement.queries.verify import verify_ledger
from services.settlement.usecases.statements import draw_statements
from tests.settlement.house import House
from tests.settlement.purchases import Purchase

BATCH = 500
ORDERS = 10_000
LEAST_PER_S = 1_000
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
    started, cpu = time.perf_counter(), time.process_time()
    for batch in [batch for three in batches[1:] for batch in three]:
        await house.deliver(*batch)
    settled_s, cpu_s = time.perf_counter() - started, time.process_time() - cpu
    per_s = (ORDERS - BATCH) / settled_s
    say(f"settled: {per_s:,.0f} orders/s, {cpu_s / (ORDERS - BATCH) * 1e6:.0f} us of Python each")

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


def say(line: str) -> None:
    sys.stdout.write(f"\n{line}")
