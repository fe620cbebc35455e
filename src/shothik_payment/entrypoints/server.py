"""The web server: a supervisor, and worker processes that each run the application."""

from __future__ import annotations

import asyncio
import errno
import multiprocessing
import os
import resource
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.synchronize import Lock
from tempfile import TemporaryDirectory

import structlog
from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops
from granian.log import LogLevels
from litestar.types import ControllerRouterHandler

from shothik_payment.domain.errors import Misconfigured
from shothik_payment.entrypoints.background import Chore
from shothik_payment.entrypoints.container import Container, make_container
from shothik_payment.entrypoints.demo import Demo
from shothik_payment.entrypoints.guard import require_startable, warnings
from shothik_payment.entrypoints.http.app import PaymentApi, create_app
from shothik_payment.entrypoints.http.metrics import metrics_route
from shothik_payment.entrypoints.http.sandbox import sandbox_handlers
from shothik_payment.entrypoints.interpreter import tune_interpreter
from shothik_payment.entrypoints.logs import SERVER_LOG_CONFIG, configure_logging
from shothik_payment.entrypoints.running import parts, running, serving
from shothik_payment.entrypoints.settings import Settings
from shothik_payment.entrypoints.supervision import SupervisorWatch

log = structlog.get_logger(__name__)

BACKLOG = 4096
MAX_CONNECTIONS = 16_384
"""Of one worker, idle ones included; beyond it new ones wait in the backlog."""
_OPEN_FILES = 65_536
_STOP_SECONDS = 10
_PORT_PATIENCE_SECONDS = 3.0
_ORPHAN_CHECK_SECONDS = 0.5
_FIGURES_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


def serve_forever(settings: Settings, *, demo: bool) -> None:
    """Serve until a signal says stop. Raises Misconfigured, Unavailable or StoreCorrupt where the
    service cannot start."""
    require_startable(settings)
    if demo and settings.production:
        raise Misconfigured("--demo", "gives credits away; it is for APP_ENV=development only")
    configure_logging(settings.log_level, settings.log_format)
    for warning in warnings(settings):
        log.warning(warning)
    address = _free_address(settings)
    _raise_file_limit()
    with _shared_figures(settings):
        _serve(settings, address, demo=demo)


def _serve(settings: Settings, address: str, *, demo: bool) -> None:
    # Once here, in words and before any worker: a store that cannot be opened, a wrong catalog.
    asyncio.run(_try_out(settings))
    server = Granian(
        "shothik_payment",
        address=address,
        port=settings.port,
        interface=Interfaces.ASGI,
        workers=settings.workers,
        loop=Loops.uvloop,
        http=HTTPModes.http1,
        websockets=False,
        backlog=BACKLOG,
        backpressure=MAX_CONNECTIONS,
        log_level=LogLevels.warning,
        log_dictconfig=SERVER_LOG_CONFIG,
        respawn_failed_workers=True,
        workers_kill_timeout=_STOP_SECONDS,
    )
    log.info("serving", url=settings.own_url, workers=settings.workers, **parts(settings))
    # The server's own start methods; see granian.server.mp.
    method = multiprocessing.get_start_method()
    context = multiprocessing.get_context(method if method in ("fork", "spawn") else "spawn")
    first = context.Lock() if demo else None
    server.serve(target_loader=WorkerApp(settings, os.getpid(), first), wrap_loader=False)


@contextmanager
def _shared_figures(settings: Settings) -> Iterator[None]:
    """Where the workers add up what they count, so that whichever is asked tells of all. The
    library that counts reads it from the environment when it is first imported."""
    if settings.workers == 1 or not settings.metrics_on:
        yield
        return
    with TemporaryDirectory(prefix="shothik-figures-") as folder:
        os.environ[_FIGURES_FOLDER] = folder
        try:
            yield
        finally:
            del os.environ[_FIGURES_FOLDER]


async def _try_out(settings: Settings) -> None:
    async with running(make_container(settings)):
        return


def _free_address(settings: Settings) -> str:
    """The address to listen on, once nobody else does.

    Workers share the port, so a second server would silently get part of the requests. A worker
    whose supervisor was killed is gone after a moment: that long we wait.
    """
    deadline = time.monotonic() + _PORT_PATIENCE_SECONDS
    while True:
        try:
            return _try_address(settings.host, settings.port)
        except OSError as error:
            if error.errno == errno.EADDRINUSE and time.monotonic() < deadline:
                time.sleep(0.1)
                continue
            raise _address_fault(settings, error) from error


def _try_address(host: str, port: int) -> str:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
    return str(address[0])


def _address_fault(settings: Settings, error: OSError) -> Misconfigured:
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return Misconfigured("HOST", f"{settings.host!r} is no address of this machine")
    if error.errno == errno.EADDRINUSE:
        return Misconfigured(
            "PORT", f"{settings.port} on {settings.host} is in use; stop what uses it, or set PORT"
        )
    return Misconfigured("PORT", f"cannot listen on {settings.port}: {error.strerror}")


def _raise_file_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):  # some systems allow less than they say
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@dataclass(frozen=True, slots=True)
class WorkerApp:
    """Makes the application inside a worker; handed to it by fork or by pickle.

    `first` is taken by the one worker that runs the demo, None: no demo.
    """

    settings: Settings
    supervisor: int
    first: Lock | None

    def __call__(self) -> PaymentApi:
        # A forked worker has the supervisor's handlers, which do nothing here: a signal that came
        # before the server sets its own would be lost, and stopping would take until the kill.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        configure_logging(self.settings.log_level, self.settings.log_format)
        container = make_container(self.settings)
        handlers: list[ControllerRouterHandler] = []
        if self.settings.sandbox_on:
            handlers += sandbox_handlers(container.sandbox_desk(), container.catalog())
        observing = container.observing()
        if observing.render is not None:
            handlers.append(metrics_route(observing.render, self.settings.shown_metrics_token))
        return create_app(
            container.application(),
            container.http_settings(),
            extra_handlers=handlers,
            watch=observing.watch(),
            lifespan=[lambda app: self._run(container)],
        )

    @asynccontextmanager
    async def _run(self, container: Container) -> AsyncIterator[None]:
        watch = SupervisorWatch(self.supervisor, _STOP_SECONDS)
        chores = [*serving(container), Chore("supervisor", watch.look, _ORPHAN_CHECK_SECONDS)]
        works = self.settings.embedded
        async with running(container, chores=chores, works=works) as application:
            demo = None
            if self.first is not None and self.first.acquire(block=False):
                demo = Demo(self.settings, application, container.token_issuer())
                demo.start()
            tune_interpreter()
            yield
            if demo is not None:
                await demo.stop()
