"""When there are figures and traces, and what is said of variables that are wrong."""

from __future__ import annotations

import pytest

from shothik_payment.entrypoints.settings import load_settings
from tests.support.environment import clear, refused

RECEIVER = "http://collector.example:4318"
TOKEN = "9c1185a5c5e9fc54612808977ee8f548b2258d31"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    clear(monkeypatch)


def test_figures_are_on_and_traces_off_where_nothing_is_said() -> None:
    settings = load_settings()
    assert settings.metrics_on
    assert settings.metrics_port is None
    assert settings.shown_metrics_token is None
    assert settings.traces is None


@pytest.mark.parametrize(
    ("variables", "traces"),
    [
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": RECEIVER}, "otlp"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{RECEIVER}/v1/traces"}, "otlp"),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, "otlp"),
        ({"OTEL_TRACES_EXPORTER": "console"}, "console"),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": RECEIVER}, None),
        ({"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": RECEIVER}, None),
        ({"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_EXPORTER": "otlp"}, None),
        ({"OTEL_SERVICE_NAME": "payments"}, None),
    ],
)
def test_the_standard_variables_switch_traces(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], traces: str | None
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert load_settings().traces == traces


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("METRICS", "yes", "expected 'on' or 'off'; found 'yes'"),
        ("METRICS_PORT", "0", "greater than or equal to 1; found '0'"),
        ("METRICS_PORT", "nine", "expected a whole number; found 'nine'"),
        ("OTEL_TRACES_EXPORTER", "zipkin", "expected 'otlp', 'console' or 'none'"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318", "expected an http:// or https://"),
    ],
)
def test_a_wrong_value_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, told: str
) -> None:
    message = refused(monkeypatch, **{variable: value})
    assert variable in message
    assert told in message


def test_a_token_is_never_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICS_TOKEN", TOKEN)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"authorization={TOKEN}")
    assert TOKEN not in repr(load_settings())
