"""A MongoDB of the tests' own: the real one where a Docker daemon answers, else a server that
speaks its protocol, from the Python package `secantusdb`.

One is shared by a whole run, since each test has a database of its own in it; a test that stops or
freezes its server starts an own one.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from tests.support.servers.process import MissingServer, ServerProcess


class MongoServer(Protocol):
    """`host` and `port` stay the same from one start to the next, and so does what is stored."""

    host: str
    port: int

    def start(self) -> None:
        """Return when it takes writes."""
        ...

    def stop(self) -> None: ...

    def kill(self) -> None: ...

    def freeze(self) -> None: ...

    def thaw(self) -> None: ...

    def remove(self) -> None:
        """Stop it for good."""
        ...


def url_of(server: MongoServer, database: str, port: int | None = None) -> str:
    """`port`: of a proxy in front of it."""
    # Connected to directly: a member of a replica set would name its own address, past any proxy.
    where = f"{server.host}:{port or server.port}"
    return f"mongodb://{where}/{database}?directConnection=true"


def fresh_name() -> str:
    return f"test_{uuid.uuid4().hex[:16]}"


def new_server(folder: Path, *, survives_kill: bool) -> MongoServer:
    """Not started yet. `survives_kill`: what was committed is there after `kill`, for which the
    server without Docker has to be told, and is slower. Raises MissingServer."""
    if not _docker_answers():
        return _Process(folder, survives_kill)
    from tests.support.servers.mongo_container import MongoContainer  # slow to import

    return MongoContainer(free_port())


class _Process:
    def __init__(self, folder: Path, survives_kill: bool) -> None:
        program = Path(sys.executable).with_name("secantusd-py")
        if not program.exists():
            raise MissingServer(
                "The tests need a MongoDB: install the Python package secantusdb (`make install`"
                " does), or start Docker."
            )
        self.host, self.port = "127.0.0.1", free_port()
        settings = folder / "secantusd.toml"
        settings.touch()  # or it would look for one in the home directory
        self._server = ServerProcess(
            [
                str(program),
                *("--config", str(settings)),
                *("--host", self.host, "--port", str(self.port)),
                *("--storage-path", str(folder / "data"), "--cache-size", "256M"),
                *("--log-level", "WARNING"),
                *(["--sync-on-commit"] if survives_kill else []),
            ],
            folder,
        )

    def start(self) -> None:
        self._server.start(lambda: takes_writes(self.host, self.port))

    def stop(self) -> None:
        self._server.stop()

    def kill(self) -> None:
        self._server.kill()

    def freeze(self) -> None:
        self._server.freeze()

    def thaw(self) -> None:
        self._server.thaw()

    def remove(self) -> None:
        self._server.kill()


def mongo_client(host: str, port: int) -> MongoClient[dict[str, Any]]:
    return MongoClient(
        host, port, directConnection=True, serverSelectionTimeoutMS=1_000, socketTimeoutMS=5_000
    )


def takes_writes(host: str, port: int) -> bool:
    try:
        with mongo_client(host, port) as client:
            return bool(client.admin.command("hello").get("isWritablePrimary"))
    except PyMongoError:
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _docker_answers() -> bool:
    """A client alone does not count: the daemon has to answer."""
    try:
        asked = subprocess.run(
            ["docker", "info", "--format", "{{.ServerVersion}}"], capture_output=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0 and bool(asked.stdout.strip())


@pytest.fixture(scope="session")
def mongo_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoServer]:
    """Shared by all tests that leave it running; each has a database of its own in it."""
    server = new_server(tmp_path_factory.mktemp("mongo"), survives_kill=False)
    server.start()
    yield server
    server.remove()


@pytest.fixture
def own_mongo(tmp_path: Path) -> Iterator[MongoServer]:
    """For a test that stops it or freezes it."""
    folder = tmp_path / "mongo"
    folder.mkdir()
    server = new_server(folder, survives_kill=True)
    server.start()
    yield server
    server.remove()
