"""A member's ways to be reached beside those he registered with."""

from uuid import UUID

from services.membership.domain.contacts import Contact
from services.membership.domain.vault import Vault
from services.membership.repository import accounts
from shared.database import UnitOfWork


class MemberUnknownError(Exception):
    """There is no such member."""


async def bind_wechat(uow: UnitOfWork, *, vault: Vault, member_id: UUID, openid: Contact) -> None:
    """Remember who the member is to the mini-program; another one before is replaced.

    :raises MemberUnknownError: there is no such member.
    :raises WechatTakenError: somebody else has bound the same.
    """
    key = await accounts.lock_key(uow, member_id)
    if key is None:
        raise MemberUnknownError(str(member_id))
    await accounts.set_wechat(uow, member_id, index=vault.index(openid), text=vault.seal_under(key, member_id, openid))
