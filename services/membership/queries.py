"""Reads of the membership service: no locks, no writes."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, Select, func, or_, select

from services.membership.domain.contacts import Contact, ContactKind
from services.membership.domain.tiers import Tier, TierTable, ladder
from services.membership.domain.vault import SealedContacts, Vault
from services.membership.schemas import (
    ContactOut,
    FiguresOut,
    MemberOut,
    MemberPage,
    NextTierOut,
    OperatorMemberOut,
    StandingOut,
    TierOut,
    TierTableOut,
)
from services.membership.tables import MEMBERS, STANDINGS, TIER_TABLES, TIERS
from shared.clock import business_day, business_day_bounds
from shared.crypto import WrappedKey
from shared.database import UnitOfWork
from shared.http import Problem, decode_cursor, encode_cursor
from shared.money import CNY


async def member(uow: UnitOfWork, *, member_id: UUID, vault: Vault) -> MemberOut | None:
    """An account as its owner sees it; None when there is none."""
    found = (await uow.sql.execute(_members().where(MEMBERS.c.member_id == member_id))).one_or_none()
    if found is None:
        return None
    return _seen(found, await _table(uow), vault)


async def standing(uow: UnitOfWork, *, member_id: UUID) -> StandingOut | None:
    """A member's tier, what he has spent, and what the next tier asks for; None when there is no such member."""
    statement = select(STANDINGS).where(STANDINGS.c.member_id == member_id)
    found = (await uow.sql.execute(statement)).one_or_none()
    if found is None:
        return None
    table = await _table(uow)
    tier = table.by_code(found.tier_code) or table.earned_by(found.spend_minor)
    following = table.after(tier)
    return StandingOut(
        tier=_tier(tier),
        spend_minor=found.spend_minor,
        currency=CNY,
        price_bp=found.price_bp,
        next_tier=_next_tier(following, found.spend_minor) if following else None,
        downgrade_at=found.downgrade_at,
    )


async def members(
    uow: UnitOfWork,
    *,
    vault: Vault,
    member_id: UUID | None,
    contact_index: bytes | None,
    cursor: str | None,
    limit: int,
) -> MemberPage:
    """Members, the newest first: all, or the one with this id or contact.

    :raises Problem: 422 `cursor.invalid`.
    """
    statement = _members().order_by(MEMBERS.c.member_id.desc()).limit(limit + 1)
    if member_id is not None:
        statement = statement.where(MEMBERS.c.member_id == member_id)
    if contact_index is not None:
        statement = statement.where(or_(MEMBERS.c.phone_index == contact_index, MEMBERS.c.email_index == contact_index))
    if cursor is not None:
        statement = statement.where(MEMBERS.c.member_id < _cursor_id(cursor))
    rows = (await uow.sql.execute(statement)).all()
    table = await _table(uow)
    items = [_for_operator(row, table, vault) for row in rows[:limit]]
    return MemberPage(items=items, next_cursor=encode_cursor(str(items[-1].member_id)) if len(rows) > limit else None)


async def contacts(uow: UnitOfWork, *, member_ids: Sequence[UUID], vault: Vault) -> list[ContactOut]:
    """Plain contacts of these members; those that are not there are left out."""
    found = (await uow.sql.execute(select(MEMBERS).where(MEMBERS.c.member_id.in_(member_ids)))).all()
    return [
        ContactOut(
            member_id=row.member_id,
            phone=_plain(row, ContactKind.PHONE, vault),
            email=_plain(row, ContactKind.EMAIL, vault),
            wechat_openid=_plain(row, ContactKind.WECHAT, vault),
        )
        for row in found
    ]


async def tier_table(uow: UnitOfWork) -> TierTableOut:
    """The tiers in force."""
    table = await _table(uow)
    return TierTableOut(version=table.version, items=[_tier(tier) for tier in table.tiers])


