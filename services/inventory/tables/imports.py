"""Files of cards that a job takes in, and their lines until they are cards."""

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
)

from services.inventory.domain.importing import ImportState
from services.inventory.tables.base import METADATA, id_column, moment_column, one_of

IMPORTS = Table(
    "imports",
    METADATA,
    id_column("import_id", primary_key=True),
    id_column("sku_id", ForeignKey("skus.sku_id")),
    id_column("batch_id"),
    id_column("key_id", ForeignKey("data_keys.key_id"), nullable=True),
    Column("state", Text, nullable=False),
    Column("accept_valid", Boolean, nullable=False),
    Column("cost_minor", BigInteger, nullable=False, comment="of a card that has none of its own"),
    Column("imported_by", Text, nullable=False),
    Column("received", Integer, nullable=False, comment="lines of the file"),
    Column("sealed", Integer, nullable=False, comment="lines that are cards"),
    Column("stored", Integer, nullable=False, server_default="0"),
    Column("refused", Integer, nullable=False, comment="lines that are not taken, as far as it is known"),
    Column("after_line", Integer, nullable=False, server_default="0", comment="where the job goes on"),
    moment_column("created_at"),
    moment_column("ended_at", nullable=True),
    one_of("state", ImportState, name="state_known"),
    CheckConstraint("received >= sealed AND sealed >= stored", name="counts_in_order"),
    CheckConstraint("(state IN ('done', 'refused')) = (ended_at IS NOT NULL)", name="ended_has_moment"),
    Index("ix_imports_sku_id", "sku_id", "import_id"),
)
Index("ix_imports_open", IMPORTS.c.import_id, postgresql_where=IMPORTS.c.ended_at.is_(None))

# Nothing of a card is here in clear but its masked form. Good lines go when they are cards, broken ones stay as a report.
# They come in the transaction of their import: a foreign key would only cost time.
IMPORT_LINES = Table(
    "import_lines",
    METADATA,
    id_column("import_id"),
    Column("line", Integer, nullable=False),
    id_column("card_id", nullable=True),
    Column("sealed", LargeBinary),
    Column("code_index", LargeBinary),
    Column("masked", Text),
    moment_column("expires_at", nullable=True),
    Column("cost_minor", BigInteger),
    Column("uses", SmallInteger, nullable=False, server_default="1"),
    Column("fault", Text, comment="why the line is not taken"),
    PrimaryKeyConstraint("import_id", "line"),
    CheckConstraint(
        "fault IS NOT NULL OR (card_id IS NOT NULL AND sealed IS NOT NULL AND code_index IS NOT NULL"
        " AND masked IS NOT NULL)",
        name="good_or_broken",
    ),
)
