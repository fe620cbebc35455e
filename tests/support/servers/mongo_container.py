"""The real MongoDB, in a container."""

from __future__ import annotations

from typing import Any

from pymongo.errors import OperationFailure, PyMongoError
from testcontainers.core.container import DockerContainer
from testcontainers.core.waiting_utils import WaitStrategy, WaitStrategyTarget

from tests.support.servers.mongo import mongo_client, takes_writes

_IMAGE = "mongo:8"
_MEMBERS = [{"_id": 0, "host": "localhost:27017"}]


class MongoContainer:
    """A replica set of one member, on a port of this machine."""

    def __init__(self, port: int) -> None:
        self.host, self.port = "127.0.0.1", port
        self._writable = _Writable(self.host, port)
        self._container = (
            DockerContainer(_IMAGE)
            .with_bind_ports(27017, port)
            .with_command("--replSet rs0 --bind_ip_all")
            .waiting_for(self._writable)
        )
        self._made = False

    def start(self) -> None:
        if not self._made:
            self._container.start()
            self._made = True
            return
        self._wrapped.start()
        self._writable.wait_until_ready(self._container)

    def stop(self) -> None:
        self._wrapped.stop()

    def kill(self) -> None:
        self._wrapped.kill()

    def freeze(self) -> None:
        self._wrapped.pause()

    def thaw(self) -> None:
        self._wrapped.unpause()

    def remove(self) -> None:
        if self._made:
            self._container.stop()

    @property
    def _wrapped(self) -> Any:
        return self._container.get_wrapped_container()


class _Writable(WaitStrategy):
    def __init__(self, host: str, port: int) -> None:
        super().__init__()
        self.with_startup_timeout(60).with_poll_interval(0.1)
        self._host, self._port = host, port

    def wait_until_ready(self, container: WaitStrategyTarget) -> None:
        if not self._poll(self._is_writable, [PyMongoError]):
            raise AssertionError(f"{_IMAGE} is not up:\n{container.get_logs()}")

    def _is_writable(self) -> bool:
        if takes_writes(self._host, self._port):
            return True
        with mongo_client(self._host, self._port) as client:
            try:
                client.admin.command("replSetInitiate", {"_id": "rs0", "members": _MEMBERS})
            except OperationFailure as failure:
                if failure.code != _INITIATED:
                    raise
        return False


_INITIATED = 23
"""MongoDB's code: the set knows its members already, and has not elected one yet."""
