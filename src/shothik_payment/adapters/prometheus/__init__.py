"""Figures for Prometheus: counted as the work goes on, and written out where they are asked for."""

from shothik_payment.adapters.prometheus.exposition import Exposition
from shothik_payment.adapters.prometheus.observer import PrometheusObserver
from shothik_payment.adapters.prometheus.requests import PrometheusRequests

__all__ = ["Exposition", "PrometheusObserver", "PrometheusRequests"]
