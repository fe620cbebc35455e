"""What the environment may say, and how it is told when it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from shothik_payment.domain.errors import Misconfigured
from shothik_payment.entrypoints.guard import require_startable, warnings
from shothik_payment.entrypoints.settings import Settings, load_settings

STRONG = "4f1c0e7a9b2d58363c7e1f90a4b6d8e2"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def refused(monkeypatch: pytest.MonkeyPatch, **variables: str) -> str:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Misconfigured) as caught:
        require_startable(load_settings())
    return str(caught.value)


def test_an_empty_environment_starts_on_a_file() -> None:
    settings = load_settings()
    require_startable(settings)
    assert settings.sqlite_path == Path("var/shothik.db")
    assert settings.browser_url == "http://127.0.0.1:3001"
    assert settings.sandbox_on
    assert settings.allowed_origins[0] == "http://localhost:*"
    assert list(warnings(settings)) == []


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "")
    monkeypatch.setenv("JWT_SECRET", "")
    settings = load_settings()
    assert settings.port == 3001
    assert settings.jwt_secret is None


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("PORT", "abc", "expected a whole number; found 'abc'"),
        ("PORT", "0", "expected greater than or equal to 1; found '0'"),
        ("WORKERS", "65", "less than or equal to 64"),
        ("APP_ENV", "prod", "expected 'development' or 'production'; found 'prod'"),
        ("DATABASE_URL", "mongodb://h/db", "not supported by this version yet"),
        ("DATABASE_URL", "sqlite:///", "expected sqlite:///path or memory://"),
        ("DATABASE_URL", "var/shothik.db", "expected sqlite:///path or memory://"),
        ("REDIS_URL", "redis://localhost", "not supported by this version yet"),
        ("RABBITMQ_URL", "amqp://localhost", "not supported by this version yet"),
        ("RABBITMQ_URL", "rabbit", "expected memory://"),
        ("PUBLIC_URL", "pay.example.com", "expected an http:// or https:// address"),
        ("RETURN_ORIGINS", "https://a.example/x", "'https://a.example/x' is none"),
        ("TRUSTED_PROXIES", "10.0.0.1/8", "expected networks such as 10.0.0.0/8"),
        ("RATE_LIMIT_PER_HOUR", "1.5", "expected a whole number"),
        ("RATE_LIMIT_ON_REDIS_LOSS", "shut", "expected 'open' or 'closed'"),
        ("SANDBOX_GATEWAY", "yes", "expected 'on' or 'off'"),
        ("LOG_FORMAT", "xml", "expected 'json' or 'console'"),
    ],
)
def test_a_wrong_value_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, told: str
) -> None:
    message = refused(monkeypatch, **{variable: value})
    assert message.startswith(f"{variable}: ")
    assert told in message


def test_several_faults_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    message = refused(monkeypatch, PORT="x", WORKERS="y")
    assert "PORT: " in message
    assert "WORKERS: " in message


def test_passwords_and_secrets_are_never_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "hunter2" not in refused(monkeypatch, DATABASE_URL="mongodb://u:hunter2@h/db")
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.setenv("JWT_SECRET", "hunter2")
    assert "hunter2" not in repr(load_settings())
    assert "hunter2" not in refused(monkeypatch, APP_ENV="production")


def test_lists_are_comma_separated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETURN_ORIGINS", "https://a.example, http://localhost:*")
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.0/8,::1")
    settings = load_settings()
    assert settings.allowed_origins == ("https://a.example", "http://localhost:*")
    assert settings.trusted_proxies == ("10.0.0.0/8", "::1")


def test_one_source_of_token_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    message = refused(monkeypatch, JWT_SECRET=STRONG, JWT_JWKS_URL="https://id.example/jwks")
    assert "JWT_SECRET: is set together with JWT_JWKS_URL" in message


def test_a_ledger_in_memory_has_one_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "WORKERS: " in refused(monkeypatch, WORKERS="2", DATABASE_URL="memory://")


def test_several_workers_are_warned_of_what_each_counts_alone() -> None:
    assert "rate limits" in next(iter(warnings(Settings(workers=2))))


def test_a_listener_on_all_addresses_reaches_itself() -> None:
    assert Settings(host="0.0.0.0", port=80).own_url == "http://127.0.0.1:80"
    assert Settings(host="::").own_url == "http://[::1]:3001"


@pytest.mark.parametrize(
    ("secret", "told"),
    [
        ("", "JWT_SECRET: production makes no secret of its own"),
        ("short", "JWT_SECRET: is shorter than 32 bytes"),
        ("a-string-secret-at-least-256-bits-long", "JWT_SECRET: is a published example"),
        ("a" * 64, "hardly any randomness"),
    ],
)
def test_production_refuses_a_bad_secret(
    monkeypatch: pytest.MonkeyPatch, secret: str, told: str
) -> None:
    assert told in refused(monkeypatch, APP_ENV="production", JWT_SECRET=secret)


def test_production_refuses_what_is_for_trying_out(monkeypatch: pytest.MonkeyPatch) -> None:
    message = refused(
        monkeypatch,
        APP_ENV="production",
        JWT_SECRET=STRONG,
        SANDBOX_GATEWAY="on",
        DATABASE_URL="memory://",
    )
    for variable in ("SANDBOX_GATEWAY", "DATABASE_URL", "REDIS_URL", "RABBITMQ_URL"):
        assert f"{variable}: " in message
    assert "JWT_SECRET" not in message


def test_production_has_no_sandbox_and_no_open_origins_by_itself() -> None:
    settings = Settings(app_env="production")
    assert not settings.sandbox_on
    assert settings.allowed_origins == ()
