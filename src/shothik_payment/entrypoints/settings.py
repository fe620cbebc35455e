"""Configuration: environment variables, checked at start.

A wrong value is refused with the variable's name, what was found and what is expected; secrets are
never repeated. An empty variable counts as absent.
"""

from __future__ import annotations

import ipaddress
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shothik_payment.domain.errors import Misconfigured

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
_BKASH = ("bkash_app_key", "bkash_app_secret", "bkash_username", "bkash_password")
_SECRET = frozenset(
    {"jwt_secret", "jwt_public_key", "stripe_secret_key", "stripe_webhook_secret", *_BKASH}
)
_BKASH_SANDBOX = "https://tokenized.sandbox.bka.sh/v1.2.0-beta"
_TOPIC = re.compile(r"arn:aws(-[a-z]+)*:sns:[a-z0-9-]{3,32}:[0-9]{12}:[A-Za-z0-9_.-]{1,256}")
_LOCAL_ORIGINS = ("http://localhost:*", "http://127.0.0.1:*", "https://localhost:*")
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:(\d{1,5}|\*))?")

Words = Annotated[tuple[str, ...], NoDecode]


class AppEnv(StrEnum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Switch(StrEnum):
    ON = "on"
    OFF = "off"


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


class Settings(BaseSettings):
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
    stripe_secret_key: SecretStr | None = None
    stripe_webhook_secret: SecretStr | None = None
    stripe_api_base: str | None = None
    bkash_app_key: SecretStr | None = None
    bkash_app_secret: SecretStr | None = None
    bkash_username: SecretStr | None = None
    bkash_password: SecretStr | None = None
    bkash_base_url: str = _BKASH_SANDBOX
    bkash_topic_arn: str | None = None
    bkash_sns_cert_origin: str | None = None
    sandbox_gateway: Switch | None = None
    return_origins: Words | None = None
    trusted_proxies: Words = ()
    catalog_file: Path | None = None
    rate_limit_per_hour: int = Field(1000, ge=1, le=1_000_000_000)
    rate_limit_on_redis_loss: OnLoss = OnLoss.OPEN
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

    @field_validator(
        "public_url", "jwt_jwks_url", "stripe_api_base", "bkash_base_url", "bkash_sns_cert_origin"
    )
    @classmethod
    def _web_address(cls, url: str | None) -> str | None:
        if url is None:
            return None
        expected = ValueError("expected an http:// or https:// address")
        try:
            parts = urlsplit(url)
            has_port = parts.port != 0
        except ValueError:
            raise expected from None
        if parts.scheme not in ("http", "https") or not parts.hostname or not has_port:
            raise expected
        return url.rstrip("/")

    @field_validator("bkash_topic_arn")
    @classmethod
    def _topic(cls, arn: str | None) -> str | None:
        if arn is not None and not _TOPIC.fullmatch(arn):
            raise ValueError("expected arn:aws:sns:region:account:topic, as bKash has told it")
        return arn

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
    def stripe_webhook_secrets(self) -> tuple[str, ...]:
        """Several while one is rotated."""
        if self.stripe_webhook_secret is None:
            return ()
        words = self.stripe_webhook_secret.get_secret_value().split(",")
        return tuple(word.strip() for word in words if word.strip())

    @property
    def stripe_test_mode(self) -> bool:
        key = self.stripe_secret_key
        return key is not None and "_test_" in key.get_secret_value()[:16]

    @property
    def bkash_on(self) -> bool:
        return all(getattr(self, name) is not None for name in _BKASH)

    @property
    def bkash_missing(self) -> tuple[str, ...]:
        """The variables that are missing where others of them are set."""
        missing = tuple(name.upper() for name in _BKASH if getattr(self, name) is None)
        return missing if len(missing) < len(_BKASH) else ()

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
