"""Stock counters, holds, cards and the keys that seal them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from services.inventory.domain.batches import BatchState
from services.inventory.domain.picking import PRIORITY_DEFAULT
from services.inventory.tables.base import METADATA, id_column, moment_column, one_of

_CHURN = {"autovacuum_vacuum_scale_factor": "0.02", "autovacuum_vacuum_threshold": "2000"}
"""Rows that come and go quickly: dead ones stand in the way of those who look for the first living one."""

STOCK = Table(
    "stock",
    METADATA,
    id_column("sku_id", ForeignKey("skus.sku_id"), primary_key=True),
    Column("on_hand", Integer, comment="cards on the shelf; for a top-up what may still be sold, null: no limit"),
    Column("held", Integer, nullable=False, server_default="0", comment="promised to orders at checkout"),
    Column("sold", BigInteger, nullable=False, server_default="0"),
    Column("version", Integer, nullable=False, server_default="1", comment="grows with every change"),
    Column("announced_version", Integer, nullable=False, server_default="0"),
    Column("low_announced", Boolean, nullable=False, server_default="false", comment="it was said that it runs low"),
    CheckConstraint("held >= 0", name="held_not_negative"),
    CheckConstraint("held <= on_hand", name="held_within_on_hand"),
    CheckConstraint("sold >= 0", name="sold_not_negative"),
    postgresql_with={"fillfactor": "50", "autovacuum_vacuum_scale_factor": "0", "autovacuum_vacuum_threshold": "500"},
)

HOLDS = Table(
    "holds",
    METADATA,
    id_column("component_id", primary_key=True),
    id_column("order_id"),
    id_column("line_id"),
    id_column("sku_id"),
    Column("quantity", Integer, nullable=False),
    id_column("member_id", nullable=True),
    moment_column("expires_at"),
    CheckConstraint("quantity > 0", name="quantity_positive"),
    Index("ix_holds_order_id", "order_id"),
    Index("ix_holds_expires_at", "expires_at"),
    postgresql_with=_CHURN,
)

DATA_KEYS = Table(
    "data_keys",
    METADATA,
    id_column("key_id", primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("kek_version", Integer, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    moment_column("created_at"),
    Index("ix_data_keys_purpose", "purpose", "key_id"),
    Index("ix_data_keys_kek_version", "kek_version"),
)

CARD_BATCHES = Table(
    "card_batches",
    METADATA,
    id_column("batch_id", primary_key=True),
    id_column("sku_id", ForeignKey("skus.sku_id")),
    id_column("key_id", ForeignKey("data_keys.key_id")),
    Column("imported_by", Text, nullable=False),
    Column("accepted", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    Column("cost_minor", BigInteger, nullable=False, comment="of one card"),
    moment_column("created_at"),
    Column(
        "priority", Integer, nullable=False, server_default=str(PRIORITY_DEFAULT), comment="the lowest is sold first"
    ),
    Column("state", Text, nullable=False, server_default=BatchState.ACTIVE.value),
    one_of("state", BatchState, name="state_known"),
    CheckConstraint("accepted > 0", name="accepted_positive"),
    CheckConstraint("refused >= 0", name="refused_not_negative"),
    CheckConstraint("cost_minor >= 0", name="cost_not_negative"),
    Index("ix_card_batches_sku_id", "sku_id", "batch_id"),
)

# A card is written once, and again only to be sealed under a new key. What becomes of it stands in `shelf` and `entitlements`: ten million sealed rows stay still.
CARDS = Table(
    "cards",
    METADATA,
    id_column("card_id", primary_key=True),
    id_column("sku_id"),
    id_column("batch_id", ForeignKey("card_batches.batch_id")),
    Column("sealed", LargeBinary, nullable=False),
    Column("code_index", LargeBinary, nullable=False),
    Column("masked", Text, nullable=False),
    Column("key_id", Uuid, comment="null: its batch's"),
    UniqueConstraint("code_index"),
    CheckConstraint("octet_length(code_index) = 32", name="code_index_is_hmac"),
    Index("ix_cards_batch_id", "batch_id", "card_id"),
)

# The cards that can be sold, the lowest rank first; a card with several uses lies here once for each. Selling one deletes its row, which touches no index. A row is never
# updated: whoever waits for it would find it gone and its new version not yet there.
SHELF = Table(
    "shelf",
    METADATA,
    id_column("sku_id"),
    id_column("card_id"),
    id_column("batch_id"),
    Column("masked", Text, nullable=False),
    Column("cost_minor", BigInteger, nullable=False),
    moment_column("expires_at", nullable=True),
    Column("rank", BigInteger, nullable=False, server_default="0", comment="by the SKU's pick order"),
    Column("use_no", SmallInteger, nullable=False, server_default="1", comment="which use of the card"),
    PrimaryKeyConstraint("sku_id", "card_id", "use_no"),
    Index("ix_shelf_pick", "sku_id", "rank", "card_id"),
    postgresql_with=_CHURN,
)
Index("ix_shelf_expires_at", SHELF.c.expires_at, postgresql_where=SHELF.c.expires_at.is_not(None))

# SKUs whose pick order changed: a job lays their cards on the shelf anew, this far so far.
SHELF_SORTINGS = Table(
    "shelf_sortings",
    METADATA,
    id_column("sku_id", ForeignKey("skus.sku_id"), primary_key=True),
    id_column("after_card_id"),
)

BUYER_FIELDS = Table(
    "buyer_fields",
    METADATA,
    id_column("component_id", primary_key=True),
    id_column("order_id"),
    id_column("key_id", ForeignKey("data_keys.key_id")),
    Column("sealed", LargeBinary, nullable=False),
    Column("masked", Text, nullable=False),
    moment_column("created_at"),
    Index("ix_buyer_fields_created_at", "created_at"),
)
