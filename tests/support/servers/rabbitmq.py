"""A RabbitMQ of the tests' own, with what `deploy/rabbitmq/definitions.json` says."""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.support.servers.process import ServerProcess, program

DEFINITIONS = Path(__file__).parents[3] / "deploy" / "rabbitmq" / "definitions.json"
USER = "service"
_SERVER = "/usr/lib/rabbitmq/bin/rabbitmq-server"  # Debian's own wrapper changes the user


@dataclass(frozen=True, slots=True)
class VirtualHost:
    """`url` has the password in it."""

    name: str
    url: str
    api: httpx.Client

    def queue(self, name: str) -> dict[str, Any]:
        """What the management API says of it."""
        found: dict[str, Any] = self._get(f"queues/{quote(self.name, '')}/{quote(name, '')}")
        return found

    def exchange(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self._get(f"exchanges/{quote(self.name, '')}/{quote(name, '')}")
        return found

    def bindings(self, queue: str) -> list[dict[str, Any]]:
        """None where the queue is not there."""
        path = f"queues/{quote(self.name, '')}/{quote(queue, '')}/bindings"
        found = self.api.get(path)
        return [] if found.status_code == httpx.codes.NOT_FOUND else found.raise_for_status().json()

    def set_policy(self, name: str, **policy: Any) -> None:
        path = f"policies/{quote(self.name, '')}/{quote(name, '')}"
        self.api.put(path, json=policy).raise_for_status()

    def _get(self, path: str) -> Any:
        return self.api.get(path).raise_for_status().json()


class RabbitServer(ServerProcess):
    """What it holds survives a `stop` and a `kill`."""

    def __init__(self, folder: Path) -> None:
        self._port, self._distribution, self._names, management = _free_ports(4)
        self.password = secrets.token_urlsafe(12) + "/@:%"
        self._hosts = 0
        self._settle(folder, management)
        names = program("epmd", "rabbitmq-server")
        where = ["-port", str(self._names), "-address", "127.0.0.1"]
        self._epmd = ServerProcess([names, *where], folder / "names")
        super().__init__(
            [program(_SERVER, "rabbitmq-server")], folder, self._environment_of(folder)
        )
        self.api = httpx.Client(
            base_url=f"http://127.0.0.1:{management}/api/",
            auth=(USER, self.password),
            timeout=30,
            trust_env=False,
        )

    def _settle(self, folder: Path, management: int) -> None:
        for name in ("home", "names", "data", "logs"):
            (folder / name).mkdir()
        (folder / "plugins").write_text("[rabbitmq_management].\n")
        settings = {
            "listeners.tcp.1": f"127.0.0.1:{self._port}",
            "management.tcp.ip": "127.0.0.1",
            "management.tcp.port": management,
            "default_user": USER,
            "default_pass": self.password,
            "log.file": "false",
            "log.console": "true",
            "log.console.level": "warning",
            "collect_statistics_interval": 1000,
        }
        lines = "".join(f"{name} = {value}\n" for name, value in settings.items())
        (folder / "rabbitmq.conf").write_text(lines)

    def _environment_of(self, folder: Path) -> dict[str, str]:
        return {
            "HOME": str(folder / "home"),
            "ERL_EPMD_PORT": str(self._names),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_CRASH_DUMP_SECONDS": "0",
            "RUNNING_UNDER_SYSTEMD": "true",  # the server takes the place of the starting shell
            "RABBITMQ_NODENAME": "test@localhost",
            "RABBITMQ_NODE_PORT": str(self._port),
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "logs"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        }

    def up(self) -> RabbitServer:
        self._epmd.start(lambda: _listens(self._names))
        self.start(self._is_up)
        return self

    def restart(self) -> None:
        """After a `stop` or a `kill`."""
        self.start(self._is_up)

    def close(self) -> None:
        self.kill()
        self._epmd.kill()
        self.api.close()

    def virtual_host(self) -> VirtualHost:
        """A new one, with the shipped definitions."""
        self._hosts += 1
        name = f"test {self._hosts}"
        definitions = json.loads(DEFINITIONS.read_text())
        for host in definitions["vhosts"]:
            host["name"] = name
        for kind in ("exchanges", "queues", "bindings", "policies"):
            for definition in definitions[kind]:
                definition["vhost"] = name
        self.api.put(f"vhosts/{quote(name, '')}", json={"defaultqueuetype": "quorum"})
        self.api.post("definitions", json=definitions).raise_for_status()
        return VirtualHost(name, self.url(name), self.api)

    def url(self, virtual_host: str, password: str | None = None) -> str:
        given = quote(self.password if password is None else password, "")
        return f"amqp://{USER}:{given}@127.0.0.1:{self._port}/{quote(virtual_host, '')}"

    def _is_up(self) -> bool:
        try:
            return self.api.get("overview", timeout=5).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


@pytest.fixture(scope="session")
def rabbitmq_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitServer]:
    """Shared by all tests that leave it running."""
    server = RabbitServer(tmp_path_factory.mktemp("rabbitmq"))
    try:
        yield server.up()
    finally:
        server.close()


@pytest.fixture
def virtual_host(rabbitmq_server: RabbitServer) -> Iterator[VirtualHost]:
    host = rabbitmq_server.virtual_host()
    yield host
    rabbitmq_server.api.delete(f"vhosts/{quote(host.name, '')}")


@pytest.fixture(scope="module")
def own_rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitServer]:
    """For tests that stop it or freeze it, one after the other: each leaves it running."""
    server = RabbitServer(tmp_path_factory.mktemp("rabbitmq"))
    try:
        yield server.up()
    finally:
        server.close()
