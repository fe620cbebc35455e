"""Two API processes and two workers on MongoDB, Redis and RabbitMQ."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.e2e.service import Deployment, Service, Worker
from tests.support.servers.rabbitmq import VirtualHost


class Cluster(Deployment):
    """`start` and `kill` are of all processes; the servers are the test's."""

    def __init__(
        self,
        folder: Path,
        database_url: str,
        redis_url: str,
        messages: VirtualHost,
        **settings: str,
    ) -> None:
        settings |= {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "RABBITMQ_URL": messages.url,
        }
        self.messages = messages
        self.services = [Service(folder, **settings) for _ in range(2)]
        self.workers = [Worker(folder, name, self.services[0].environment) for name in ("a", "b")]
        super().__init__(folder, [service.api for service in self.services], settings)

    def start(self) -> Cluster:
        _start_at_once([*self.services, *self.workers])
        return self

    def start_workers(self) -> None:
        _start_at_once(self.workers)

    def kill(self) -> None:
        for process in (*self.services, *self.workers):
            process.kill()


def _start_at_once(processes: Sequence[Service | Worker]) -> None:
    with ThreadPoolExecutor() as threads:
        list(threads.map(lambda process: process.start(), processes))
