"""Configuration of the payment gateways; a part of the settings."""

from __future__ import annotations

import re
from enum import StrEnum
from urllib.parse import urlsplit

from pydantic import SecretStr, field_validator
from pydantic_settings import BaseSettings

_BKASH = ("bkash_app_key", "bkash_app_secret", "bkash_username", "bkash_password")
SECRETS_OF_GATEWAYS = ("stripe_secret_key", "stripe_webhook_secret", *_BKASH)
_BKASH_SANDBOX = "https://tokenized.sandbox.bka.sh/v1.2.0-beta"
_TOPIC = re.compile(r"arn:aws(-[a-z]+)*:sns:[a-z0-9-]{3,32}:[0-9]{12}:[A-Za-z0-9_.-]{1,256}")


class Switch(StrEnum):
    ON = "on"
    OFF = "off"


class GatewaySettings(BaseSettings):
    """One attribute for each variable, of the same name in lowercase."""

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

    @field_validator("stripe_api_base", "bkash_base_url", "bkash_sns_cert_origin")
    @classmethod
    def _addresses(cls, url: str | None) -> str | None:
        return web_address(url)

    @field_validator("bkash_topic_arn")
    @classmethod
    def _topic(cls, arn: str | None) -> str | None:
        if arn is not None and not _TOPIC.fullmatch(arn):
            raise ValueError("expected arn:aws:sns:region:account:topic, as bKash has told it")
        return arn

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


def web_address(url: str | None) -> str | None:
    """Without a slash at the end. Raises ValueError."""
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
