"""Split contracts: one per component SKU, its versions append-only."""

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, Index, Integer, LargeBinary, String, Table, Uuid

from services.settlement.tables.metadata import METADATA

SPLIT_CONTRACTS = Table(
    "split_contracts",
    METADATA,
    Column("contract_id", Uuid, primary_key=True),
    Column("sku_id", Uuid, nullable=False, unique=True),
    Column("created_at", DateTime(timezone=True), nullable=False),
)

# `canonical` is the version: the very bytes under the hash. The other columns are for finding it.
CONTRACT_VERSIONS = Table(
    "contract_versions",
    METADATA,
    Column("contract_id", ForeignKey(SPLIT_CONTRACTS.c.contract_id), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("sku_id", Uuid, nullable=False),
    Column("effective_from", DateTime(timezone=True), nullable=False),
    Column("canonical", LargeBinary, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("published_by", Uuid),
    Column("published_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("version > 0", name="version_counts_from_one"),
    CheckConstraint("hash = encode(sha256(canonical), 'hex')", name="hash_of_canonical"),
    Index("uq_contract_versions_sku_id_version", "sku_id", "version", unique=True),
)
