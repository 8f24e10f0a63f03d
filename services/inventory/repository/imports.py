"""Files of cards on their way to the shelf: lines written down sealed, then stored chunk by chunk."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.inventory.domain.cards import LineFault
from services.inventory.domain.importing import ImportState
from services.inventory.repository.cards import CHUNK, SealedCard, known_codes, rank
from shared.database import UnitOfWork

_ADD = """
INSERT INTO imports (import_id, sku_id, batch_id, key_id, state, accept_valid, cost_minor, imported_by, received, sealed,
                     refused, created_at)
VALUES ($1, $2, $3, $4, 'sealed', $5, $6, $7, 0, 0, 0, $8)
"""

_COUNT = "UPDATE imports SET received = $2::int, sealed = $3::int, refused = $2::int - $3::int WHERE import_id = $1"

_LINE_COLUMNS = (
    "import_id",
    "line",
    "card_id",
    "sealed",
    "code_index",
    "masked",
    "expires_at",
    "cost_minor",
    "uses",
    "fault",
)

_TAKE_OPEN = """
SELECT import_id, sku_id, batch_id, key_id, state, accept_valid, cost_minor, imported_by, received, sealed, stored,
       refused, after_line
FROM imports WHERE ended_at IS NULL ORDER BY import_id LIMIT 1 FOR UPDATE SKIP LOCKED
"""

_MARK_TWICE = """
WITH marked AS (
    UPDATE import_lines SET fault = 'duplicate_in_file'
    FROM (
        SELECT line, row_number() OVER (PARTITION BY code_index ORDER BY line) AS nth
        FROM import_lines WHERE import_id = $1 AND fault IS NULL
    ) AS counted
    WHERE import_lines.import_id = $1 AND import_lines.line = counted.line AND counted.nth > 1
    RETURNING 1
)
SELECT count(*)::int FROM marked
"""

_NEXT_LINES = """
SELECT max(line) AS until, count(*)::int AS count FROM (
    SELECT line FROM import_lines WHERE import_id = $1 AND line > $2 AND fault IS NULL ORDER BY line LIMIT $3
) AS next
"""

# Known codes are looked up in an array: joined, all cards might be read.
_MARK_KNOWN = f"""
WITH next AS MATERIALIZED (
    SELECT line, code_index FROM import_lines WHERE import_id = $1 AND line > $2 AND line <= $3 AND fault IS NULL
), known AS MATERIALIZED ({known_codes("ARRAY(SELECT code_index FROM next)")}), marked AS (
    UPDATE import_lines SET fault = 'duplicate_in_stock'
    WHERE import_id = $1 AND line = ANY(ARRAY(SELECT line FROM next JOIN known USING (code_index))) RETURNING 1
)
SELECT count(*)::int FROM marked
"""  # noqa: S608  # composed of constants

_COUNT_UNITS = "SELECT coalesce(sum(uses), 0) FROM import_lines WHERE import_id = $1 AND fault IS NULL"

_STORE = """
INSERT INTO cards (card_id, sku_id, batch_id, sealed, code_index, masked)
SELECT card_id, $2, $3, sealed, code_index, masked FROM import_lines
WHERE import_id = $1 AND line > $4 AND line <= $5 AND fault IS NULL ORDER BY line
"""

_SHELVE = f"""
INSERT INTO shelf (sku_id, card_id, batch_id, masked, cost_minor, expires_at, rank, use_no)
SELECT sku.sku_id, line.card_id, batch.batch_id, line.masked, coalesce(line.cost_minor, batch.cost_minor),
       line.expires_at, {rank("line")}, use_no
FROM import_lines line CROSS JOIN generate_series(1, line.uses) AS use_no
JOIN card_batches batch ON batch.batch_id = $2 JOIN skus sku ON sku.sku_id = batch.sku_id
WHERE line.import_id = $1 AND line.line > $3 AND line.line <= $4 AND line.fault IS NULL
ORDER BY line.card_id, use_no
"""  # noqa: S608  # composed of the constants above

_ADVANCE = """
UPDATE imports SET state = $2, stored = $3, refused = $4, after_line = $5, ended_at = $6,
    key_id = CASE WHEN $6::timestamptz IS NULL THEN key_id END
WHERE import_id = $1
"""

_FORGET_GOOD = "DELETE FROM import_lines WHERE import_id = $1 AND fault IS NULL"

_FORGET_SEALED = """
UPDATE import_lines SET card_id = NULL, sealed = NULL, code_index = NULL, masked = NULL
WHERE import_id = $1 AND sealed IS NOT NULL
"""

_FORGET_CARDS = "DELETE FROM cards WHERE batch_id = $1"
_FORGET_BATCH = "DELETE FROM card_batches WHERE batch_id = $1"
_FORGET_KEY = "DELETE FROM data_keys WHERE key_id = $1"


@dataclass(frozen=True, slots=True)
class StagedLine:
    """A line of the file: a sealed card, or what is wrong with it."""

    line: int
    card: SealedCard | None
    fault: LineFault | None


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines `after` < line <= `until` of an import, of which `count` are good so far: what one statement takes."""

    after: int
    until: int
    count: int


