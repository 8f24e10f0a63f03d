"""Signing in from a page: tokens become cookies that no script reads, and the page gets a CSRF token to hold in memory.

Apps and mini-programs use `/v1/auth/…` and hold their tokens themselves.
"""

import time
from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from gateway.auth import (
    DEVICE_S,
    PAGE_KEY,
    AuthError,
    Credential,
    Page,
    PageTokens,
    SignedInAs,
    TokenVerifier,
    new_device,
)
from gateway.clients import Neighbours
from shared.http.client import ServiceRefusedError, ServiceUnavailableError
from shared.http.identity import Identity, Role
from shared.http.problems import PROBLEM_TYPE, Problem
from shared.observability import get_logger

log = get_logger(__name__)

_UNAUTHORIZED = 401
_CONTACT = Field(default=None, min_length=3, max_length=320)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class SignInIn(_Body):
    """Buyers give `phone` or `email`, operators `login` and `totp`."""

    phone: Annotated[str | None, _CONTACT] = None
    email: Annotated[str | None, _CONTACT] = None
    login: Annotated[str | None, Field(max_length=100)] = None
    password: Annotated[SecretStr, Field(max_length=256)]
    totp: Annotated[str | None, Field(max_length=6)] = None


class AccountIn(_Body):
    """A new buyer: a phone number, an e-mail address, or both."""

    phone: Annotated[str | None, _CONTACT] = None
    email: Annotated[str | None, _CONTACT] = None
    password: Annotated[SecretStr, Field(max_length=256)]
    invite_code: Annotated[str | None, Field(min_length=4, max_length=32)] = None


class SessionOut(BaseModel):
    """Who this browser is. `csrf_token` goes with everything a page changes, as `X-CSRF-Token`.

    `expires_in` is for the present access token, 0 where a renewal is due. `guest_orders` may be named as `X-Guest-Order`.
    """

    signed_in: bool
    subject: UUID | None = None
    scopes: list[str] = []
    expires_in: int = 0
    csrf_token: str
    guest_orders: list[UUID] = []


def _page(request: Request) -> Page:
    read: Callable[[], Page] = request.scope[PAGE_KEY]
    return read()


def _proved_page(page: Annotated[Page, Depends(_page)]) -> Page:
    if not page.proved:
        raise Problem(403, "csrf.missing", "Not sent by our page", "X-CSRF-Token is needed; GET /v1/session gives it")
    return page


AnyPage = Annotated[Page, Depends(_page)]
OurPage = Annotated[Page, Depends(_proved_page)]


