"""Every topic: who writes it, who reads it, what its key is. The one place where topic names stand."""

from dataclasses import dataclass

PARTITIONS = 4
"""Enough for four consumers of one group; on a cluster the overlay raises it before the first record."""

DEAD_LETTER_SUFFIX = ".dlt"


@dataclass(frozen=True, slots=True)
class Topic:
    """One noun's facts. `producer` is the only service that writes here."""

    name: str
    producer: str
    consumers: tuple[str, ...]
    key: str
    partitions: int = PARTITIONS

    @property
    def dead_letters(self) -> str:
        """Where a record goes that a consumer gave up on."""
        return self.name + DEAD_LETTER_SUFFIX


TOPICS = (
    Topic("order", "order", ("inventory", "membership", "risk", "settlement"), "order_id"),
    Topic("inventory", "order", ("inventory",), "order_id"),
    Topic("card", "inventory", ("order", "points", "risk", "settlement"), "order_id"),
    Topic("points", "points", ("settlement",), "order_id"),
    Topic("settlement", "settlement", ("order",), "order_id"),
    Topic("statement", "settlement", (), "partner_id"),
    Topic("risk", "risk", ("order",), "subject_id"),
    Topic("member", "membership", ("order", "risk"), "member_id"),
    Topic("product", "inventory", ("order",), "product_id"),
    Topic("stock", "inventory", ("order",), "sku_id"),
    Topic("canary", "inventory", (), "export_id"),
    Topic("contract", "settlement", ("order",), "sku_id"),
)

BY_NAME = {topic.name: topic for topic in TOPICS}
