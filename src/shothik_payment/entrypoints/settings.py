"""Configuration: environment variables, checked at start.

A wrong value is refused with the variable's name, what was found and what is expected; secrets are
never repeated. An empty variable counts as absent.
"""

from __future__ import annotations

import ipaddress
import re
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import NoDecode, SettingsConfigDict

from shothik_payment.domain.errors import Misconfigured
from shothik_payment.entrypoints.settings_of_gateways import (
    SECRETS_OF_GATEWAYS,
    GatewaySettings,
    Switch,
    web_address,
)
from shothik_payment.entrypoints.settings_of_observing import (
    SECRETS_OF_OBSERVING,
    ObservingSettings,
)

MEMORY = "memory://"
_SQLITE = "sqlite:///"
_SERVERS = {
    "database_url": ("mongodb://", "mongodb+srv://"),
    "redis_url": ("redis://", "rediss://"),
    "rabbitmq_url": ("amqp://", "amqps://"),
}
_SCHEMES = frozenset(
    url.partition(":")[0] for urls in ((_SQLITE, MEMORY), *_SERVERS.values()) for url in urls
)
_SECRET = frozenset({"jwt_secret", "jwt_public_key", *SECRETS_OF_GATEWAYS, *SECRETS_OF_OBSERVING})
_LOCAL_ORIGINS = ("http://localhost:*", "http://127.0.0.1:*", "https://localhost:*")
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:(\d{1,5}|\*))?")

Words = Annotated[tuple[str, ...], NoDecode]