async def figures(uow: UnitOfWork, *, now: datetime) -> FiguresOut:
    """How many members there are, by tier, and how many are new today."""
    by_tier = select(STANDINGS.c.tier_code, func.count().label("members")).group_by(STANDINGS.c.tier_code)
    counted = {row.tier_code: row.members for row in await uow.sql.execute(by_tier)}
    midnight, _ = business_day_bounds(business_day(now))
    today = select(func.count()).select_from(MEMBERS).where(MEMBERS.c.registered_at >= midnight)
    registrations = (await uow.sql.execute(today)).scalar_one()
    return FiguresOut(members=sum(counted.values()), registrations_today=registrations, by_tier=counted)


def _members() -> Select[tuple[object, ...]]:
    return select(
        MEMBERS,
        STANDINGS.c.tier_code,
        STANDINGS.c.price_bp,
        STANDINGS.c.spend_minor,
        STANDINGS.c.downgrade_at,
    ).join_from(MEMBERS, STANDINGS, MEMBERS.c.member_id == STANDINGS.c.member_id)


async def _table(uow: UnitOfWork) -> TierTable:
    newest = select(func.max(TIER_TABLES.c.version)).scalar_subquery()
    rows: Sequence[Row] = (await uow.sql.execute(select(TIERS).where(TIERS.c.version == newest))).all()  # type: ignore[type-arg]  # its shape is the table's
    tiers = [Tier(row.code, row.name, row.threshold_minor, row.price_bp) for row in rows]
    return ladder(tiers, version=rows[0].version)


def _seen(row: Row, table: TierTable, vault: Vault) -> MemberOut:  # type: ignore[type-arg]  # see _members
    tier = table.by_code(row.tier_code)
    return MemberOut(
        member_id=row.member_id,
        phone=_masked(row, ContactKind.PHONE, vault),
        email=_masked(row, ContactKind.EMAIL, vault),
        invite_code=row.invite_code,
        registered_at=row.registered_at,
        tier=row.tier_code,
        tier_name=tier.name if tier else row.tier_code,
        price_bp=row.price_bp,
    )


def _for_operator(row: Row, table: TierTable, vault: Vault) -> OperatorMemberOut:  # type: ignore[type-arg]  # see _members
    return OperatorMemberOut(
        **_seen(row, table, vault).model_dump(),
        invited_by=row.invited_by,
        spend_minor=row.spend_minor,
        downgrade_at=row.downgrade_at,
    )


def _masked(row: Row, kind: ContactKind, vault: Vault) -> str | None:  # type: ignore[type-arg]  # see _members
    contact = _contact(row, kind, vault)
    return contact.masked if contact else None


def _contact(row: Row, kind: ContactKind, vault: Vault) -> Contact | None:  # type: ignore[type-arg]  # see _members
    text = row._mapping[f"{kind}_sealed"]  # noqa: SLF001  # SQLAlchemy's public name for it
    if text is None:
        return None
    return vault.open_contact(
        row.member_id, kind, SealedContacts(WrappedKey(row.kek_version, row.wrapped_dek), {}, {kind: text})
    )


def _plain(row: Row, kind: ContactKind, vault: Vault) -> str | None:  # type: ignore[type-arg]  # see _members
    contact = _contact(row, kind, vault)
    return contact.value if contact else None


def _tier(tier: Tier) -> TierOut:
    return TierOut(code=tier.code, name=tier.name, threshold_minor=tier.threshold_minor, price_bp=tier.price_bp)


def _next_tier(tier: Tier, spend_minor: int) -> NextTierOut:
    return NextTierOut(**_tier(tier).model_dump(), missing_minor=tier.threshold_minor - spend_minor)


def _cursor_id(cursor: str) -> UUID:
    try:
        return UUID(str(decode_cursor(cursor, parts=1)[0]))
    except ValueError:
        raise Problem(422, "cursor.invalid", "The cursor is not one of ours") from None
