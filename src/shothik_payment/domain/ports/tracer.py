"""Traces: what one request, or one round of work, spent its time on."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import Protocol

Facts = Mapping[str, str | int]


class SpanKind(StrEnum):
    """`SERVER` answers a request from outside, `CLIENT` waits for somebody outside."""

    SERVER = "server"
    CLIENT = "client"
    INTERNAL = "internal"


class Span(Protocol):
    def name(self, name: str) -> None:
        """Call it by what is known only now."""
        ...

    def note(self, facts: Facts) -> None: ...

    def fail(self, what: str) -> None:
        """Mark it as failed."""
        ...


class Tracer(Protocol):
    def span(
        self,
        name: str,
        kind: SpanKind = SpanKind.INTERNAL,
        facts: Facts | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AbstractContextManager[Span]:
        """Around the work. Its parent is what `headers` name (`traceparent`, `tracestate`, as W3C
        has it), else the span that the caller is in; without either it begins a trace. Facts hold
        nothing secret, and nobody's id. An error that passes marks it as failed."""
        ...

    async def close(self) -> None:
        """Send what is left, for a few seconds at most."""
        ...
