"""Members, operators, sessions."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _failed_attempts()
    _members()
    _operators()
    _sessions()
    _refresh_tokens()


def downgrade() -> None:
    for table in ("refresh_tokens", "sessions", "operators", "members", "failed_attempts"):
        op.drop_table(table)


def _failed_attempts() -> None:
    op.create_table(
        "failed_attempts",
        sa.Column("account_index", sa.LargeBinary(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("account_index", name=op.f("pk_failed_attempts")),
        comment="By a blind index of whatever was given as the account, so that unknown accounts lock as known ones do.",
    )
    op.create_index("ix_failed_attempts_last_at", "failed_attempts", ["last_at"], unique=False)


def _members() -> None:
    op.create_table(
        "members",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("phone_index", sa.LargeBinary(), nullable=True),
        sa.Column("phone_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("email_index", sa.LargeBinary(), nullable=True),
        sa.Column("email_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("kek_version", sa.Integer(), nullable=False),
        sa.Column("wrapped_dek", sa.LargeBinary(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("invite_code", sa.Text(), nullable=False),
        sa.Column("invited_by", sa.Uuid(), nullable=True),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(email_index IS NULL) = (email_sealed IS NULL)", name=op.f("ck_members_email_whole")),
        sa.CheckConstraint("(phone_index IS NULL) = (phone_sealed IS NULL)", name=op.f("ck_members_phone_whole")),
        sa.CheckConstraint("num_nonnulls(phone_index, email_index) > 0", name=op.f("ck_members_can_be_found")),
        sa.ForeignKeyConstraint(["invited_by"], ["members.member_id"], name=op.f("fk_members_invited_by")),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_members")),
        sa.UniqueConstraint("email_index", name=op.f("uq_members_email_index")),
        sa.UniqueConstraint("invite_code", name=op.f("uq_members_invite_code")),
        sa.UniqueConstraint("phone_index", name=op.f("uq_members_phone_index")),
    )
    op.create_index("ix_members_registered_at", "members", ["registered_at"], unique=False)


def _operators() -> None:
    op.create_table(
        "operators",
        sa.Column("operator_id", sa.Uuid(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("kek_version", sa.Integer(), nullable=False),
        sa.Column("wrapped_dek", sa.LargeBinary(), nullable=False),
        sa.Column("totp_sealed", sa.LargeBinary(), nullable=False),
        sa.Column(
            "totp_step", sa.BigInteger(), server_default="0", nullable=False, comment="the last 30 s step that was used"
        ),
        sa.Column("roles", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("operator_id", name=op.f("pk_operators")),
        sa.UniqueConstraint("login", name=op.f("uq_operators_login")),
    )


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('buyer', 'operator')", name=op.f("ck_sessions_known_kind")),
        sa.CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name=op.f("ck_sessions_ends_for_a_reason")),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_sessions")),
    )
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"], unique=False)


def _refresh_tokens() -> None:
    op.create_table(
        "refresh_tokens",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("predecessor", sa.LargeBinary(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("salt IS NULL OR used_at IS NOT NULL", name=op.f("ck_refresh_tokens_salt_of_used_ones")),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.session_id"], name=op.f("fk_refresh_tokens_session_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_refresh_tokens")),
    )
    op.create_index("ix_refresh_tokens_session_id", "refresh_tokens", ["session_id"], unique=False)