class AppEnv(StrEnum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"


class OnLoss(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    JSON = "json"
    CONSOLE = "console"


class Settings(GatewaySettings, ObservingSettings):
    """One attribute for each variable, of the same name in lowercase."""

    model_config = SettingsConfigDict(
        env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    database_url: SecretStr = SecretStr(f"{_SQLITE}var/shothik.db")
    redis_url: SecretStr = SecretStr(MEMORY)
    rabbitmq_url: SecretStr = SecretStr(MEMORY)
    host: str = "127.0.0.1"
    port: int = Field(3001, ge=1, le=65535)
    workers: int = Field(1, ge=1, le=64)
    public_url: str | None = None
    app_env: AppEnv = AppEnv.DEVELOPMENT
    jwt_secret: SecretStr | None = None
    jwt_public_key: str | None = Field(None, repr=False)
    jwt_jwks_url: str | None = None
    jwt_issuer: str | None = None
    jwt_audience: str | None = None
    jwt_user_claim: str = "sub"
    jwt_role_claim: str = "role"
    return_origins: Words | None = None
    trusted_proxies: Words = ()
    catalog_file: Path | None = None
    rate_limit_per_hour: int = Field(1000, ge=1, le=1_000_000_000)
    rate_limit_on_redis_loss: OnLoss = OnLoss.OPEN
    test_clock: Switch = Switch.OFF
    log_level: LogLevel = LogLevel.INFO
    log_format: LogFormat | None = None

    @field_validator("database_url", "redis_url", "rabbitmq_url")
    @classmethod
    def _known_scheme(cls, secret: SecretStr, info: Any) -> SecretStr:
        name, url = str(info.field_name), secret.get_secret_value()
        on_server = url.startswith(_SERVERS[name]) and _has_host(url)
        on_file = name == "database_url" and _sqlite_path(url) is not None
        if not (on_server or on_file or url == MEMORY):
            raise ValueError(f"expected {_expected(name)}")
        return secret

    @field_validator("public_url", "jwt_jwks_url")
    @classmethod
    def _own_addresses(cls, url: str | None) -> str | None:
        return web_address(url)

    @field_validator("return_origins", "trusted_proxies", mode="before")
    @classmethod
    def _comma_separated(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(word.strip() for word in value.split(",") if word.strip())
        return value

    @field_validator("return_origins")
    @classmethod
    def _origins(cls, origins: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for origin in origins or ():
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(
                    f"expected origins such as https://app.example.com, or http://localhost:* "
                    f"for any port, separated by commas; {origin!r} is none"
                )
        return origins

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        for network in networks:
            try:
                ipaddress.ip_network(network)
            except ValueError as error:
                raise ValueError(
                    f"expected networks such as 10.0.0.0/8, separated by commas; {error}"
                ) from None
        return networks

    @property
    def store(self) -> str:
        """`mongodb`, `sqlite` or `memory`."""
        return _kind(self.database_url)

    @property
    def cache(self) -> str:
        """`redis` or `memory`."""
        return _kind(self.redis_url)

    @property
    def broker(self) -> str:
        """`amqp` or `memory`."""
        return _kind(self.rabbitmq_url)

    @property
    def embedded(self) -> bool:
        """Whether the store lives with the server's processes, and so does the background work."""
        return self.store != "mongodb"

    @property
    def sqlite_path(self) -> Path | None:
        """None: the store is no file."""
        return _sqlite_path(self.database_url.get_secret_value())

    @property
    def production(self) -> bool:
        return self.app_env is AppEnv.PRODUCTION

    @property
    def sandbox_on(self) -> bool:
        if self.sandbox_gateway is None:
            return not self.production
        return self.sandbox_gateway is Switch.ON

    @property
    def trusted_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        return tuple(ipaddress.ip_network(network) for network in self.trusted_proxies)

    @property
    def test_clock_on(self) -> bool:
        return self.test_clock is Switch.ON

    @property
    def own_url(self) -> str:
        """Where this process reaches itself."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def browser_url(self) -> str:
        """Where browsers reach this service."""
        return self.public_url or self.own_url

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        if self.return_origins is not None:
            return self.return_origins
        return () if self.production else _LOCAL_ORIGINS


def load_settings() -> Settings:
    """The settings as the environment has them. Raises Misconfigured, naming every fault."""
    try:
        return Settings()
    except ValidationError as error:
        raise misconfigured([_fault(e) for e in error.errors(include_url=False)]) from None


def misconfigured(faults: list[tuple[str, str]]) -> Misconfigured:
    """One error for all (variable, problem): whoever starts the service mends them in one go."""
    if len(faults) == 1:
        return Misconfigured(*faults[0])
    lines = "".join(f"\n  {name}: {problem}" for name, problem in faults)
    return Misconfigured("the environment", f"{len(faults)} settings are wrong{lines}")


def _fault(error: ErrorDetails) -> tuple[str, str]:
    name = str(error["loc"][0]).lower()
    problem = error["msg"].removeprefix("Value error, ").replace("Input should be", "expected")
    if error["type"].startswith("int_"):
        problem = "expected a whole number"
    found = error["input"]
    shown = found.get_secret_value() if isinstance(found, SecretStr) else str(found)
    if name in _SERVERS:
        # Where a URL is mistyped, nobody knows which part of it is the password.
        scheme = shown.partition(":")[0]
        problem += f"; found {scheme}:…" if scheme in _SCHEMES else ""
    elif name not in _SECRET:
        problem += f"; found {_without_password(shown)!r}"
    return name.upper(), problem


def _without_password(text: str) -> str:
    # To the last @: a password may hold one that should have been escaped. A name without a
    # password may be a password by mistake.
    # Options may be secrets too, and what they are called is the drivers' business.
    shown = re.sub(r"^([a-z+]*:?/*).*@", r"\1***@", text, flags=re.DOTALL)
    return re.sub(r"\?.*", "?***", shown, flags=re.DOTALL)


def without_password(url: SecretStr) -> str:
    """The URL as it may be shown."""
    return _without_password(url.get_secret_value())


def _expected(name: str) -> str:
    server = f"{_SERVERS[name][0]}host/…"
    return (
        f"{server}, {_SQLITE}path or {MEMORY}"
        if name == "database_url"
        else (f"{server} or {MEMORY}")
    )


def _kind(url: SecretStr) -> str:
    scheme = url.get_secret_value().partition(":")[0].partition("+")[0]
    return {"rediss": "redis", "amqps": "amqp"}.get(scheme, scheme)


def _has_host(url: str) -> bool:
    """Of each host the port is looked at too: where `@host` is forgotten, the user would pass for
    the host, and its password for the port."""
    try:
        hosts = urlsplit(url).netloc.rpartition("@")[2].split(",")
        parts = [urlsplit(f"//{host}") for host in hosts]
        return all(host.hostname and host.port != 0 for host in parts)
    except ValueError:
        return False


def _sqlite_path(url: str) -> Path | None:
    path = url.removeprefix(_SQLITE)
    if path == url or not path or "?" in path or "#" in path or "\0" in path:
        return None
    return Path(path)
