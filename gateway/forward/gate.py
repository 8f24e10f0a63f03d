"""May this request pass: who asks, for whom the route is, and how much was asked already."""

import time
from functools import partial

from gateway.auth import (
    Audience,
    AuthError,
    ClientAddresses,
    Credential,
    Page,
    PageTokens,
    PartnerVerifier,
    SignedMessage,
    TokenVerifier,
    anonymous,
)
from gateway.forward.browsers import Browsers
from gateway.forward.incoming import Incoming, too_large
from gateway.limits import REFUSED, Limiter, RateClass
from shared.http.bounded import BoundedMap
from shared.http.identity import IdentitySigner, Role
from shared.http.problems import Problem

ANONYMOUS_CACHED = 10_000
"""Addresses whose signed header is kept."""

_LOOKS_AWAY = frozenset({Audience.PUBLIC, Audience.PROVIDER})
_ADMITTED: dict[Audience, frozenset[Role]] = {
    Audience.ANYONE: frozenset({Role.BUYER, Role.ANONYMOUS}),
    Audience.BUYER: frozenset({Role.BUYER}),
    Audience.BUYER_OR_GUEST: frozenset({Role.BUYER, Role.GUEST}),
    Audience.OPERATOR: frozenset({Role.OPERATOR}),
    Audience.PARTNER: frozenset({Role.PARTNER}),
    Audience.CHANNEL: frozenset({Role.CHANNEL}),
}
_BEARER = b"bearer "
_CHALLENGE = {"www-authenticate": "Bearer"}
_SIGNATURE_CHALLENGE = {"www-authenticate": 'Signature headers="@method @path @query content-digest"'}


