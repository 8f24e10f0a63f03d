"""What must hold after any failure, asked of the databases themselves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg

from dev.stack.topology import SERVICES

CHECKS: Mapping[str, Mapping[str, str]] = {
    "order": {
        "paid orders that have not ended": """
            SELECT count(*) FROM orders
            WHERE paid_at IS NOT NULL AND status NOT IN ('completed', 'refunded') AND NOT EXISTS (
                SELECT FROM order_components c WHERE c.order_id = orders.order_id AND c.status = 'awaiting_shipment')""",
        "components neither delivered nor given back": """
            SELECT count(*) FROM order_components c JOIN orders o USING (order_id)
            WHERE o.paid_at IS NOT NULL AND c.status NOT IN ('settled', 'refunded', 'awaiting_shipment')""",
        "refunds not done": "SELECT count(*) FROM refunds WHERE status <> 'refunded'",
        "payments given back beyond their amount": "SELECT count(*) FROM payments WHERE refunded_minor > amount_minor",
    },
    "inventory": {
        "cards given to two entitlements": """
            SELECT count(*) FROM (
                SELECT card_id FROM entitlements WHERE card_id IS NOT NULL AND NOT restocked
                GROUP BY card_id, use_no HAVING count(*) > 1) twice""",
        "cards both on the shelf and in a buyer's hands": """
            SELECT count(*) FROM shelf JOIN entitlements USING (card_id, use_no) WHERE NOT restocked""",
        "stock that counts other than the shelf": """
            SELECT count(*) FROM stock JOIN skus USING (sku_id)
            WHERE kind = 'card_key'
              AND on_hand <> (SELECT count(*) FROM shelf WHERE shelf.sku_id = stock.sku_id)""",
        "holds that count other than their rows": """
            SELECT count(*) FROM stock
            WHERE held <> (SELECT coalesce(sum(quantity), 0) FROM holds WHERE holds.sku_id = stock.sku_id)""",
        "deliveries that have not ended": """
            SELECT count(*) FROM deliveries WHERE state NOT IN ('issued', 'rejected', 'revoked', 'awaiting_shipment')""",
    },
    "settlement": {
        "journals that carry nothing": """
            SELECT count(*) FROM journals j
            WHERE NOT EXISTS (SELECT FROM postings p WHERE p.journal_no = j.journal_no)""",
        "components paid and issued but not shared": """
            SELECT count(*) FROM components
            WHERE paid_at IS NOT NULL AND issued_at IS NOT NULL AND split_at IS NULL AND reversed_at IS NULL""",
        "components shared twice": """
            SELECT count(*) FROM (
                SELECT component_id FROM journals WHERE kind = 'split' GROUP BY component_id HAVING count(*) > 1) twice""",
    },
    "points": {
        "accounts that are not the sum of their entries": """
            SELECT count(*) FROM accounts a
            WHERE balance <> (SELECT coalesce(sum(points), 0) FROM entries e WHERE e.member_id = a.member_id)""",
    },
}

_BOOKED = """
SELECT coalesce(sum(CASE WHEN p.debit_account = a.account_id THEN amount_minor ELSE -amount_minor END), 0)
FROM accounts a JOIN postings p ON a.account_id IN (p.credit_account, p.debit_account)
WHERE a.kind IN ({})"""

TIES: Mapping[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "cost booked that is not the cost of what was given out": (
        ("settlement", _BOOKED.format("'card_cost'")),
        ("inventory", "SELECT coalesce(sum(cost_minor), 0) FROM entitlements WHERE NOT restocked"),
    ),
    "money owed to buyers for other than what is still to be sent": (
        ("settlement", _BOOKED.format("'unearned'")),
        ("order", "SELECT -coalesce(sum(amount_minor), 0) FROM order_components WHERE status = 'awaiting_shipment'"),
    ),
    "cash booked that is not what providers took and gave back": (
        ("settlement", _BOOKED.format("'provider_receivable', 'provider_fees'")),
        (
            "order",
            """
            SELECT coalesce(sum(amount_minor) FILTER (WHERE status = 'paid'), 0)
                 - (SELECT coalesce(sum(refunds.amount_minor), 0) FROM refunds LEFT JOIN payments USING (payment_id)
                    WHERE refunds.status = 'refunded' AND payments.provider IS DISTINCT FROM 'account')
            FROM payments WHERE provider <> 'account'""",
        ),
    ),
}
"""Two services and what each of them says of the same money: the difference has to be 0. No provider bills an `account`."""

EVERYWHERE = {
    "events that have not left": "SELECT count(*) FROM outbox WHERE published_at IS NULL",
    "records that were given up": "SELECT count(*) FROM parked_records WHERE state IN ('parked', 'waiting')",
}


@dataclass(frozen=True)
class Audit:
    """Counts that are all 0 when everything is right, by service and question."""

    findings: Mapping[str, int]

    @property
    def wrong(self) -> Mapping[str, int]:
        return {question: count for question, count in self.findings.items() if count}


async def audit(superuser_dsn: str) -> Audit:
    """Ask every database every question."""
    findings = {}
    for service in SERVICES:
        connection = await asyncpg.connect(superuser_dsn.rpartition("/")[0] + f"/{service}")
        try:
            for question, sql in {**EVERYWHERE, **CHECKS.get(service, {})}.items():
                findings[f"{service}: {question}"] = int(await connection.fetchval(sql))
        finally:
            await connection.close()
    for question, sides in TIES.items():
        one, other = [int(await fetch_value(superuser_dsn, service, sql)) for service, sql in sides]
        findings[question] = one - other
    return Audit(findings)


async def fetch_value(superuser_dsn: str, service: str, sql: str) -> Any:
    connection = await asyncpg.connect(superuser_dsn.rpartition("/")[0] + f"/{service}")
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()
