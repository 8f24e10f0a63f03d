"""Opening an account."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.membership import events
from services.membership.domain.accounts import INVITE_CHARS, InviteUnknownError, NewMember, invite_code_from
from services.membership.domain.contacts import Contact
from services.membership.domain.tiers import first_standing
from services.membership.domain.vault import Vault
from services.membership.repository import accounts, tiers
from shared.clock import new_id
from shared.database import UnitOfWork
from shared.messaging import announce


async def register(
    uow: UnitOfWork,
    *,
    vault: Vault,
    contacts: Sequence[Contact],
    password_hash: str,
    invite_code: str | None,
    now: datetime,
) -> UUID:
    """Open an account with the base tier, and tell the others of both.

    :raises AccountExistsError: somebody has registered with one of these contacts, perhaps this moment.
    :raises InviteUnknownError: nobody has this invite code.
    """
    member_id = new_id()
    member = NewMember(
        member_id=member_id,
        contacts=vault.seal_contacts(member_id, contacts),
        password_hash=password_hash,
        invite_code=invite_code_from(secrets.token_bytes(INVITE_CHARS)),
        invited_by=await _inviter(uow, invite_code),
        registered_at=now,
    )
    standing = first_standing(member_id, await tiers.current_table(uow))
    await accounts.add_member(uow, member)
    await tiers.add_standing(uow, standing)
    announce(uow, events.registered(member), events.tier_changed(standing, previous=None, now=now), now=now)
    return member_id


async def _inviter(uow: UnitOfWork, invite_code: str | None) -> UUID | None:
    if invite_code is None:
        return None
    invited_by = await accounts.inviter(uow, invite_code.strip().upper())
    if invited_by is None:
        raise InviteUnknownError("nobody has this invite code")
    return invited_by
