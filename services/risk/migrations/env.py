from services.risk.tables import METADATA
from shared.database.migrate import run_migrations

run_migrations(METADATA)
