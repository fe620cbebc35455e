"""What the HTTP entrypoint has to know beside the application."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """`public_url`: where clients reach this service, without a slash at the end.

    `trusted_proxies`: networks whose `X-Forwarded-For` is believed. `rate_limit_per_hour` holds for
    a service for which the catalog says nothing. `secure_cookies`: over TLS only, whatever
    `public_url` says.
    """

    public_url: str = "http://127.0.0.1:3001"
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    rate_limit_per_hour: int = 1000
    initiates_per_minute: int = 10
    secure_cookies: bool = False
    health_timeout_seconds: float = 2.0
    body_seconds: float = 30.0
