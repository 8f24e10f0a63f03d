"""`python -m dev.bench`: measures the running stack from outside; prints a table and ends with one JSON line."""

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dev.bench import capacity, drain, floors, goods, intake, relay, rush, sustained
from dev.bench.connection import Target
from dev.bench.processes import ProcessorTime, memory_mb, own_seconds
from dev.bench.purchase import Buyer, Shop
from dev.bench.report import Report, processor_table
from dev.client import Access, Api, operator
from dev.stack.lifecycle import Stack
from dev.stack.parts import PartControl

DRIVER = "load driver"
WARM_UP_S = 5
CAPACITY_S = 20
SKUS = 20
MEMBERS = 400


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    per_s: float
    seconds: float
    drain_orders: int
    rush_buyers: int
    rush_units: int


@dataclass(frozen=True)
class Meter:
    """Processor time of everything since a moment, the load driver's own included."""

    stack: Stack
    before: ProcessorTime
    own_before: float

    @classmethod
    def start(cls, stack: Stack) -> "Meter":
        return cls(stack, ProcessorTime.now(stack.supervisor.running()), own_seconds())

    def read(self) -> Mapping[str, float]:
        """Seconds by process."""
        spent = dict(ProcessorTime.now(self.stack.supervisor.running()).since(self.before))
        return {**spent, DRIVER: own_seconds() - self.own_before}


@dataclass(frozen=True)
class Bench:
    """A running stack, and what the measurements need of it."""

    stack: Stack
    access: Access
    api: Api
    desk: Api
    shop: Shop
    size: Size
    report: Report

    async def run(self) -> None:
        """All measurements, one after the other, on the same machine in the same hour."""
        self._idle_memory()
        buyers = await goods.members(self.api, count=MEMBERS)
        skus = await self._goods()
        await self._sustained(buyers, skus)
        await self._capacity(buyers, skus)
        await self._rush()
        await self._drain(buyers, skus)
        await self._intake()
        await self._floors()

    async def _goods(self) -> Sequence[str]:
        seconds = WARM_UP_S + self.size.seconds + CAPACITY_S
        needed = self.size.per_s * seconds + self.size.drain_orders
        each = int(needed / SKUS * 1.3) + 50
        return await goods.stock_up(self.desk, self.access, skus=SKUS, cards_each=each, name="压测卡")

    def _idle_memory(self) -> None:
        by_part = memory_mb(self.stack.supervisor.running())
        whole = sum(by_part.values())
        self.report.add("idle memory (PSS)", whole, f"{whole:.0f} MiB", _dearest(by_part), key="idle_rss_mb")

    async def _sustained(self, buyers: Sequence[Buyer], skus: Sequence[str]) -> None:
        await sustained.run(self.shop, buyers, skus, per_s=self.size.per_s / 2, seconds=WARM_UP_S)
        meter = Meter.start(self.stack)
        result = await sustained.run(self.shop, buyers, skus, per_s=self.size.per_s, seconds=self.size.seconds)
        spent = meter.read()
        add = self.report.add
        rate = f"{result.wanted_per_s:.0f}/s offered for {self.size.seconds:.0f} s"
        add("whole purchases", result.purchases_per_s, f"{result.purchases_per_s:.0f}/s", rate, key="purchases_per_s")
        add("  failed", result.errors, str(result.errors), str(result.error_kinds or ""), key="errors")
        p99, p50 = result.paid_to_readable_p99_ms, result.paid_to_readable_p50_ms
        add("paid → readable p99", p99, f"{p99:.0f} ms", f"p50 {p50:.0f} ms", key="paid_to_readable_p99_ms")
        add("order placed p99", result.order_p99_ms, f"{result.order_p99_ms:.0f} ms")
        cpu_ms = sum(spent.values()) * 1000 / max(result.completed, 1)
        add("processor per purchase", cpu_ms, f"{cpu_ms:.2f} ms", "everything, the load too", key="cpu_ms_per_purchase")
        self._table(spent, result.completed, key="cpu_ms_by_process")

    async def _capacity(self, buyers: Sequence[Buyer], skus: Sequence[str]) -> None:
        meter = Meter.start(self.stack)
        result = await capacity.run(self.shop, buyers, skus, seconds=CAPACITY_S)
        spent = meter.read()
        add, crowd = self.report.add, f"{capacity.AT_ONCE} buyers at a time; failed: {result.error_kinds or 0}"
        add(
            "whole purchases at most",
            result.purchases_per_s,
            f"{result.purchases_per_s:.0f}/s",
            crowd,
            key="capacity_per_s",
        )
        p99, p50 = result.paid_to_readable_p99_ms, result.paid_to_readable_p50_ms
        add("  paid → readable p99", p99, f"{p99:.0f} ms", f"p50 {p50:.0f} ms", key="capacity_p99_ms")
        cpu_ms = sum(spent.values()) * 1000 / max(result.completed, 1)
        loops = f"{cpu_ms / result.loop_ms:.1f} loops of {result.loop_ms:.2f} ms (this machine's speed then)"
        add("  processor per purchase", cpu_ms, f"{cpu_ms:.2f} ms", loops, key="capacity_cpu_ms")
        self.report.figures["loop_ms"] = round(result.loop_ms, 3)
        self._table(spent, result.completed, key="capacity_cpu_ms_by_process")

    def _table(self, spent: Mapping[str, float], completed: int, *, key: str) -> None:
        each = {name: round(seconds * 1000 / max(completed, 1), 3) for name, seconds in spent.items()}
        self.report.figures[key] = each
        print(processor_table(spent, purchases=completed), flush=True)

    async def _rush(self) -> None:
        units = self.size.rush_units
        (sku_id,) = await goods.stock_up(self.desk, self.access, skus=1, cards_each=units, name="秒杀卡")
        result = await rush.run(self.shop, goods.guests(self.size.rush_buyers), sku_id, units=units)
        note = f"{result.buyers} buyers, {result.refused} refused, {result.errors} errors, {result.placed_in_s:.1f} s"
        self.report.add("rush sold", result.sold, f"{result.sold} of {units}", note, key="rush_sold")
        self.report.figures["rush_units"] = units

    async def _drain(self, buyers: Sequence[Buyer], skus: Sequence[str]) -> None:
        parts = PartControl.of(self.stack)
        orders_dsn = self.stack.postgres.superuser_dsn.rpartition("/")[0] + "/order"
        result = await drain.run(parts, orders_dsn, self.shop, buyers, skus, orders=self.size.drain_orders)
        note = f"{result.drained} of {result.orders} paid orders completed"
        self.report.add("drain", result.per_s, f"{result.per_s:.0f}/s", note, key="drain_per_s")
        self.report.add("cards issued in it", result.issued_per_s, f"{result.issued_per_s:.0f}/s", key="issue_per_s")

    async def _intake(self) -> None:
        (sku_id,) = await goods.stock_up(self.desk, self.access, skus=1, cards_each=1, name="导入卡")
        result = await intake.run(self.desk, sku_id)
        note = f"{result.cards} cards on the shelf after {result.took_s:.1f} s; loop {result.loop_ms:.2f} ms"
        self.report.add("cards imported", result.per_s, f"{result.per_s:.0f}/s", note, key="import_per_s")

    async def _floors(self) -> None:
        superuser, bootstrap = self.stack.postgres.superuser_dsn, self.access.stack["bootstrap"]
        async with floors.scratch_database(superuser) as dsn:
            claims = await floors.claims_per_s(dsn)
            published = await relay.published_per_s(dsn, bootstrap)
        records = await floors.records_per_s(bootstrap)
        issued = float(str(self.report.figures["issue_per_s"]))
        ratio = f"cards issued are {issued / claims:.2f} of it"
        self.report.add("floor: PostgreSQL claims", claims, f"{claims:.0f}/s", ratio, key="issue_floor_per_s")
        self.report.add("relay", published, f"{published:.0f}/s", key="relay_per_s")
        note = f"the relay is {published / records:.2f} of it"
        self.report.add("floor: plain producer", records, f"{records:.0f}/s", note, key="relay_floor_per_s")


