"""Configuration of what operators see; a part of the settings. OpenTelemetry's SDK reads its own
variables; here is what says whether there are traces."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from shothik_payment.entrypoints.settings_of_gateways import Switch, web_address

SECRETS_OF_OBSERVING = ("metrics_token", "otel_exporter_otlp_headers")


class TracesExporter(StrEnum):
    OTLP = "otlp"
    CONSOLE = "console"
    NONE = "none"


class ObservingSettings(BaseSettings):
    """One attribute for each variable, of the same name in lowercase."""

    metrics: Switch = Switch.ON
    metrics_port: int | None = Field(None, ge=1, le=65535)
    metrics_token: SecretStr | None = None
    otel_sdk_disabled: bool = False
    otel_traces_exporter: TracesExporter | None = None
    otel_exporter_otlp_endpoint: str | None = None
    otel_exporter_otlp_traces_endpoint: str | None = None
    otel_exporter_otlp_headers: SecretStr | None = None
    otel_service_name: str | None = None

    @field_validator("otel_exporter_otlp_endpoint", "otel_exporter_otlp_traces_endpoint")
    @classmethod
    def _receivers(cls, url: str | None) -> str | None:
        return web_address(url)

    @property
    def metrics_on(self) -> bool:
        return self.metrics is Switch.ON

    @property
    def shown_metrics_token(self) -> str | None:
        """What whoever reads the figures has to show; None: nothing."""
        return None if self.metrics_token is None else self.metrics_token.get_secret_value()

    @property
    def traces(self) -> str | None:
        """`otlp` or `console`; None: no traces."""
        if self.otel_sdk_disabled or self.otel_traces_exporter is TracesExporter.NONE:
            return None
        if self.otel_traces_exporter is not None:
            return self.otel_traces_exporter.value
        endpoint = self.otel_exporter_otlp_endpoint or self.otel_exporter_otlp_traces_endpoint
        return TracesExporter.OTLP.value if endpoint else None
