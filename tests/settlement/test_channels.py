"""Channels' accounts: filled by two operators, never drawn below their credit, each movement once, and tied to the ledger."""

import asyncio
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.settlement.domain.channels import DailySpendError, FundsError, RefundExceedsError
from services.settlement.queries.channels import channel, drifted_channels
from services.settlement.queries.verify import verify_ledger
from services.settlement.repository.channels import lock_account
from services.settlement.usecases.channels import book_transfer, give_back, register_channel, take_purchase
from shared.clock import new_id
from shared.http import Identity, Role
from tests.settlement.desk import Desk
from tests.settlement.house import House
from tests.settlement.purchases import Purchase

CHANNELS = "/v1/ops/channels"
ATTEMPTS = 24


async def open_channel(
    house: House, *, deposit_minor: int = 0, credit_minor: int = 0, daily_minor: int | None = None
) -> UUID:
    async with house.database.begin() as uow:
        account = await register_channel(
            uow,
            name="渠道",
            currency="CNY",
            credit_limit_minor=credit_minor,
            daily_spend_max_minor=daily_minor,
            created_by=None,
            now=house.now,
        )
        if deposit_minor:
            locked = await lock_account(uow, account.channel_id)
            await book_transfer(
                uow, house.books, locked, transfer_id=new_id(), amount_minor=deposit_minor, now=house.now
            )
    return account.channel_id


async def buy(house: House, channel_id: UUID, amount_minor: int, *, order_id: UUID | None = None) -> UUID:
    order_id = order_id or new_id()
    async with house.database.begin() as uow:
        await take_purchase(
            uow,
            house.books,
            channel_id=channel_id,
            order_id=order_id,
            amount_minor=amount_minor,
            currency="CNY",
            now=house.now,
        )
    return order_id


async def refund(house: House, order_id: UUID, amount_minor: int, *, refund_id: UUID | None = None) -> None:
    async with house.database.begin() as uow:
        await give_back(
            uow,
            house.books,
            refund_id=refund_id or new_id(),
            order_id=order_id,
            amount_minor=amount_minor,
            now=house.now,
        )


async def balance(house: House, channel_id: UUID) -> int:
    async with house.database.read() as uow:
        assert await drifted_channels(uow) == []
        return (await channel(uow, channel_id)).balance_minor


async def test_many_purchases_at_once_never_pass_the_credit(house: House) -> None:
    """Warm connections and a barrier: without the lock on the account several read the same balance."""
    channel_id = await open_channel(house, deposit_minor=1_000, credit_minor=500)
    await asyncio.gather(*(house.rows("SELECT pg_sleep(0.02)") for _ in range(8)))

    async def attempt() -> bool:
        try:
            await buy(house, channel_id, 400)
        except FundsError:
            return False
        return True

    bought = await asyncio.gather(*(attempt() for _ in range(ATTEMPTS)))
    assert sum(bought) == 3
    assert await balance(house, channel_id) == 1_000 - 3 * 400


async def test_the_same_order_at_once_is_paid_once(house: House) -> None:
    channel_id = await open_channel(house, deposit_minor=10_000)
    order_id = new_id()
    await asyncio.gather(*(buy(house, channel_id, 300, order_id=order_id) for _ in range(ATTEMPTS)))
    assert await balance(house, channel_id) == 9_700
    assert len(await house.rows("SELECT 1 FROM journals WHERE kind = 'channel.purchase'")) == 1


async def test_refunds_come_back_once_and_never_more_than_was_paid(house: House) -> None:
    channel_id = await open_channel(house, deposit_minor=1_000)
    order_id = await buy(house, channel_id, 900)
    refund_id = new_id()
    for _ in range(2):
        await refund(house, order_id, 400, refund_id=refund_id)
    with pytest.raises(RefundExceedsError):
        await refund(house, order_id, 501)
    await refund(house, order_id, 500)
    assert await balance(house, channel_id) == 1_000


async def test_a_days_limit_counts_all_of_a_day(house: House) -> None:
    channel_id = await open_channel(house, deposit_minor=10_000, daily_minor=1_000)
    await buy(house, channel_id, 600)
    with pytest.raises(DailySpendError):
        await buy(house, channel_id, 401)
    await buy(house, channel_id, 400)
    assert await balance(house, channel_id) == 9_000


async def test_a_channels_order_settles_as_any_other_and_its_account_is_the_provider(house: House) -> None:
    """What the account gave is what `order.paid` books in: the provider `account` owes nothing, before and after a refund."""
    channel_id = await open_channel(house, deposit_minor=5_000)
    purchase = Purchase(paid_by="account", fee_minor=0, cost_minor=0, points_cost_minor=0)
    await buy(house, channel_id, purchase.amount_minor, order_id=purchase.order_id)
    await house.deliver(purchase.paid(), purchase.issued(), purchase.accrued())
    funds = f"channel_funds:{channel_id}:CNY"
    assert await house.balances() == {
        "bank::CNY": 5_000,
        funds: -(5_000 - purchase.amount_minor),
        "platform_revenue::CNY": -purchase.amount_minor,
    }
    await house.deliver(purchase.reversed(), purchase.refunded())
    await refund(house, purchase.order_id, purchase.amount_minor)
    assert await house.balances() == {"bank::CNY": 5_000, funds: -5_000}
    await house.seal()
    assert (await verify_ledger(house.database)).ok
    assert await balance(house, channel_id) == 5_000


