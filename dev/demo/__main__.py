"""`python -m dev.demo`: tells each step, ends with one JSON line; any surprise ends it with status 1."""

import asyncio
import json
import sys
import time

import httpx

from dev.client import Access, Api, UnexpectedAnswerError, operator
from dev.demo.afterwards import read_statements, redeem, refund
from dev.demo.failover import buy_from_the_next
from dev.demo.purchase import buy_bundle, register, see_reward
from dev.demo.shelf import BUNDLE_PRICE_MINOR, fill_shelf
from dev.demo.story import Story, SurpriseError
from dev.stack.layout import Layout

REDEEMED = "coffee"
REFUNDED = "music"


async def run(access: Access) -> dict[str, object]:
    """The whole journey; answers what the last line says.

    :raises SurpriseError: the platform did something else than the story says.
    :raises UnexpectedAnswerError: a request was answered with another status.
    """
    began, story = time.perf_counter(), Story()
    async with Api.to(access.gateway) as api:
        desk = await operator(api, access)
        story.tell(f"operator {access.operators[0]['login']} signs in with a one-time code")
        shelf = await fill_shelf(desk, access, story)
        buyer = await register(api, story)
        bought = await buy_bundle(buyer, shelf, story)
        points = await see_reward(buyer, story, spent_minor=BUNDLE_PRICE_MINOR)
        failover_ms = await buy_from_the_next(desk, buyer, access, story)
        await redeem(api, access, shelf, bought, story, key=REDEEMED)
        refunded_minor = await refund(buyer, shelf, bought, story, key=REFUNDED)
        statements = await read_statements(api, access, shelf, bought, story, redeemed=REDEEMED, refunded=REFUNDED)
    return {
        "demo": "ok",
        "order_id": bought.order_id,
        "order_no": bought.order_no,
        "paid_minor": BUNDLE_PRICE_MINOR,
        "refunded_minor": refunded_minor,
        "points": points,
        "statements_minor": statements,
        "failover_ms": failover_ms,
        "paid_to_readable_ms": round(bought.paid_to_readable_ms),
        "seconds": round(time.perf_counter() - began, 2),
    }


def main() -> int:
    """Exit status: 0 when everything went as told."""
    access_file = Layout.from_environment().access_file
    if not access_file.exists():
        print("no stack is up; `make up` starts it", file=sys.stderr)
        return 1
    try:
        outcome = asyncio.run(run(Access.read(access_file)))
    except* (SurpriseError, UnexpectedAnswerError, httpx.HTTPError) as group:
        for error in group.exceptions:
            print(f"surprise: {error}", file=sys.stderr)
        outcome = {"demo": "failed"}
    print(json.dumps(outcome, ensure_ascii=False))
    return 0 if outcome["demo"] == "ok" else 1


if __name__ == "__main__":
    sys.exit(main())
