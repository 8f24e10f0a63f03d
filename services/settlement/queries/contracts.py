"""Published split contracts."""

from uuid import UUID

from sqlalchemy import Row, select, tuple_

from services.settlement.domain.contracts import SplitContract
from services.settlement.repository.contracts import contract_of
from services.settlement.schemas.contracts import ContractOut, ContractPage, ShareOut
from services.settlement.tables import CONTRACT_VERSIONS
from shared.database import UnitOfWork
from shared.http import Problem, decode_cursor, encode_cursor


async def contracts(uow: UnitOfWork, *, sku_id: UUID | None, cursor: str | None, limit: int) -> ContractPage:
    """All versions of all contracts, or of one SKU's: contracts made later first, and of each the newest version."""
    columns = CONTRACT_VERSIONS.c
    query = select(CONTRACT_VERSIONS).order_by(columns.contract_id.desc(), columns.version.desc()).limit(limit + 1)
    if sku_id is not None:
        query = query.where(columns.sku_id == sku_id)
    if cursor is not None:
        query = query.where(tuple_(columns.contract_id, columns.version) < tuple_(*_key_in(cursor)))
    rows = (await uow.sql.execute(query)).all()
    more = encode_cursor(str(rows[limit - 1].contract_id), rows[limit - 1].version) if len(rows) > limit else None
    return ContractPage(items=[_row_out(row) for row in rows[:limit]], next_cursor=more)


async def contract_version(uow: UnitOfWork, *, contract_id: UUID, version: int) -> ContractOut:
    """One version.

    :raises Problem: 404 `contract.not_found`.
    """
    columns = CONTRACT_VERSIONS.c
    query = select(CONTRACT_VERSIONS).where(columns.contract_id == contract_id, columns.version == version)
    row = (await uow.sql.execute(query)).one_or_none()
    if row is None:
        raise Problem(404, "contract.not_found", "There is no such version of a split contract")
    return _row_out(row)


def _row_out(row: Row[tuple[object, ...]]) -> ContractOut:
    contract: SplitContract = contract_of(row.canonical)
    return ContractOut(
        contract_id=contract.contract_id,
        sku_id=contract.sku_id,
        version=contract.version,
        hash=row.hash,
        effective_from=contract.effective_from,
        published_at=row.published_at,
        shares=[
            ShareOut(
                party_kind=share.party,
                partner_id=share.partner_id,
                share_bp=share.share_bp,
                remainder=share.remainder,
                earned_on=share.earned_on,
            )
            for share in contract.shares
        ],
        canonical=row.canonical.decode(),
    )


def _key_in(cursor: str) -> tuple[UUID, int]:
    contract_id, version = decode_cursor(cursor, parts=2)
    try:
        return UUID(str(contract_id)), int(version)
    except ValueError:
        raise Problem(422, "cursor.invalid", "The cursor is not one of ours") from None
