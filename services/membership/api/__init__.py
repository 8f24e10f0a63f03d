"""The membership service over HTTP: accounts and sessions, one's own standing, and what operators see and set."""

from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from services.membership import queries
from services.membership.api.contacts import contacts_router
from services.membership.clients.wechat import WechatCodeError, WechatSignIn, WechatUnavailableError
from services.membership.domain.accounts import (
    AccountExistsError,
    ContactMissingError,
    InviteUnknownError,
    WechatTakenError,
    one_contact,
)
from services.membership.domain.contacts import Contact, ContactInvalidError
from services.membership.domain.signin import (
    PasswordRefusedError,
    RefreshRefusedError,
    RefreshReusedError,
    RefreshVerdict,
    SignInBusyError,
    SignInLockedError,
    SignInRefusedError,
    SubjectKind,
    check_password,
)
from services.membership.domain.tiers import Tier, TierTableInvalidError
from services.membership.domain.vault import Vault
from services.membership.schemas import (
    FiguresOut,
    MemberOut,
    MemberPage,
    MemberTokensOut,
    OperatorTokensOut,
    RefreshIn,
    RegisterIn,
    SignInIn,
    StandingOut,
    TierOut,
    TierTableIn,
    TierTableOut,
)
from services.membership.usecases import registration, tiers
from services.membership.usecases.contacts import MemberUnknownError
from services.membership.usecases.sessions import Tokens
from services.membership.usecases.signin import SignIn
from shared.clock import utc_now
from shared.crypto import Secret
from shared.http import (
    DEFAULT_PAGE,
    BuyerCaller,
    Cursor,
    Idempotent,
    Identity,
    PageSize,
    Problem,
    ProblemSpec,
    Reading,
    Role,
    ServiceCaller,
    Work,
    require,
)

PROBLEMS: Final = {
    AccountExistsError: ProblemSpec(409, "account.exists", "There is an account already"),
    ContactMissingError: ProblemSpec(400, "contact.missing", "A phone number or an e-mail address is needed"),
    ContactInvalidError: ProblemSpec(400, "contact.invalid", "The phone number or e-mail address is not valid"),
    PasswordRefusedError: ProblemSpec(400, "password.refused", "Choose another password"),
    InviteUnknownError: ProblemSpec(400, "invite.unknown", "The invite code is not known"),
    SignInRefusedError: ProblemSpec(401, "auth.invalid", "Not signed in"),
    SignInLockedError: ProblemSpec(429, "auth.locked", "Too many attempts"),
    SignInBusyError: ProblemSpec(503, "auth.busy", "Try again in a moment"),
    RefreshRefusedError: ProblemSpec(401, "auth.expired", "Sign in again"),
    RefreshReusedError: ProblemSpec(401, "auth.reused", "Sign in again"),
    WechatTakenError: ProblemSpec(409, "wechat.taken", "Another account is bound to this WeChat"),
    WechatCodeError: ProblemSpec(400, "wechat.code_invalid", "WeChat does not know this code"),
    WechatUnavailableError: ProblemSpec(503, "wechat.unavailable", "WeChat does not answer"),
    MemberUnknownError: ProblemSpec(404, "member.not_found", "There is no such member"),
    TierTableInvalidError: ProblemSpec(400, "tiers.invalid", "The tiers do not make a ladder"),
}

MembersOperator = Annotated[Identity, Depends(require(Role.OPERATOR, scope="members"))]
TiersOperator = Annotated[Identity, Depends(require(Role.OPERATOR, scope="tiers"))]
AnyTokens = MemberTokensOut | OperatorTokensOut


@dataclass(frozen=True, slots=True)
class Doors:
    """What the paths work with."""

    sign_in: SignIn
    vault: Vault
    wechat: WechatSignIn


def router(doors: Doors) -> APIRouter:
    """All paths of the service."""
    routes = APIRouter()
    routes.include_router(_auth(doors))
    routes.include_router(_own(doors))
    routes.include_router(_operators(doors))
    routes.include_router(contacts_router(doors.sign_in.database, doors.vault, doors.wechat))
    return routes


