"""Partners with their keys, split contracts with their versions."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _partners()
    _partner_keys()
    _split_contracts()
    _contract_versions()


def downgrade() -> None:
    for table in ("contract_versions", "split_contracts", "partner_keys", "partners"):
        op.drop_table(table)


def _partners() -> None:
    op.create_table(
        "partners",
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("name <> ''", name=op.f("ck_partners_named")),
        sa.PrimaryKeyConstraint("partner_id", name=op.f("pk_partners")),
    )


def _partner_keys() -> None:
    op.create_table(
        "partner_keys",
        sa.Column("key_id", sa.String(length=40), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("algorithm", sa.String(length=20), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=True),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=True),
        sa.Column("kek_version", sa.Integer(), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "CASE algorithm WHEN 'ed25519' THEN octet_length(public_key) = 32 AND sealed_secret IS NULL AND wrapped_key IS NULL AND kek_version IS NULL WHEN 'hmac-sha256' THEN public_key IS NULL AND sealed_secret IS NOT NULL AND wrapped_key IS NOT NULL AND kek_version IS NOT NULL ELSE false END",
            name=op.f("ck_partner_keys_material"),
        ),
        sa.ForeignKeyConstraint(["partner_id"], ["partners.partner_id"], name=op.f("fk_partner_keys_partner_id")),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_partner_keys")),
    )
    op.create_index("ix_partner_keys_partner_id", "partner_keys", ["partner_id"], unique=False)


def _split_contracts() -> None:
    op.create_table(
        "split_contracts",
        sa.Column("contract_id", sa.Uuid(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("contract_id", name=op.f("pk_split_contracts")),
        sa.UniqueConstraint("sku_id", name=op.f("uq_split_contracts_sku_id")),
    )


def _contract_versions() -> None:
    op.create_table(
        "contract_versions",
        sa.Column("contract_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("effective_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("canonical", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("published_by", sa.Uuid(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "hash = encode(sha256(canonical), 'hex')", name=op.f("ck_contract_versions_hash_of_canonical")
        ),
        sa.CheckConstraint("version > 0", name=op.f("ck_contract_versions_version_counts_from_one")),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["split_contracts.contract_id"], name=op.f("fk_contract_versions_contract_id")
        ),
        sa.PrimaryKeyConstraint("contract_id", "version", name=op.f("pk_contract_versions")),
    )
    op.create_index("uq_contract_versions_sku_id_version", "contract_versions", ["sku_id", "version"], unique=True)
