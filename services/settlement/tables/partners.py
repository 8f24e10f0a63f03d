"""Whom the platform shares with, and the keys they sign with."""

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, Index, Integer, LargeBinary, String, Table, Uuid

from services.settlement.tables.metadata import METADATA

PARTNERS = Table(
    "partners",
    METADATA,
    Column("partner_id", Uuid, primary_key=True),
    Column("name", String(100), nullable=False),
    Column("created_by", Uuid),
    Column("created_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("name <> ''", name="named"),
)

PARTNER_KEYS = Table(
    "partner_keys",
    METADATA,
    Column("key_id", String(40), primary_key=True),
    Column("partner_id", ForeignKey(PARTNERS.c.partner_id), nullable=False),
    Column("algorithm", String(20), nullable=False),
    Column("public_key", LargeBinary),  # ed25519: 32 bytes, not secret
    Column("sealed_secret", LargeBinary),  # hmac-sha256: under a data key of its own
    Column("wrapped_key", LargeBinary),
    Column("kek_version", Integer),
    Column("created_by", Uuid),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True)),
    Column("revoked_at", DateTime(timezone=True)),
    CheckConstraint(
        "CASE algorithm"
        " WHEN 'ed25519' THEN octet_length(public_key) = 32"
        " AND sealed_secret IS NULL AND wrapped_key IS NULL AND kek_version IS NULL"
        " WHEN 'hmac-sha256' THEN public_key IS NULL"
        " AND sealed_secret IS NOT NULL AND wrapped_key IS NOT NULL AND kek_version IS NOT NULL"
        " ELSE false END",
        name="material",
    ),
    Index("ix_partner_keys_partner_id", "partner_id"),
)