@dataclass(frozen=True, slots=True)
class FileImport:
    """An import as stored."""

    import_id: UUID
    sku_id: UUID
    batch_id: UUID
    key_id: UUID
    state: ImportState
    accept_valid: bool
    cost_minor: int
    imported_by: str
    received: int
    sealed: int
    stored: int
    refused: int
    after_line: int


async def add_import(uow: UnitOfWork, file: FileImport, *, now: datetime) -> None:
    """Begin an import. Its lines follow, and `count_lines` closes it, in the same transaction."""
    await uow.raw.execute(
        _ADD,
        file.import_id,
        file.sku_id,
        file.batch_id,
        file.key_id,
        file.accept_valid,
        file.cost_minor,
        file.imported_by,
        now,
    )


async def add_lines(uow: UnitOfWork, import_id: UUID, lines: Sequence[StagedLine]) -> None:
    await uow.raw.copy_records_to_table(
        "import_lines", columns=_LINE_COLUMNS, records=[_row(import_id, line) for line in lines]
    )


async def count_lines(uow: UnitOfWork, import_id: UUID, *, received: int, sealed: int) -> None:
    await uow.raw.execute(_COUNT, import_id, received, sealed)


async def take_open(uow: UnitOfWork) -> FileImport | None:
    """The oldest import that has not ended, locked; those that another process is at are left out."""
    row = await uow.raw.fetchrow(_TAKE_OPEN)
    return None if row is None else FileImport(**{**row, "state": ImportState(row["state"])})


async def mark_twice(uow: UnitOfWork, import_id: UUID) -> int:
    """Of lines with the same code all but the first are broken; answers how many are."""
    marked: int = await uow.raw.fetchval(_MARK_TWICE, import_id)
    return marked


async def mark_known(uow: UnitOfWork, import_id: UUID, lines: Lines) -> int:
    """Lines whose code is here already are broken; answers how many are."""
    marked: int = await uow.raw.fetchval(_MARK_KNOWN, import_id, lines.after, lines.until)
    return marked


async def count_units(uow: UnitOfWork, import_id: UUID) -> int:
    """How often the cards of the good lines can be sold."""
    units: int = await uow.raw.fetchval(_COUNT_UNITS, import_id)
    return units


async def next_lines(uow: UnitOfWork, import_id: UUID, *, after: int) -> Lines | None:
    """The next lines with some that are good so far; None: there are none."""
    row = await uow.raw.fetchrow(_NEXT_LINES, import_id, after, CHUNK)
    return None if row is None or row["count"] == 0 else Lines(after, row["until"], row["count"])


async def store_lines(uow: UnitOfWork, file: FileImport, lines: Lines) -> None:
    """Make cards of the good ones of these lines. They are not on the shelf yet."""
    await uow.raw.execute(_STORE, file.import_id, file.sku_id, file.batch_id, lines.after, lines.until)


async def shelve_lines(uow: UnitOfWork, file: FileImport, lines: Lines) -> None:
    """Lay the cards of these lines on the shelf. The counters are the caller's to move."""
    await uow.raw.execute(_SHELVE, file.import_id, file.batch_id, lines.after, lines.until)


async def save(uow: UnitOfWork, file: FileImport, *, ended_at: datetime | None = None) -> None:
    """Where the import now stands."""
    await uow.raw.execute(
        _ADVANCE, file.import_id, file.state.value, file.stored, file.refused, file.after_line, ended_at
    )


async def forget_good(uow: UnitOfWork, import_id: UUID) -> None:
    """What has become a card is not kept twice, and of broken lines only the reason is kept."""
    await uow.raw.execute(_FORGET_GOOD, import_id)
    await uow.raw.execute(_FORGET_SEALED, import_id)


async def forget_batch(uow: UnitOfWork, file: FileImport) -> None:
    """Nothing was taken: no card, no batch and no key of the import stays. None of its cards was ever on the shelf."""
    await uow.raw.execute(_FORGET_CARDS, file.batch_id)
    await uow.raw.execute(_FORGET_BATCH, file.batch_id)
    await uow.raw.execute(_FORGET_KEY, file.key_id)


def _row(import_id: UUID, line: StagedLine) -> tuple[object, ...]:
    card = line.card
    if card is None:
        return (import_id, line.line, None, None, None, None, None, None, 1, line.fault and line.fault.value)
    return (
        import_id,
        line.line,
        card.card_id,
        card.sealed,
        card.code_index,
        card.masked,
        card.expires_at,
        card.cost_minor,
        card.uses,
        None,
    )
