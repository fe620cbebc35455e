"""Logging: everything, the libraries' words included, as one line of JSON or of text on stderr."""

from __future__ import annotations

import logging
import sys
from contextvars import ContextVar
from typing import Any, Protocol

import structlog

from shothik_payment.entrypoints.settings import LogFormat, LogLevel

# The web server would set up handlers of its own; with these it hands its words on.
SERVER_LOG_CONFIG: dict[str, Any] = {
    "handlers": {},
    "formatters": {},
    "loggers": {name: {"propagate": True} for name in ("_granian", "granian.access")},
}


class Request(Protocol):
    """`trace_id` None: its caller has named none."""

    @property
    def request_id(self) -> str: ...

    @property
    def trace_id(self) -> str | None: ...


OF_REQUEST: ContextVar[Request | None] = ContextVar("request", default=None)
"""What is being answered: each line that is logged meanwhile says so."""

_OURS = "shothik_payment"
_QUIET = ("httpx", "asyncio")
_SAY_IT_TWICE = ("aio_pika", "aiormq")  # log the errors that they raise


def configure_logging(level: LogLevel, format_: LogFormat | None) -> None:
    """`format_` None: text on a terminal, JSON elsewhere. May be called again."""
    console = sys.stderr.isatty() if format_ is None else format_ is LogFormat.CONSOLE
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        _of_request,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(console),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # At debug, libraries log what passes through them: whole commands of the store, and messages,
    # with users' words and secrets in them. So only the service itself speaks there.
    lowest = logging.getLevelNamesMapping()[level.upper()]
    root.setLevel(max(lowest, logging.INFO))
    logging.getLogger(_OURS).setLevel(lowest)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))
    for name in _SAY_IT_TWICE:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    logging.captureWarnings(True)


def _of_request(_: object, __: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    request = OF_REQUEST.get()
    if request is not None:
        line.setdefault("request_id", request.request_id)
        if request.trace_id is not None:
            line.setdefault("trace_id", request.trace_id)  # a span's own goes first
    return line


def _renderers(console: bool) -> list[structlog.typing.Processor]:
    if console:
        # Plain tracebacks: the pretty ones print local variables, and those hold secrets.
        return [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(),
                exception_formatter=structlog.dev.plain_traceback,
            )
        ]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
