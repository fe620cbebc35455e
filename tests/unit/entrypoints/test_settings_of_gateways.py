"""What the environment may say of Stripe and bKash."""

from __future__ import annotations

import pytest

from shothik_payment.entrypoints.guard import require_startable, warnings
from shothik_payment.entrypoints.settings import Settings, load_settings
from tests.support.environment import clear, refused, set_production

STRIPE = {
    "STRIPE_SECRET_KEY": "sk_live_planted",
    "STRIPE_WEBHOOK_SECRET": "whsec_planted",
    "PUBLIC_URL": "https://pay.example",
}
BKASH = {
    "BKASH_APP_KEY": "key_planted",
    "BKASH_APP_SECRET": "secret_planted",
    "BKASH_USERNAME": "user_planted",
    "BKASH_PASSWORD": "password_planted",
}
BKASH_LIVE = BKASH | {
    "PUBLIC_URL": "https://pay.example",
    "BKASH_TOPIC_ARN": "",
    "BKASH_BASE_URL": "https://tokenized.pay.bka.sh/v1.2.0-beta",
}
TOPIC = "arn:aws:sns:ap-southeast-1:123456789012:bkash-webhook"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    clear(monkeypatch)


def set_all(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> Settings:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return load_settings()


def test_gateways_are_off_by_themselves() -> None:
    settings = load_settings()
    assert settings.stripe_secret_key is None
    assert settings.stripe_webhook_secrets == ()
    assert not settings.bkash_on
    assert settings.bkash_missing == ()
    assert settings.bkash_base_url == "https://tokenized.sandbox.bka.sh/v1.2.0-beta"


def test_while_a_webhook_secret_is_rotated_there_are_several(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "whsec_new, whsec_old,")
    assert load_settings().stripe_webhook_secrets == ("whsec_new", "whsec_old")


def test_bkash_is_on_with_all_four(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = set_all(monkeypatch, BKASH)
    require_startable(settings)
    assert settings.bkash_on
    assert [line for line in warnings(settings) if "BKASH_TOPIC_ARN" in line]
    monkeypatch.setenv("BKASH_TOPIC_ARN", TOPIC)
    assert list(warnings(load_settings())) == []


@pytest.mark.parametrize("missing", sorted(BKASH))
def test_of_bkash_all_four_or_none(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    message = refused(monkeypatch, **BKASH | {missing: ""})
    assert message.startswith(f"{missing}: is missing")
    assert "planted" not in message


def test_a_webhook_secret_without_a_key_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    message = refused(monkeypatch, STRIPE_WEBHOOK_SECRET="whsec_planted")
    assert message.startswith("STRIPE_SECRET_KEY: is missing")
    assert "planted" not in message


def test_a_key_without_a_webhook_secret_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = set_all(monkeypatch, {"STRIPE_SECRET_KEY": "sk_test_1"})
    require_startable(settings)
    assert ["STRIPE_WEBHOOK_SECRET" in line for line in warnings(settings)] == [True]


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("STRIPE_API_BASE", "api.stripe.com", "expected an http:// or https:// address"),
        ("BKASH_BASE_URL", "ftp://h", "expected an http:// or https:// address"),
        ("BKASH_SNS_CERT_ORIGIN", "https://", "expected an http:// or https:// address"),
        ("BKASH_TOPIC_ARN", "arn:aws:sqs:eu-west-1:123456789012:t", "arn:aws:sns:region"),
        ("BKASH_TOPIC_ARN", "arn:aws:sns:eu-west-1:12:t", "arn:aws:sns:region"),
        ("BKASH_TOPIC_ARN", f"{TOPIC}\nx", "arn:aws:sns:region"),
    ],
)
def test_a_wrong_value_of_a_gateway_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, told: str
) -> None:
    message = refused(monkeypatch, **{variable: value})
    assert message.startswith(f"{variable}: ")
    assert told in message


def test_what_a_gateway_trusts_us_with_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = set_all(monkeypatch, STRIPE | BKASH)
    assert "planted" not in repr(settings)
    assert "planted" not in str(settings.model_dump())
    assert "planted" not in "".join(warnings(settings))
    message = refused(
        monkeypatch,
        APP_ENV="production",
        PUBLIC_URL="",
        STRIPE_WEBHOOK_SECRET="",
        BKASH_PASSWORD="",
    )
    assert "STRIPE_WEBHOOK_SECRET: " in message
    assert "BKASH_PASSWORD: " in message
    assert "planted" not in message


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        (STRIPE | {"STRIPE_WEBHOOK_SECRET": ""}, "STRIPE_WEBHOOK_SECRET: is missing"),
        (STRIPE | {"STRIPE_WEBHOOK_SECRET": " , "}, "STRIPE_WEBHOOK_SECRET: is missing"),
        (STRIPE | {"STRIPE_API_BASE": "http://localhost:1"}, "STRIPE_API_BASE: is for tests"),
        (STRIPE | {"PUBLIC_URL": ""}, "PUBLIC_URL: gateways and payers"),
        (STRIPE | {"PUBLIC_URL": "http://pay.example"}, "PUBLIC_URL: gateways and payers"),
        (BKASH_LIVE | {"PUBLIC_URL": ""}, "PUBLIC_URL: gateways and payers"),
        (BKASH_LIVE | {"BKASH_BASE_URL": ""}, "BKASH_BASE_URL: is bKash's sandbox"),
        (
            STRIPE | {"STRIPE_SECRET_KEY": "sk_test_1"},
            "STRIPE_SECRET_KEY: is a key of Stripe's test",
        ),
        (BKASH_LIVE | {"BKASH_BASE_URL": "http://h/v1"}, "BKASH_BASE_URL: would send passwords"),
        (
            BKASH_LIVE | {"BKASH_SNS_CERT_ORIGIN": "http://localhost:1"},
            "BKASH_SNS_CERT_ORIGIN: is for tests",
        ),
    ],
)
def test_production_takes_real_gateways_only_as_they_should_be(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], told: str
) -> None:
    set_production(monkeypatch)
    message = refused(monkeypatch, **variables)
    assert message.startswith(told)
    assert "planted" not in message


@pytest.mark.parametrize(
    "variables",
    [STRIPE, BKASH_LIVE],
)
def test_production_starts_with_a_real_gateway(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    set_production(monkeypatch, **variables)
    require_startable(load_settings())