async def test_a_balance_that_drifts_from_the_ledger_is_named(house: House) -> None:
    channel_id = await open_channel(house, deposit_minor=5_000)
    await buy(house, channel_id, 400)
    await house.seal()
    await buy(house, channel_id, 600)  # some of it is sealed, some is not
    assert await balance(house, channel_id) == 4_000
    await house.run("UPDATE channels SET balance_minor = 5001")
    async with house.database.read() as uow:
        assert await drifted_channels(uow) == [channel_id]


async def test_two_operators_book_a_transfer_and_a_reference_is_booked_once(desk: Desk, house: House) -> None:
    made = await desk.operator("POST", CHANNELS, json={"name": "星河分销", "credit_limit_minor": 100})
    assert made.status_code == 201, made.text
    channel_id = made.json()["channel_id"]
    path = f"{CHANNELS}/{channel_id}/transfers"
    body = {"reference": "ICBC-1", "amount_minor": 1_000, "note": "预存"}
    first = (await desk.operator("POST", path, json=body)).json()
    again = (await desk.operator("POST", path, json=body)).json()
    assert first == again
    other = await desk.operator("POST", path, json={**body, "amount_minor": 2_000})
    assert (other.status_code, other.json()["code"]) == (409, "account.conflict")

    confirm = f"{path}/{first['transfer_id']}/confirm"
    alone = await desk.operator("POST", confirm)
    assert (alone.status_code, alone.json()["code"]) == (403, "transfer.four_eyes")
    assert await balance(house, UUID(channel_id)) == 0
    second = Identity(Role.OPERATOR, str(uuid4()), scopes=frozenset({"finance"}))
    done = await desk.call(second, "POST", confirm)
    assert (done.status_code, done.json()["state"]) == (200, "confirmed")
    twice = await desk.call(second, "POST", confirm)
    assert (twice.status_code, twice.json()["code"]) == (409, "transfer.decided")
    assert await balance(house, UUID(channel_id)) == 1_000

    too_much = (await desk.operator("POST", path, json={**body, "reference": "OUT", "amount_minor": -2_000})).json()
    refused = await desk.call(second, "POST", f"{path}/{too_much['transfer_id']}/confirm")
    assert (refused.status_code, refused.json()["code"]) == (402, "account.insufficient")
    dropped = await desk.operator("POST", f"{path}/{too_much['transfer_id']}/reject")
    assert dropped.json()["state"] == "rejected"
    listed = (await desk.operator("GET", path)).json()["items"]
    assert [item["state"] for item in listed] == ["rejected", "confirmed"]


async def test_a_channel_sees_its_own_account_and_its_key_is_a_channels(desk: Desk, house: House) -> None:
    channel_id = await open_channel(house, deposit_minor=1_000)
    await buy(house, channel_id, 300)
    identity = Identity(Role.CHANNEL, str(channel_id))
    account = (await desk.call(identity, "GET", "/v1/channel/account")).json()
    assert (account["balance_minor"], account["available_minor"]) == (700, 700)
    first = (await desk.call(identity, "GET", "/v1/channel/account/entries?limit=1")).json()
    rest = await desk.call(identity, "GET", f"/v1/channel/account/entries?cursor={first['next_cursor']}")
    assert [entry["amount_minor"] for entry in (*first["items"], *rest.json()["items"])] == [-300, 1_000]
    stranger = Identity(Role.CHANNEL, str(new_id()))
    assert (await desk.call(stranger, "GET", "/v1/channel/account")).status_code == 404
    partner = Identity(Role.PARTNER, str(channel_id))
    assert (await desk.call(partner, "GET", "/v1/channel/account")).status_code == 403

    key = await desk.operator("POST", f"/v1/ops/partners/{channel_id}/keys", json={"algorithm": "hmac-sha256"})
    found = (await desk.service(f"/internal/partner-keys/{key.json()['key_id']}")).json()
    assert (found["partner_id"], found["role"]) == (str(channel_id), "channel")


async def test_a_limit_does_not_go_below_what_is_owed(desk: Desk, house: House) -> None:
    channel_id = await open_channel(house, credit_minor=1_000)
    await buy(house, channel_id, 800)
    path = f"{CHANNELS}/{channel_id}/limits"
    refused = await desk.operator("PUT", path, json={"credit_limit_minor": 799})
    assert (refused.status_code, refused.json()["code"]) == (402, "account.insufficient")
    assert (await desk.operator("PUT", path, json={"credit_limit_minor": 800})).json()["available_minor"] == 0


STEPS = st.lists(st.tuples(st.sampled_from(["deposit", "buy", "refund"]), st.integers(1, 500)), max_size=25)


# Each example opens a channel of its own.
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_whatever_is_done_entries_balance_and_ledger_add_up(house: House, steps: list[tuple[str, int]]) -> None:
    channel_id = await open_channel(house, credit_minor=200)
    expected, left = 0, {}
    for step, amount_minor in steps:
        if step == "deposit":
            async with house.database.begin() as uow:
                account = await lock_account(uow, channel_id)
                await book_transfer(
                    uow, house.books, account, transfer_id=new_id(), amount_minor=amount_minor, now=house.now
                )
            expected += amount_minor
        elif step == "buy":
            try:
                left[await buy(house, channel_id, amount_minor)] = amount_minor
                expected -= amount_minor
            except FundsError:
                assert expected - amount_minor < -200
        elif left:
            order_id = next(iter(left))
            try:
                await refund(house, order_id, amount_minor)
                left[order_id] -= amount_minor
                expected += amount_minor
            except RefundExceedsError:
                assert amount_minor > left[order_id]
    assert await balance(house, channel_id) == expected
