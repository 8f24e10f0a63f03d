"""What the membership service reads from its environment."""

import json
from datetime import timedelta
from typing import Self

from pydantic import Field, model_validator

from services.membership.domain.roles import roles_named
from services.membership.domain.signin import LockPolicy, SessionPolicy, SubjectKind
from services.membership.usecases.operators import SeededOperator
from services.membership.usecases.passwords import HashingCost
from shared.crypto import Secret
from shared.settings import InsecureSettingsError, PlatformSettings

OWASP_MINIMUM = ((47_104, 1), (19_456, 2), (12_288, 3), (9_216, 4), (7_168, 5))
"""Argon2id with one lane, as memory in KiB and passes: OWASP Password Storage Cheat Sheet, 2025. Equally strong."""

ACCESS_TOKEN_LIFETIME = timedelta(minutes=15)


class Settings(PlatformSettings):
    """The membership service's settings."""

    database_url: str = Field(validation_alias="KAQUAN_MEMBERSHIP_DATABASE_URL")
    port: int = Field(default=8103, validation_alias="KAQUAN_MEMBERSHIP_PORT")

    wechat_url: str | None = None
    wechat_app_id: str = ""

    argon2_memory_kib: int = Field(default=19_456, ge=8)
    argon2_passes: int = Field(default=2, ge=1)
    argon2_lanes: int = Field(default=1, ge=1, le=8)
    argon2_at_once: int = Field(default=2, ge=1, le=64)
    argon2_waiting: int = Field(default=128, ge=0, le=10_000)

    sign_in_free_attempts: int = Field(default=5, ge=1)
    sign_in_first_wait_s: int = Field(default=30, ge=1)
    sign_in_longest_wait_s: int = Field(default=900, ge=1, le=86_400)
    refresh_grace_s: int = Field(default=10, ge=0, le=60)
    tier_grace_days: int = Field(default=30, ge=0, le=365)
    tier_job_every_s: float = Field(default=15.0, gt=0)

    @model_validator(mode="after")
    def _refuse_weak_hashing(self) -> Self:
        strong = any(
            self.argon2_memory_kib >= memory and self.argon2_passes >= passes for memory, passes in OWASP_MINIMUM
        )
        if self.is_production and not strong:
            raise InsecureSettingsError("Argon2id below OWASP's minimum")
        return self

    @property
    def hashing_cost(self) -> HashingCost:
        return HashingCost(
            memory_kib=self.argon2_memory_kib,
            passes=self.argon2_passes,
            lanes=self.argon2_lanes,
            at_once=self.argon2_at_once,
            waiting=self.argon2_waiting,
        )

    @property
    def lock_policy(self) -> LockPolicy:
        return LockPolicy(
            free_attempts=self.sign_in_free_attempts,
            first_wait=timedelta(seconds=self.sign_in_first_wait_s),
            longest_wait=timedelta(seconds=self.sign_in_longest_wait_s),
        )

    @property
    def session_policies(self) -> dict[SubjectKind, SessionPolicy]:
        """Buyers stay signed in for a season; operators sign in anew every day."""
        grace = timedelta(seconds=self.refresh_grace_s)
        return {
            SubjectKind.BUYER: SessionPolicy(idle=timedelta(days=30), longest=timedelta(days=90), grace=grace),
            SubjectKind.OPERATOR: SessionPolicy(idle=timedelta(hours=2), longest=timedelta(hours=12), grace=grace),
        }

    @property
    def tier_grace(self) -> timedelta:
        return timedelta(days=self.tier_grace_days)

    def read_operator_seed(self) -> list[SeededOperator]:
        """The operators an installation begins with; none where there is no such file.

        :raises UnknownRoleError: one of them has a role that there is not.
        """
        file = self.keys_dir / "operator-seed.json"
        if not file.exists():
            return []
        return [
            SeededOperator(
                login=one["login"],
                password=Secret(one["password"]),
                totp_secret=Secret(one["totp_secret"]),
                roles=roles_named(one["roles"]),
            )
            for one in json.loads(file.read_text(encoding="utf-8"))
        ]