def _dearest(by_part: Mapping[str, float]) -> str:
    ordered = sorted(by_part.items(), key=lambda item: -item[1])[:4]
    return ", ".join(f"{name} {size:.0f}" for name, size in ordered)


def _size() -> Size:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=250, help="whole purchases offered per second")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--drain", type=int, default=6_000, help="orders paid before inventory listens")
    parser.add_argument("--rush-buyers", type=int, default=5_000)
    parser.add_argument("--rush-units", type=int, default=500)
    given = parser.parse_args()
    return Size(given.rate, given.seconds, given.drain, given.rush_buyers, given.rush_units)


async def _measure(stack: Stack, size: Size) -> Report:
    access = Access.read(stack.layout.access_file)
    report = Report()
    async with Api.to(access.gateway) as api:
        shop = Shop(Target(access.gateway), Target(access.sandbox["payment"]))
        desk = await operator(api, access)
        await Bench(stack, access, api, desk, shop, size, report).run()
    return report


def main() -> int:
    """Exit status: 1 when no stack runs."""
    stack = Stack.from_environment(print)
    if not stack.layout.access_file.exists() or not stack.supervisor.running():
        print("no stack is up; `make up` starts it", file=sys.stderr)
        return 1
    print(f"measuring on {os.cpu_count()} processors, everything and the load on them", flush=True)
    report = asyncio.run(_measure(stack, _size()))
    print(report.table())
    print(report.line())
    return 0


if __name__ == "__main__":
    sys.exit(main())
