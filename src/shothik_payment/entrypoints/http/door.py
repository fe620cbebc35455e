"""The door: who is calling, may they, and not too often."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from shothik_payment.domain.errors import OfKey, RateLimited, Unauthenticated
from shothik_payment.domain.model.api_key import Scope
from shothik_payment.domain.model.key_usage import KeyUse
from shothik_payment.domain.model.networks import is_within
from shothik_payment.domain.ports.rate_limiter import RateDecision
from shothik_payment.domain.use_cases.principals import ServicePrincipal, UserPrincipal
from shothik_payment.domain.use_cases.quotas import Quota, key_quota
from shothik_payment.entrypoints.http.call import Call

MINUTE_SECONDS = 60
ADMIN = "admin:"
"""What the names of admins begin with; no service's does, nor a user's."""

_API_KEY_CHALLENGE = b'ApiKey realm="shothik-payment"'
_MAPPED = "::ffff:"  # an IPv4 address as an IPv6 socket shows it
_BEARER_CHALLENGE = b'Bearer realm="shothik-payment"'

P = TypeVar("P")


@dataclass(slots=True)
class Admitted(Generic[P]):
    """Whoever may go on. `name` is whose request keys are meant, `quota` what the request counts
    against (None: nothing)."""

    caller: P
    name: str
    quota: Quota | None = None


async def service(call: Call, scope: Scope) -> ServicePrincipal:
    """The calling service; the request is not counted.

    Raises Unauthenticated, Forbidden, MissingScope, Unavailable.
    """
    call.challenge = _API_KEY_CHALLENGE
    key = _credentials(call, b"apikey", "an API key: Authorization: ApiKey sk_…")
    address = client_ip(call)
    try:
        caller = await call.app.key_ring.principal(key, address)
    except OfKey as refusal:
        if (use := refusal.use) is not None:
            call.key_use = KeyUse(use.key_id, address, use.reason)
        raise
    refused = None if scope in caller.scopes else "scope"
    call.key_use = KeyUse(caller.key_id, address, refused)
    caller.require(scope)
    return caller


async def counted_service(call: Call, scope: Scope) -> ServicePrincipal:
    """The calling service; the request counts. Raises RateLimited beyond the limit."""
    caller = await service(call, scope)
    require_allowed(await call.app.limiter.hit(*_service_quota(call, caller)))
    return caller


async def user(call: Call) -> UserPrincipal:
    """The user whose token came. Raises Unauthenticated."""
    call.challenge = _BEARER_CHALLENGE
    token = _credentials(call, b"bearer", "a user's token: Authorization: Bearer …")
    claims = await call.app.tokens.verify(token)
    return UserPrincipal(claims.user_id, claims.role)


async def admin(call: Call) -> UserPrincipal:
    """The admin whose token came. Raises Unauthenticated, Forbidden."""
    caller = await user(call)
    caller.require_admin()
    return caller


Door = Callable[[Call], Awaitable[Admitted[P]]]


def for_service(scope: Scope, *, limited: bool) -> Door[ServicePrincipal]:
    """The door of a write that services ask for. `limited`: the request counts."""

    async def admit(call: Call) -> Admitted[ServicePrincipal]:
        caller = await service(call, scope)
        quota = _service_quota(call, caller) if limited else None
        return Admitted(caller, caller.service.name, quota)

    return admit


async def for_user(call: Call) -> Admitted[UserPrincipal]:
    """The door of a write that users ask for."""
    caller = await user(call)
    return Admitted(caller, f"user:{caller.user_id}")


async def for_initiate(call: Call) -> Admitted[UserPrincipal]:
    """The door of a user who wants to pay."""
    admitted = await for_user(call)
    admitted.quota = initiate_quota(call, admitted.caller)
    return admitted


def initiate_quota(call: Call, caller: UserPrincipal) -> Quota:
    """What counts against it may open a checkout at a gateway."""
    return f"initiate:{caller.user_id}", call.api.settings.initiates_per_minute, MINUTE_SECONDS


async def for_admin(call: Call) -> Admitted[UserPrincipal]:
    """The door of a write that admins ask for."""
    caller = await admin(call)
    return Admitted(caller, f"{ADMIN}{caller.user_id}")


def _service_quota(call: Call, caller: ServicePrincipal) -> Quota:
    default = call.api.settings.rate_limit_per_hour
    return key_quota(caller.service, caller.key_line, caller.rate_limit, default)


def require_allowed(decision: RateDecision) -> None:
    """Raises RateLimited."""
    if not decision.allowed:
        wait = max(1, decision.reset_seconds)
        raise RateLimited(decision.limit, decision.window_seconds, wait)


def _credentials(call: Call, scheme: bytes, wanted: str) -> str:
    found, _, credentials = call.headers.get(b"authorization", b"").partition(b" ")
    if found.lower() != scheme:
        raise Unauthenticated(f"This needs {wanted}.")
    return credentials.strip().decode("latin-1")


def client_ip(call: Call) -> str | None:
    """Who is behind the proxies that are trusted: the right-most address that is not one of them.

    None where it is not known.
    """
    client = call.scope.get("client")
    if client is None:
        return None
    peer = client[0].removeprefix(_MAPPED)
    trusted = call.api.settings.trusted_proxies
    if not trusted:
        return peer
    hops = [
        hop
        for name, value in call.scope["headers"]
        if name == b"x-forwarded-for"
        for hop in value.decode("latin-1").split(",")
    ]
    while hops and is_within(peer, trusted):
        peer = _bare(hops.pop())
    return peer


def _bare(hop: str) -> str:
    """The address without port and brackets."""
    hop = hop.strip()
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    return hop.removeprefix(_MAPPED)
