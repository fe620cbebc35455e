"""The environment as a test wants it."""

from __future__ import annotations

import pytest

from shothik_payment.domain.errors import Misconfigured
from shothik_payment.entrypoints.guard import require_startable
from shothik_payment.entrypoints.settings import Settings, load_settings

STRONG = "4f1c0e7a9b2d58363c7e1f90a4b6d8e2"


def clear(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the service's is set."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def refused(monkeypatch: pytest.MonkeyPatch, **variables: str) -> str:
    """What is said of these on top of what is set; the service does not start with them."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Misconfigured) as caught:
        require_startable(load_settings())
    return str(caught.value)


PRODUCTION = {
    "APP_ENV": "production",
    "JWT_SECRET": STRONG,
    "DATABASE_URL": "mongodb://u:p%40ssword-of-many@h1,h2:27018/shothik?replicaSet=rs",
    "REDIS_URL": "redis://:password-of-many@h",
    "RABBITMQ_URL": "amqp://u:password-of-many@h",
}


def set_production(monkeypatch: pytest.MonkeyPatch, **changes: str) -> None:
    for name, value in (PRODUCTION | changes).items():
        monkeypatch.setenv(name, value)
