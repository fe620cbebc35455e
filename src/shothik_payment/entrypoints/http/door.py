"""The door: who is calling, may they, and not too often."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address

from shothik_payment.domain.catalog import Service
from shothik_payment.domain.errors import RateLimited, Unauthenticated
from shothik_payment.domain.model.api_key import Scope
from shothik_payment.domain.use_cases.principals import ServicePrincipal, UserPrincipal
from shothik_payment.entrypoints.http.call import Call

HOUR_SECONDS = 3600
MINUTE_SECONDS = 60

_API_KEY_CHALLENGE = b'ApiKey realm="shothik-payment"'
_MAPPED = "::ffff:"  # an IPv4 address as an IPv6 socket shows it
_BEARER_CHALLENGE = b'Bearer realm="shothik-payment"'


async def service(call: Call, scope: Scope, *, limited: bool = True) -> ServicePrincipal:
    """The calling service. `limited`: the request counts, and is refused beyond the limit.

    Raises Unauthenticated, Forbidden, MissingScope, RateLimited, Unavailable.
    """
    call.challenge = _API_KEY_CHALLENGE
    key = _credentials(call, b"apikey", "an API key: Authorization: ApiKey sk_…")
    caller = await call.app.key_ring.principal(key, client_ip(call))
    caller.require(scope)
    if limited:
        await _count_service(call, caller)
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


async def count_initiate(call: Call, caller: UserPrincipal) -> None:
    limit = call.api.settings.initiates_per_minute
    await _count(call, f"initiate:{caller.user_id}", limit, MINUTE_SECONDS)


async def _count_service(call: Call, caller: ServicePrincipal) -> None:
    if caller.rate_limit is not None:
        await _count(call, f"key:{caller.key_id}", caller.rate_limit, HOUR_SECONDS)
        return
    limit = shared_limit(call, caller.service)
    await _count(call, f"service:{caller.service.name}", limit, HOUR_SECONDS)


def shared_limit(call: Call, service: Service) -> int:
    """Requests an hour of all the service's keys together that have no limit of their own."""
    own = service.rate_limit_per_hour
    return call.api.settings.rate_limit_per_hour if own is None else own


async def _count(call: Call, subject: str, limit: int, window_seconds: int) -> None:
    decision = await call.app.limiter.hit(subject, limit, window_seconds)
    if not decision.allowed:
        raise RateLimited(limit, window_seconds, max(1, decision.reset_seconds))


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
