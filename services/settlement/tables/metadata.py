from shared.database import metadata

METADATA = metadata("settlement")
