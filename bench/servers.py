"""The bare server beside the service, and the three servers below it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from bench import mongo
from tests.e2e.service import free_port
from tests.support.servers.process import MissingServer
from tests.support.servers.rabbitmq import RabbitServer
from tests.support.servers.redis import RedisServer

ROOT = Path(__file__).parents[1]


class Bare:
    """A process that serves `bench.bare`."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Bare:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.bare", str(self.port)], cwd=ROOT, start_new_session=True
        )
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):
                httpx.get(f"{self.url}/health/ready", timeout=2).raise_for_status()
                return self
            time.sleep(0.05)
        raise SystemExit("the bare server did not start")

    def kill(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


@dataclass(frozen=True, slots=True)
class Servers:
    """`mongo` None: there is none that is worth timing."""

    mongo: mongo.Mongo | None
    redis: RedisServer
    rabbit: RabbitServer

    @property
    def redis_name(self) -> str:
        told = subprocess.run(["redis-server", "--version"], capture_output=True, text=True)
        version = next((w[2:] for w in told.stdout.split() if w.startswith("v=")), "?")
        return f"Redis {version}"

    @property
    def rabbit_port(self) -> int:
        return urlsplit(self.rabbit.url("/")).port or 5672

    @property
    def rabbit_name(self) -> str:
        return f"RabbitMQ {self.rabbit.api.get('overview').json()['rabbitmq_version']}"


@contextlib.contextmanager
def started(folder: Path) -> Iterator[Servers]:
    """Redis and RabbitMQ as the tests start them, and the MongoDB that was found."""
    for name in ("redis", "rabbitmq"):
        (folder / name).mkdir(parents=True)
    with ExitStack() as after:
        try:
            redis = RedisServer(folder / "redis").up()
            after.callback(redis.kill)
            rabbit = RabbitServer(folder / "rabbitmq")
            after.callback(rabbit.close)
            rabbit.up()
        except MissingServer as error:
            raise SystemExit(str(error)) from None
        yield Servers(after.enter_context(mongo.found(folder / "mongo")), redis, rabbit)