class Gate:
    """Decides, and leaves in the request whom it found."""

    def __init__(
        self,
        *,
        addresses: ClientAddresses,
        tokens: TokenVerifier,
        partners: PartnerVerifier,
        limiter: Limiter,
        page_tokens: PageTokens,
    ) -> None:
        self._addresses = addresses
        self._browsers = Browsers(addresses=addresses, page_tokens=page_tokens, tokens=tokens)
        self._tokens = tokens
        self._partners = partners
        self._limiter = limiter
        self._nobody: BoundedMap[str, Credential] = BoundedMap(ANONYMOUS_CACHED)

    def locate(self, request: Incoming) -> None:
        """Find out the client's address."""
        client = request.scope["client"]
        peer = client[0] if client else ""
        request.ip = self._addresses.find(peer, request.read.get(b"x-forwarded-for"))

    def page(self, request: Incoming) -> Page:
        """The page behind a request to an endpoint of our own.

        :raises Problem: 403, it claims to be ours and is not.
        """
        if request.page is None:
            request.page = self._browsers.page(request)
        return request.page

    def trusted_trace(self, request: Incoming) -> str | None:
        """The trace a proxy of ours began. Strangers cannot join one, or have us record theirs."""
        traceparent = request.read.get(b"traceparent")
        client = request.scope["client"]
        if traceparent is None or not client or not self._addresses.is_trusted(client[0]):
            return None
        return traceparent.decode("latin-1")

    def sign(self, request: Incoming, signer: IdentitySigner) -> bytes:
        """The header that tells the service who asks."""
        return request.credential.header(signer, ip=request.ip, device=request.device, now=time.time())

    def admit(self, request: Incoming) -> None:
        """Everything that can be decided without the body, for everybody but those who sign.

        :raises Problem: 401, 403, 413 or 429.
        """
        self._check_size(request)
        credential = self._recognise(request)
        audience = request.route.audience
        if audience not in _LOOKS_AWAY:
            _check_role(request, credential)
        request.credential = credential
        self._count(request, credential.caller if credential.identity.role is not Role.ANONYMOUS else request.ip)

    async def admit_partner(self, request: Incoming) -> bytes:
        """The same for a partner or channel, whose signature covers the body; which is given back.

        :raises Problem: 401, 403, 413, 429 or 503.
        """
        self._check_size(request)
        if self._limiter.exhausted(REFUSED, request.ip, now=time.monotonic()):
            raise _too_many(REFUSED, 1)
        body = await request.body()
        try:
            request.credential = await self._partners.verify(self._message(request), body)
        except AuthError as error:
            self._limiter.take(REFUSED, request.ip, now=time.monotonic())
            raise _refusal(error, _SIGNATURE_CHALLENGE) from error
        _check_role(request, request.credential)
        self._count(request, request.credential.caller)
        return body

    def _check_size(self, request: Incoming) -> None:
        declared = request.declared_bytes if request.has_body else 0
        if declared is not None and declared > request.route.body_limit_bytes:
            raise too_large(request.route.body_limit_bytes)

    def _recognise(self, request: Incoming) -> Credential:
        authorization = request.read.get(b"authorization")
        if request.route.gives_token and b"x-csrf-token" in request.read and self.page(request).proved:
            request.rewrite = partial(self._browsers.keep_guest_token, self.page(request))
        if request.route.audience in _LOOKS_AWAY:
            return self._anonymous(request.ip)
        if authorization is None:
            return self._from_cookies(request) if b"cookie" in request.read else self._anonymous(request.ip)
        if authorization[: len(_BEARER)].lower() != _BEARER:
            raise _refusal(AuthError("auth.invalid", "a bearer token is needed"), _CHALLENGE)
        return self._owner(request, authorization[len(_BEARER) :].strip())

    def _from_cookies(self, request: Incoming) -> Credential:
        """Whose cookies they are. The device is known by its cookie too."""
        page = self.page(request)
        request.device = request.device or page.device
        token = self._browsers.token(request, page)
        return self._anonymous(request.ip) if token is None else self._owner(request, token)

    def _owner(self, request: Incoming, token: bytes) -> Credential:
        now = time.time()
        try:
            return self._tokens.known(token, now=now) or self._verify(token, request.ip, now)
        except AuthError as error:
            raise _refusal(error, _CHALLENGE) from error

    def _verify(self, token: bytes, ip: str, now: float) -> Credential:
        """A token seen for the first time costs a signature. Wrong ones are counted, so that they cannot cost more."""
        if self._limiter.exhausted(REFUSED, ip, now=time.monotonic()):
            raise _too_many(REFUSED, 1)
        try:
            return self._tokens.verify(token, now=now)
        except AuthError as error:
            if error.code != "auth.expired":  # everybody's tokens expire, and are known after one look
                self._limiter.take(REFUSED, ip, now=time.monotonic())
            raise

    def _anonymous(self, ip: str) -> Credential:
        credential = self._nobody.get(ip)
        if credential is None:
            credential = anonymous(ip)
            self._nobody.put(ip, credential)
        return credential

    def _count(self, request: Incoming, caller: str) -> None:
        rate = request.route.rate_for(request.method)
        if rate is None:
            return
        verdict = self._limiter.take(rate, caller, now=time.monotonic())
        request.extra_headers = [
            (b"ratelimit-policy", rate.policy),
            (b"ratelimit", b'"%b";r=%d;t=%d' % (rate.name.encode(), verdict.remaining, verdict.reset_s)),
        ]
        if not verdict.allowed:
            raise _too_many(rate, verdict.reset_s)

    def _message(self, request: Incoming) -> SignedMessage:
        headers: dict[str, str] = {}
        for name, value in request.scope["headers"]:
            text = name.decode("latin-1")
            known = headers.get(text)
            headers[text] = value.decode("latin-1") if known is None else f"{known}, {value.decode('latin-1')}"
        scheme = request.scope["scheme"]
        client = request.scope["client"]
        if client and self._addresses.is_trusted(client[0]):
            scheme = headers.get("x-forwarded-proto", scheme)
        url = f"{scheme}://{headers.get('host', '')}{request.target.decode('latin-1')}"
        return SignedMessage(method=request.method, url=url, headers=headers)


def _check_role(request: Incoming, credential: Credential) -> None:
    route, identity = request.route, credential.identity
    if identity.role not in _ADMITTED[route.audience]:
        if identity.role is Role.ANONYMOUS:
            raise _refusal(AuthError("auth.missing", "sign in first"), _CHALLENGE)
        raise Problem(403, "auth.forbidden", "Not allowed", f"not for the role {identity.role}")
    if identity.role is Role.GUEST and identity.order_id is None:
        raise Problem(403, "auth.forbidden", "Not allowed")
    if identity.role is Role.OPERATOR and not any(identity.may(scope) for scope in route.scopes):
        needed = " or ".join(sorted(route.scopes))
        raise Problem(403, "auth.forbidden", "Not allowed", f"needs the role {needed}")


def _refusal(error: AuthError, challenge: dict[str, str]) -> Problem:
    return Problem(error.status, error.code, "Not signed in", str(error), headers=challenge)


def _too_many(rate: RateClass, wait_s: int) -> Problem:
    return Problem(
        429,
        "rate.exceeded",
        "Too many requests",
        f"the limit for {rate.name} is reached",
        headers={"retry-after": str(max(1, wait_s))},
    )
