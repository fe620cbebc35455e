"""At `debug` the service itself speaks, and nothing that passes through its libraries is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx
import pytest

from tests.e2e.service import SECRET, Service, Worker, token
from tests.e2e.waiting import eventually
from tests.integration.http.browsers import Page
from tests.support.servers.mongo import MongoServer, fresh_name, url_of
from tests.support.servers.rabbitmq import VirtualHost
from tests.support.servers.redis import RedisServer

USER = "user_of_the_log"
TYPED = "a reason that somebody typed"
MORE = "metadata that a service sent"
SERVER = "_granian"
"""It says when it starts and stops."""


@pytest.fixture
def processes(
    tmp_path: Path, mongo_server: MongoServer, redis_server: RedisServer, virtual_host: VirtualHost
) -> Iterator[tuple[Service, Worker]]:
    service = Service(
        tmp_path,
        DATABASE_URL=url_of(mongo_server, fresh_name()),
        REDIS_URL=redis_server.url,
        RABBITMQ_URL=virtual_host.url,
        LOG_LEVEL="debug",
    )
    worker = Worker(tmp_path, "a", service.environment)
    worker.environment["LOG_LEVEL"] = "debug"
    yield service, worker
    service.kill()
    worker.kill()


async def test_nothing_that_passes_through_is_logged(
    processes: tuple[Service, Worker], virtual_host: VirtualHost
) -> None:
    service, worker = processes
    service.start()
    worker.start()
    key = service.key()
    secrets = [key, *_adjusted_on_the_panel(service)]
    async with service.by_key(key) as client:
        body = {"userId": USER, "amount": 10, "feature": "jobs", "metadata": {"why": MORE}}
        await client.post("/deduct", body)

    async def told() -> bool:
        try:
            queue = virtual_host.queue("paraphrase_service.stop_user")
        except httpx.HTTPStatusError:  # it is not there yet
            return False
        return bool(queue.get("messages"))

    await eventually(told)
    service.stop()
    worker.stop()
    logs = service.log.read_text() + worker.log.read_text()
    password = urlsplit(virtual_host.url).password
    assert password is not None
    secrets += [password, quote(password, ""), SECRET, TYPED, MORE]
    assert [secret for secret in secrets if secret in logs] == []
    lines = [json.loads(line) for line in logs.splitlines() if line.startswith("{")]
    assert {"request", "working"} <= {line["event"] for line in lines}
    said_by = {line["logger"].partition(".")[0] for line in lines}
    assert said_by <= {"shothik_payment", SERVER}


def _adjusted_on_the_panel(service: Service) -> list[str]:
    """The user is given 10 credits; what the browser held meanwhile, that nobody else may."""
    shown = token("admin_1", "admin")
    with httpx.Client(base_url=service.url, verify=False, timeout=60) as browser:
        signed = browser.post("/admin/sign-in", data={"token": shown})
        assert signed.status_code == httpx.codes.SEE_OTHER, signed.text
        cookies = list(browser.cookies.values())
        path = f"/admin/users/{USER}/adjust"
        form = Page(browser.get(path)).fields
        done = browser.post(path, data=form | {"amount": "10", "reason": TYPED})
        assert done.status_code == httpx.codes.SEE_OTHER, done.text
    assert cookies
    return [shown, *cookies, form["form_token"], form["request_key"]]
