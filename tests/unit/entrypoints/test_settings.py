"""What the environment may say, and how it is told when it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from shothik_payment.entrypoints.guard import require_startable, warnings
from shothik_payment.entrypoints.settings import Settings, load_settings, without_password
from tests.support.environment import STRONG, clear, refused, set_production


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    clear(monkeypatch)


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
        ("DATABASE_URL", "sqlite:///", "expected mongodb://host/…, sqlite:///path or memory://"),
        ("DATABASE_URL", "var/shothik.db", "expected mongodb://"),
        ("DATABASE_URL", "mongodb://", "expected mongodb://host"),
        ("DATABASE_URL", "redis://localhost", "expected mongodb://host"),
        ("REDIS_URL", "localhost:6379", "expected redis://host/… or memory://"),
        ("RABBITMQ_URL", "rabbit", "expected amqp://host/… or memory://"),
        ("RABBITMQ_URL", "sqlite:///x", "expected amqp://host/… or memory://"),
        ("PUBLIC_URL", "pay.example.com", "expected an http:// or https:// address"),
        ("RETURN_ORIGINS", "https://a.example/x", "'https://a.example/x' is none"),
        ("TRUSTED_PROXIES", "10.0.0.1/8", "expected networks such as 10.0.0.0/8"),
        ("RATE_LIMIT_PER_HOUR", "1.5", "expected a whole number"),
        ("RATE_LIMIT_ON_REDIS_LOSS", "shut", "expected 'open' or 'closed'"),
        ("SANDBOX_GATEWAY", "yes", "expected 'on' or 'off'"),
        ("TEST_CLOCK", "true", "expected 'on' or 'off'; found 'true'"),
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


@pytest.mark.parametrize("scheme", ["mongo://", "mongodb//", "mongodb:/"])
def test_a_password_in_a_wrong_url_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    message = refused(monkeypatch, DATABASE_URL=f"{scheme}u:hun@ter2@h/db")
    assert "DATABASE_URL: " in message
    assert "hun" not in message
    assert "ter2" not in message


@pytest.mark.parametrize("variable", ["DATABASE_URL", "REDIS_URL", "RABBITMQ_URL"])
@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("redis://:s3cret", "; found redis:…"),
        ("amqp:admin:s3cret", "; found amqp:…"),
        ("mongodb://admin:s3cret", "; found mongodb:…"),
        ("amqp://admin:s3cret@", "; found amqp:…"),
        ("redis:/\n/:s3\ncret@h", "; found redis:…"),
        ("sqlite://s3cret", "; found sqlite:…"),
        ("admin:s3cret@h", ""),
        ("s3cret", ""),
        ("s3cret://h", ""),
        ("\nredis://:s3cret@h", ""),
    ],
)
def test_of_a_wrong_url_the_scheme_is_shown_at_most(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, shown: str
) -> None:
    message = refused(monkeypatch, **{variable: value})
    assert message.startswith(f"{variable}: expected ")
    assert message.endswith(f"memory://{shown}")
    assert "cret" not in message


def test_a_password_with_a_line_break_is_not_shown() -> None:
    assert without_password(SecretStr("redis://:s3\ncret@h/0?a\nb")) == "redis://***@h/0?***"


@pytest.mark.parametrize("hosts", ["h", "h:1,h2:2", "[::1]:1", "u:p@h:1", "10.0.0.1"])
def test_hosts_with_and_without_ports(monkeypatch: pytest.MonkeyPatch, hosts: str) -> None:
    monkeypatch.setenv("DATABASE_URL", f"mongodb://{hosts}/db?replicaSet=rs")
    assert load_settings().store == "mongodb"


def test_passwords_and_secrets_are_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET", "hunter2")
    monkeypatch.setenv("DATABASE_URL", "mongodb+srv://u:hunter2@h/db?replicaSet=rs")
    monkeypatch.setenv("REDIS_URL", "rediss://h/0?password=hunter2")
    monkeypatch.setenv("RABBITMQ_URL", "amqps://u:hunter2@h/v")
    settings = load_settings()
    assert (settings.store, settings.cache, settings.broker) == ("mongodb", "redis", "amqp")
    assert not settings.embedded
    assert "hunter2" not in repr(settings)
    assert without_password(settings.database_url) == "mongodb+srv://***@h/db?***"
    assert without_password(settings.redis_url) == "rediss://h/0?***"
    assert "hunter2" not in refused(monkeypatch, APP_ENV="production")


def test_production_starts_with_servers_and_strong_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    set_production(monkeypatch, WORKERS="4")
    settings = load_settings()
    require_startable(settings)
    assert list(warnings(settings)) == []
    assert not settings.sandbox_on


def test_production_trusts_a_certificate_instead_of_a_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    by_certificate = "mongodb://h/shothik?authMechanism=MONGODB-X509&tls=true"
    set_production(monkeypatch, DATABASE_URL=by_certificate)
    require_startable(load_settings())


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("DATABASE_URL", "memory://", "keeps its ledger for good; set mongodb://"),
        ("REDIS_URL", "memory://", "set redis://"),
        ("RABBITMQ_URL", "memory://", "set amqp://"),
        ("DATABASE_URL", "mongodb://h/db", "has no password"),
        ("REDIS_URL", "redis://h", "has no password"),
        ("REDIS_URL", "redis://:short@h", "shorter than 12 characters"),
        ("RABBITMQ_URL", "amqp://admin:shothik_rabbitmq_2025@h", "is published"),
        ("SANDBOX_GATEWAY", "on", "set SANDBOX_GATEWAY=off"),
    ],
)
def test_production_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, told: str
) -> None:
    set_production(monkeypatch)
    message = refused(monkeypatch, **{variable: value})
    assert message.startswith(f"{variable}: ")
    assert told in message
    assert "shothik_rabbitmq_2025" not in message


def test_lists_are_comma_separated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETURN_ORIGINS", "https://a.example, http://localhost:*")
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.0/8,::1")
    settings = load_settings()
    assert settings.allowed_origins[:2] == ("https://a.example", "http://localhost:*")
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
    settings = Settings(app_env="production", public_url="https://Pay.example:8443/x/")
    assert not settings.sandbox_on
    assert settings.allowed_origins == ("https://pay.example:8443",)


@pytest.mark.parametrize("url", ["memory://", "sqlite:///var/shothik.db"])
def test_a_test_clock_starts_on_an_embedded_store(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("TEST_CLOCK", "on")
    monkeypatch.setenv("DATABASE_URL", url)
    settings = load_settings()
    require_startable(settings)
    assert settings.test_clock_on
    assert not any("TEST_CLOCK" in warning for warning in warnings(settings))


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("WORKERS", "2", "set WORKERS=1"),
        ("DATABASE_URL", "mongodb://h/shothik", "other processes on DATABASE_URL"),
    ],
)
def test_a_test_clock_is_of_one_process_alone(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, told: str
) -> None:
    message = refused(monkeypatch, TEST_CLOCK="on", **{variable: value})
    assert message.startswith("TEST_CLOCK: ")
    assert told in message


def test_production_takes_no_test_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    set_production(
        monkeypatch,
        TEST_CLOCK="on",
        SANDBOX_GATEWAY="off",
        DATABASE_URL="sqlite:///var/shothik.db",
    )
    assert refused(monkeypatch).startswith("TEST_CLOCK: in production time passes by itself")


def test_gateways_beside_a_test_clock_are_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_CLOCK", "on")
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_test_1")
    assert any("go by the real time" in warning for warning in warnings(load_settings()))
