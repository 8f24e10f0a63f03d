"""What a process knows that it did not see itself: after a start, of its siblings, and after a crash."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from services.risk import jobs, usecases
from services.risk.domain.decisions import Kind, Outcome, first_id
from services.risk.domain.engine import Engine
from services.risk.domain.rules import KeyKind, Measure, Rule, RuleSet
from services.risk.jobs import Follower, Journal, prune
from services.risk.settings import Settings
from services.risk.usecases import Desk
from shared.clock import new_id, utc_now
from shared.database import Database
from tests.risk.client import RiskClient, eventually
from tests.risk.conftest import running
from tests.risk.factories import checkout, reveal, rule
from tests.support.leases import losing_the_lease


class Process:
    """The memory of one process and what keeps it in step, without HTTP."""

    def __init__(self, database: Database) -> None:
        self.desk = Desk(Engine(RuleSet(0, ())))
        self.journal = Journal(database, self.desk, utc_now)
        self.follower = Follower(database, self.desk, self.journal, utc_now)

    async def start(self) -> "Process":
        await self.follower.prepare(threshold_scale=1)
        return self


async def use_rules(database: Database, *rules: Rule, version: int = 0) -> None:
    async with database.begin() as uow:
        await usecases.replace_rules(
            uow, rules, expected_version=version, note="for the test", operator="op", now=utc_now()
        )


async def test_counters_are_filled_again_at_the_start(settings: Settings) -> None:
    member = str(uuid4())
    async with running(settings) as (_, before):
        for _ in range(10):
            assert (await before.decide(member_id=member))["decision"] == "allow"
    async with running(settings) as (_, after):
        assert (await after.decide(member_id=member))["decision"] == "deny"


async def test_two_processes_count_each_others_attempts(settings: Settings) -> None:
    member = str(uuid4())
    async with running(settings) as (_, one), running(settings) as (_, other):
        for process in (one, other) * 5:
            assert (await process.decide(member_id=member))["decision"] == "allow"
        await asyncio.sleep(1.5)
        for process in (one, other):
            assert (await process.decide(member_id=member))["decision"] == "deny"


async def test_what_a_sibling_decided_is_counted_once_though_it_is_read_twice(database: Database) -> None:
    await use_rules(database, rule(limit=3))
    one, other, member = await Process(database).start(), await Process(database).start(), uuid4()
    for _ in range(2):
        one.desk.defer(one.desk.decide(checkout(member_id=member), now=utc_now()))
    await one.journal.flush()
    for _ in range(4):
        await other.follower.step()
    assert other.desk.decide(checkout(member_id=member), now=utc_now()).outcome is Outcome.ALLOW
    assert other.desk.decide(checkout(member_id=member), now=utc_now()).outcome is Outcome.DENY


async def test_new_rules_lose_no_attempt_and_count_none_twice(database: Database) -> None:
    """Attempts go on while the new counters are filled; some are written down, some are not yet."""
    await use_rules(database, rule(limit=1_000))
    process, member = await Process(database).start(), uuid4()
    asked = 0
    done = asyncio.Event()

    async def keep_asking() -> None:
        nonlocal asked
        while not done.is_set():
            process.desk.defer(process.desk.decide(checkout(member_id=member), now=utc_now()))
            asked += 1
            await asyncio.sleep(0.0005)

    asking = asyncio.create_task(keep_asking())
    await asyncio.sleep(0.05)
    await process.journal.flush()
    await use_rules(database, rule(limit=900_000), version=1)
    await process.follower.step()
    done.set()
    await asking
    hit_at = process.desk.engine.counters
    assert hit_at.rule_set.version == 2
    await use_rules(database, rule(limit=asked), version=2)
    await process.follower.step()
    assert process.desk.decide(checkout(member_id=member), now=utc_now()).hits[0].observed == asked + 1


async def test_a_crash_loses_allowed_attempts_of_the_last_moment_and_nothing_else(database: Database) -> None:
    await use_rules(database, rule(limit=1))
    process, member = await Process(database).start(), uuid4()
    for _ in range(2):
        decision = process.desk.decide(checkout(member_id=member), now=utc_now())
        if decision.outcome is Outcome.ALLOW:
            process.desk.defer(decision)
        else:
            async with database.begin() as uow:
                await usecases.record(uow, [decision], writer=process.desk.writer, now=utc_now())
    del process  # nothing was flushed
    async with database.read() as uow:
        rows = await uow.raw.fetch("select outcome from decisions")
    assert [row["outcome"] for row in rows] == ["deny"]


async def test_a_journal_whose_database_was_away_loses_nothing(database: Database) -> None:
    nowhere = Database.connect("postgresql+asyncpg://risk:x@127.0.0.1:9/risk", application_name="tests")
    process = await Process(database).start()
    decisions = [process.desk.decide(checkout(), now=utc_now()) for _ in range(3)]
    for decision in decisions:
        process.desk.defer(decision)
    with pytest.raises(Exception, match="no connection"):
        await Journal(nowhere, process.desk, utc_now).flush()
    await process.journal.flush()
    async with database.read() as uow:
        rows = await uow.raw.fetch("select decision_id from decisions order by decision_id")
    assert [row["decision_id"] for row in rows] == [decision.decision_id for decision in decisions]


async def test_writing_the_same_answers_down_twice_changes_nothing(database: Database) -> None:
    """A commit whose outcome was never heard is tried again."""
    desk = Desk(Engine(RuleSet(1, ())))
    decisions = [desk.decide(checkout(sku_ids=(uuid4(), uuid4())), now=utc_now()) for _ in range(3)]
    for _ in range(2):
        async with database.begin() as uow:
            await usecases.record(uow, decisions, writer=desk.writer, now=utc_now())
    async with database.read() as uow:
        assert await uow.raw.fetchval("select count(*) from decisions") == 3


async def test_a_new_account_is_known_to_be_young(database: Database) -> None:
    careful = rule(measure=Measure.PURCHASE_MINOR, limit=500, outcome=Outcome.REVIEW, account_younger_than_s=3_600)
    await use_rules(database, careful)
    running_before, newcomer, veteran = await Process(database).start(), uuid4(), uuid4()
    now = utc_now()
    async with database.begin() as uow:
        await usecases.record_accounts(uow, [(newcomer, now), (veteran, now - timedelta(hours=2))])
    await running_before.follower.step()
    for process in (running_before, await Process(database).start()):
        assert process.desk.decide(checkout(member_id=newcomer), now=now).outcome is Outcome.REVIEW
        assert process.desk.decide(checkout(member_id=veteran), now=now).outcome is Outcome.ALLOW


async def test_first_reveals_heard_of_are_counted_before_and_after_a_start(database: Database) -> None:
    curious = rule(kind=Kind.REVEAL, measure=Measure.FIRST_REVEALS, key=KeyKind.MEMBER, window_s=3_600, limit=2)
    await use_rules(database, curious)
    running_before, member, now = await Process(database).start(), uuid4(), utc_now()
    seen = [(uuid4(), member, now) for _ in range(3)]
    for _ in range(2):
        async with database.begin() as uow:
            await usecases.record_reveals(uow, seen)
    for _ in range(3):
        await running_before.follower.step()
    for process in (running_before, await Process(database).start()):
        decision = process.desk.decide(reveal(member_id=member), now=utc_now())
        assert (decision.outcome, decision.hits[0].observed) == (Outcome.DENY, 3)


async def test_lists_are_there_at_the_start(settings: Settings) -> None:
    async with running(settings) as (_, before):
        body = {"kind": "cidr", "value": "192.0.2.0/24", "action": "deny", "reason": "an open proxy"}
        assert (await before.call("POST", "/v1/ops/risk/lists", body=body)).status_code == 201
    async with running(settings) as (_, after):
        assert (await after.decide(ip="192.0.2.77"))["reasons"] == ["list.cidr"]


async def test_a_list_reaches_a_sibling_at_once(settings: Settings) -> None:
    async with running(settings) as (_, one), running(settings) as (_, other):
        body = {"kind": "device", "value": "d-9", "action": "deny", "reason": "seen in a ring"}
        assert (await one.call("POST", "/v1/ops/risk/lists", body=body)).status_code == 201

        async def told() -> bool:
            return await denied(other)

        await eventually(told)


async def denied(risk: RiskClient) -> bool:
    return bool((await risk.decide(device="d-9"))["decision"] == "deny")


async def test_the_rules_of_a_new_installation_are_written_once(database: Database) -> None:
    processes = await asyncio.gather(*(Process(database).start() for _ in range(3)))
    assert {process.desk.engine.rules_version for process in processes} == {1}
    async with database.read() as uow:
        assert await uow.raw.fetchval("select count(*) from rule_sets") == 1


async def test_what_is_too_old_is_forgotten_and_nothing_else(database: Database) -> None:
    desk, now = Desk(Engine(RuleSet(1, ()))), utc_now()
    long_ago = now - timedelta(days=91)
    old = desk.engine.decide(checkout(), decision_id=first_id(long_ago), now=long_ago)
    new = desk.engine.decide(checkout(), decision_id=new_id(), now=now)
    async with database.begin() as uow:
        await usecases.record(uow, [old, new], writer=desk.writer, now=now)
        await usecases.record_accounts(uow, [(uuid4(), now)])
        await uow.raw.execute("insert into accounts values (gen_random_uuid(), now(), now() - interval '33 days')")
        await uow.raw.execute(
            "insert into reveals values (gen_random_uuid(), gen_random_uuid(), now(), now() - interval '33 days')"
        )
    await prune(database, utc_now)
    async with database.read() as uow:
        assert await uow.raw.fetchval("select array_agg(decision_id) from decisions") == [new.decision_id]
        assert await uow.raw.fetchval("select count(*) from accounts") == 1
        assert await uow.raw.fetchval("select count(*) from reveals") == 0


async def test_forgetting_stops_when_the_lease_is_lost(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "PRUNED_AT_ONCE", 1)
    monkeypatch.setattr(usecases, "prune_members", losing_the_lease(usecases.prune_members))
    async with database.begin() as uow:
        await uow.raw.execute(
            "insert into accounts select gen_random_uuid(), now(), now() - interval '33 days' from generate_series(1, 3)"
        )
        await uow.raw.execute("insert into idempotency_keys values ('m', 'k', '', 200, '', now() - interval '9 days')")
    await prune(database, utc_now)
    async with database.read() as uow:
        assert await uow.raw.fetchval("select count(*) from accounts") == 2
        assert await uow.raw.fetchval("select count(*) from idempotency_keys") == 1
