"""A Redis of the tests' own."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.servers.process import ServerProcess, program


class RedisServer(ServerProcess):
    """`url` has the password in it, where there is one. What it holds is gone when it stops."""

    def __init__(self, folder: Path, password: str | None = None) -> None:
        self.port = _free_port()
        credentials = "" if password is None else f":{password}@"
        self.url = f"redis://{credentials}127.0.0.1:{self.port}/0"
        settings = folder / "redis.conf"
        settings.write_text("" if password is None else f"requirepass {password}\n")
        redis = program("redis-server", "redis-server")
        where = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(folder)]
        super().__init__([redis, str(settings), *where, "--save", ""], folder)

    def up(self) -> RedisServer:
        self.start(self._is_up)
        return self

    def _is_up(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith((b"+PONG", b"-NOAUTH"))
        except OSError:
            return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Shared by all tests that leave it running; each keeps to keys of its own or empties it."""
    server = RedisServer(tmp_path_factory.mktemp("redis")).up()
    yield server
    server.stop()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """For a test that stops it, freezes it or counts what it is asked."""
    folder = tmp_path / "redis"
    folder.mkdir()
    server = RedisServer(folder).up()
    yield server
    server.kill()
