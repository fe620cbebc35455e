"""Traces by OpenTelemetry. Imported only where the standard variables ask for them."""

from shothik_payment.adapters.opentelemetry.tracer import OpenTelemetryTracer

__all__ = ["OpenTelemetryTracer"]
