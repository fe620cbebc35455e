"""The door: who is calling, may they, and not too often."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Generic, TypeVar

from shothik_payment.domain.catalog import Service
from shothik_payment.domain.errors import RateLimited, Unauthenticated
from shothik_payment.domain.model.api_key import Scope
from shothik_payment.domain.ports.rate_limiter import RateDecision
from shothik_payment.domain.use_cases.principals import ServicePrincipal, UserPrincipal
from shothik_payment.entrypoints.http.call import Call

HOUR_SECONDS = 3600
MINUTE_SECONDS = 60

_API_KEY_CHALLENGE = b'ApiKey realm="shothik-payment"'
_MAPPED = "::ffff:"  # an IPv4 address as an IPv6 socket shows it
_BEARER_CHALLENGE = b'Bearer realm="shothik-payment"'

P = TypeVar("P")


Quota = tuple[str, int, int]
"""What a request counts against: a subject, how many it may ask, in any so many seconds."""


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
    caller = await call.app.key_ring.principal(key, client_ip(call))
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
    return Admitted(caller, f"admin:{caller.user_id}")


def _service_quota(call: Call, caller: ServicePrincipal) -> Quota:
    if caller.rate_limit is not None:
        return f"key:{caller.key_id}", caller.rate_limit, HOUR_SECONDS
    limit = shared_limit(call, caller.service)
    return f"service:{caller.service.name}", limit, HOUR_SECONDS


def shared_limit(call: Call, service: Service) -> int:
    """Requests an hour of all the service's keys together that have no limit of their own."""
    own = service.rate_limit_per_hour
    return call.api.settings.rate_limit_per_hour if own is None else own


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
    while hops and _is_within(peer, trusted):
        peer = _bare(hops.pop())
    return peer


def _is_within(text: str, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return any(address in network for network in networks)


def _bare(hop: str) -> str:
    """The address without port and brackets."""
    hop = hop.strip()
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    return hop.removeprefix(_MAPPED)
