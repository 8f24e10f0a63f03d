"""The unit of work, and what a service needs around it: connections, locks, doorbells, coalescing, migrations."""

from shared.database.auxiliary import Lease
from shared.database.coalesce import Coalescer, CoalescerFullError
from shared.database.database import Database
from shared.database.errors import (
    DatabaseContentionError,
    DatabaseError,
    DatabaseUnavailableError,
    TransactionAbortedError,
    TransientDatabaseError,
    violated,
)
from shared.database.naming import metadata
from shared.database.session import Connection
from shared.database.unit_of_work import UnitOfWork

__all__ = [
    "Coalescer",
    "CoalescerFullError",
    "Connection",
    "Database",
    "DatabaseContentionError",
    "DatabaseError",
    "DatabaseUnavailableError",
    "Lease",
    "TransactionAbortedError",
    "TransientDatabaseError",
    "UnitOfWork",
    "metadata",
    "violated",
]
