"""A process that does background work only: relay, expiry, payment checks, pruning."""

from __future__ import annotations

import asyncio
import signal

import structlog
import uvloop

from shothik_payment.domain.errors import Misconfigured
from shothik_payment.entrypoints.container import Container, make_container
from shothik_payment.entrypoints.guard import require_startable, warnings
from shothik_payment.entrypoints.interpreter import tune_interpreter
from shothik_payment.entrypoints.logs import configure_logging
from shothik_payment.entrypoints.running import parts, running, serving
from shothik_payment.entrypoints.settings import Settings

log = structlog.get_logger(__name__)


def work_forever(settings: Settings) -> None:
    """Work until a signal says stop. Raises Misconfigured, Unavailable or StoreCorrupt where the
    worker cannot start."""
    require_startable(settings)
    if settings.store == "memory":
        raise Misconfigured(
            "DATABASE_URL", "memory:// is in the server's process, which does its own work"
        )
    if settings.broker == "memory":
        raise Misconfigured(
            "RABBITMQ_URL",
            "a worker publishes events, and with memory:// nobody could hear them; set amqp://…",
        )
    if settings.test_clock_on:
        raise Misconfigured(
            "TEST_CLOCK", "is of the server's process, which does its own work; unset it"
        )
    configure_logging(settings.log_level, settings.log_format)
    for warning in warnings(settings):
        log.warning(warning)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_work(settings))


def _serve_figures(container: Container) -> None:
    settings, serve = container.settings(), container.observing().serve
    if settings.metrics_port is None or serve is None:
        return
    try:
        serve(settings.host, settings.metrics_port)
    except OSError as error:
        problem = f"cannot listen on {settings.metrics_port}: {error.strerror}"
        raise Misconfigured("METRICS_PORT", problem) from error


async def _work(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    container = make_container(settings)
    _serve_figures(container)
    async with running(container, chores=serving(container), works=True):
        tune_interpreter()
        log.info("working", **parts(settings))
        await stop.wait()
        log.info("stopping")