def _auth(doors: Doors) -> APIRouter:
    """Signing in is exempt from `Idempotency-Key`: a repeated registration meets its own account and signs in."""
    routes = APIRouter()
    sign_in, database = doors.sign_in, doors.sign_in.database

    @routes.post("/v1/auth/register", status_code=201)
    async def register(body: RegisterIn) -> MemberTokensOut:
        contacts = one_contact(_contacts(body))
        password = Secret(body.password.get_secret_value())
        check_password(password.reveal(), contacts=tuple(contact.value for contact in contacts))
        password_hash = await sign_in.passwords.hash(password)
        now = utc_now()
        async with database.begin() as uow:
            member_id = await registration.register(
                uow,
                vault=doors.vault,
                contacts=contacts,
                password_hash=password_hash,
                invite_code=body.invite_code,
                now=now,
            )
            tokens = await sign_in.sessions.begin(uow, kind=SubjectKind.BUYER, subject_id=member_id, scopes=(), now=now)
        return _member_tokens(tokens)

    @routes.post("/v1/auth/login")
    async def login(body: SignInIn) -> AnyTokens:
        password = Secret(body.password.get_secret_value())
        if body.login is not None:
            return _any_tokens(await sign_in.operator(body.login, password, body.totp or "", now=utc_now()))
        (contact,) = _contacts(body)
        return _any_tokens(await sign_in.buyer(contact, password, now=utc_now()))

    @routes.post("/v1/auth/refresh")
    async def refresh(body: RefreshIn) -> AnyTokens:
        token = Secret(body.refresh_token.get_secret_value())
        async with database.begin() as uow:
            refreshed = await sign_in.sessions.refresh(uow, token=token, now=utc_now())
        if refreshed.verdict is RefreshVerdict.REUSED:
            raise RefreshReusedError("the refresh token was used before: its session has been ended")
        if refreshed.tokens is None:
            raise RefreshRefusedError("the refresh token is unknown or expired, or its session has ended")
        return _any_tokens(refreshed.tokens)

    @routes.post("/v1/auth/logout", status_code=204)
    async def logout(body: RefreshIn) -> None:
        """Answers the same whether the session was alive or not."""
        async with database.begin() as uow:
            await sign_in.sessions.end(uow, token=Secret(body.refresh_token.get_secret_value()), now=utc_now())

    return routes


def _own(doors: Doors) -> APIRouter:
    routes = APIRouter()

    @routes.get("/v1/me")
    async def read_me(caller: BuyerCaller, work: Reading) -> MemberOut:
        member = await queries.member(work, member_id=_member_id(caller), vault=doors.vault)
        if member is None:
            raise _unknown_member()
        return member

    @routes.get("/v1/me/tier")
    async def read_tier(caller: BuyerCaller, work: Reading) -> StandingOut:
        standing = await queries.standing(work, member_id=_member_id(caller))
        if standing is None:
            raise _unknown_member()
        return standing

    return routes


def _operators(doors: Doors) -> APIRouter:
    routes = APIRouter()

    @routes.get("/v1/ops/members")
    async def list_members(
        _: MembersOperator,
        work: Reading,
        member_id: UUID | None = None,
        phone: str | None = None,
        email: str | None = None,
        cursor: Cursor = None,
        limit: PageSize = DEFAULT_PAGE,
    ) -> MemberPage:
        contact = Contact.phone(phone) if phone else Contact.email(email) if email else None
        return await queries.members(
            work,
            vault=doors.vault,
            member_id=member_id,
            contact_index=doors.vault.index(contact) if contact else None,
            cursor=cursor,
            limit=limit,
        )

    @routes.get("/v1/ops/tiers")
    async def list_tiers(_: TiersOperator, work: Reading) -> TierTableOut:
        return await queries.tier_table(work)

    @routes.put("/v1/ops/tiers", response_model=TierTableOut)
    async def change_tiers(body: TierTableIn, caller: TiersOperator, work: Work, call: Idempotent) -> Response:
        if stored := await call.once(work):
            return stored.response()
        wanted = [Tier(**tier.model_dump()) for tier in body.tiers]
        table = await tiers.change_table(work, wanted, operator=caller.subject, now=utc_now())
        items = [TierOut.model_validate(tier, from_attributes=True) for tier in table.tiers]
        answer = TierTableOut(version=table.version, items=items)
        return await call.keep(work, status=200, body=answer.model_dump_json().encode())

    @routes.get("/internal/figures")
    async def read_figures(_: ServiceCaller, work: Reading) -> FiguresOut:
        return await queries.figures(work, now=utc_now())

    return routes


def _contacts(body: RegisterIn | SignInIn) -> list[Contact]:
    contacts = []
    if body.phone is not None:
        contacts.append(Contact.phone(body.phone))
    if body.email is not None:
        contacts.append(Contact.email(body.email))
    return contacts


def _any_tokens(tokens: Tokens) -> AnyTokens:
    return _member_tokens(tokens) if tokens.kind is SubjectKind.BUYER else _operator_tokens(tokens)


def _member_tokens(tokens: Tokens) -> MemberTokensOut:
    return MemberTokensOut(
        member_id=tokens.subject_id,
        access_token=tokens.access.reveal(),
        refresh_token=tokens.refresh.reveal(),
        expires_in=int(tokens.expires_in.total_seconds()),
    )


def _operator_tokens(tokens: Tokens) -> OperatorTokensOut:
    return OperatorTokensOut(
        operator_id=tokens.subject_id,
        access_token=tokens.access.reveal(),
        refresh_token=tokens.refresh.reveal(),
        expires_in=int(tokens.expires_in.total_seconds()),
    )


def _member_id(caller: Identity) -> UUID:
    assert caller.member_id is not None  # noqa: S101  # a buyer has one
    return caller.member_id


def _unknown_member() -> Problem:
    return Problem(404, "member.not_found", "There is no such member")