class Sessions:
    """Speaks to membership for pages."""

    def __init__(self, *, neighbours: Neighbours, tokens: TokenVerifier, page_tokens: PageTokens) -> None:
        self._neighbours = neighbours
        self._tokens = tokens
        self._page_tokens = page_tokens

    def present(self, page: Page, who: SignedInAs) -> tuple[SessionOut, list[bytes]]:
        """Whom the cookies show, and the cookie of a device that has none yet."""
        device = page.device or new_device()
        cookies = [page.jar.put(page.jar.device, device, max_age_s=DEVICE_S)]
        token = page.cookies.get(page.jar.access(who))
        credential = self._read(token) if token is not None else None
        return self._told(page, device, credential), cookies

    async def begin(
        self, page: Page, request: Request, path: str, body: dict[str, Any]
    ) -> tuple[SessionOut, list[bytes]]:
        """Ask membership for tokens.

        :raises Problem: it said no, or did not answer.
        """
        tokens = await self._ask(path, request=request, page=page, body=body)
        who = SignedInAs.BUYER if "member_id" in tokens else SignedInAs.OPERATOR
        access, refresh = str(tokens["access_token"]), str(tokens["refresh_token"])
        told = self._told(page, page.device or "", self._read(access))
        return told, page.sign_in(who, access=access, refresh=refresh)

    async def renew(self, page: Page, request: Request, who: SignedInAs) -> tuple[SessionOut, list[bytes]]:
        """Exchange the refresh token. Two tabs may do so at once: membership's grace covers that.

        :raises Problem: 401, there is none, or its session has ended.
        """
        refresh = page.cookies.get(page.jar.renewal(who))
        if refresh is None:
            raise Problem(_UNAUTHORIZED, "auth.missing", "Not signed in", "sign in first")
        return await self.begin(page, request, "/v1/auth/refresh", {"refresh_token": refresh})

    async def end(self, page: Page, request: Request, who: SignedInAs) -> list[bytes]:
        """Forget a sign-in: here in any case, and at membership where it answers; else its session ends by time."""
        refresh = page.cookies.get(page.jar.renewal(who))
        if refresh is not None:
            try:
                await self._ask("/v1/auth/logout", request=request, page=page, body={"refresh_token": refresh})
            except Problem as problem:
                log.warning("session.not_ended", code=problem.code)
        return page.sign_out(who)

    async def _ask(self, path: str, *, request: Request, page: Page, body: dict[str, Any]) -> Any:
        address = request.client.host if request.client else ""
        visitor = Identity(Role.ANONYMOUS, "", ip=address, device=page.device)
        try:
            return await self._neighbours.membership(path, body, visitor=visitor)
        except ServiceRefusedError as error:
            told = {name: value for name, value in error.body.items() if name not in _SAID}
            title = str(error.body.get("title", "Refused"))
            raise Problem(error.status, error.code, title, error.detail or None, **told) from error
        except ServiceUnavailableError as error:
            headers = {"retry-after": "1"}
            raise Problem(
                503, "service.unavailable", "A part of the platform does not answer", headers=headers
            ) from error

    def _told(self, page: Page, device: str, credential: Credential | None) -> SessionOut:
        told = SessionOut(
            signed_in=credential is not None,
            csrf_token=self._page_tokens.make(device),
            guest_orders=page.jar.guest_orders(page.cookies),
        )
        if credential is not None:
            told.subject = UUID(credential.identity.subject)
            told.scopes = sorted(credential.identity.scopes)
            told.expires_in = max(0, int(credential.expires_at - time.time()))
        return told

    def _read(self, token: str) -> Credential | None:
        """Whose token it is, one that is over too: its owner is still signed in, and renews."""
        try:
            return self._tokens.verify(token.encode(), now=0)
        except AuthError:
            return None


_SAID = frozenset({"type", "title", "status", "code", "detail", "request_id"})


def sessions_router(sessions: Sessions) -> APIRouter:
    """`/v1/session` and below."""
    router = APIRouter(prefix="/v1/session", tags=["pages"])

    @router.get("", response_model=SessionOut)
    async def read_session(page: AnyPage, who: SignedInAs = SignedInAs.BUYER) -> Response:
        """Who this browser is to the pages of buyers or operators. Asked once by every page that opens."""
        return _answer(*sessions.present(page, who))

    @router.post("", response_model=SessionOut)
    async def sign_in(body: SignInIn, page: OurPage, request: Request) -> Response:
        """Sign in."""
        return _answer(*await sessions.begin(page, request, "/v1/auth/login", _plain(body)))

    @router.post("/account", status_code=201, response_model=SessionOut)
    async def register(body: AccountIn, page: OurPage, request: Request) -> Response:
        """Register, and be signed in."""
        return _answer(*await sessions.begin(page, request, "/v1/auth/register", _plain(body)), status=201)

    @router.post("/renewal", response_model=SessionOut)
    async def renew(page: OurPage, request: Request, who: SignedInAs = SignedInAs.BUYER) -> Response:
        """A new access token. Where the session has ended, the cookies end with it."""
        try:
            return _answer(*await sessions.renew(page, request, who))
        except Problem as problem:
            if problem.status != _UNAUTHORIZED:
                raise
            ended = Response(problem.body(), status_code=problem.status, media_type=PROBLEM_TYPE)
            return _with_cookies(ended, page.sign_out(who))

    @router.delete("", status_code=204)
    async def sign_out(page: OurPage, request: Request, who: SignedInAs = SignedInAs.BUYER) -> Response:
        """Sign out."""
        return _with_cookies(Response(status_code=204), await sessions.end(page, request, who))

    return router


def _answer(told: SessionOut, cookies: list[bytes], *, status: int = 200) -> Response:
    return _with_cookies(Response(told.model_dump_json(), status_code=status, media_type="application/json"), cookies)


def _with_cookies(response: Response, cookies: list[bytes]) -> Response:
    response.headers["cache-control"] = "no-store"
    response.raw_headers.extend((b"set-cookie", cookie) for cookie in cookies)
    return response


def _plain(body: SignInIn | AccountIn) -> dict[str, Any]:
    """As membership takes it; what was left out stays out."""
    told = body.model_dump(exclude_unset=True)
    return {**told, "password": body.password.get_secret_value()}
