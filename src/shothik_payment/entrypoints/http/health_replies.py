"""What those get who ask how the service is."""

from __future__ import annotations

from typing import Literal

from shothik_payment.entrypoints.http.replies import FailureReply, Reply, View


class DependencyView(View, kw_only=True, frozen=True):
    status: Literal["ok", "unavailable"]
    message: str | None


class ReadyReply(Reply, kw_only=True, frozen=True):
    status: Literal["ok", "degraded"]
    dependencies: dict[str, DependencyView]


class NotReadyReply(FailureReply, kw_only=True, frozen=True):
    status: Literal["unavailable"] = "unavailable"
    dependencies: dict[str, DependencyView]


class LiveReply(Reply, kw_only=True, frozen=True):
    status: Literal["ok"] = "ok"
