from shared.database import UnitOfWork


async def fix_snapshot(uow: UnitOfWork) -> None:
    """From here on the unit of work sees one state of the ledger. Must be the first statement of the transaction."""
    await uow.raw.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
