"""The scripts in examples/node, run as an existing microservice would run."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aio_pika
import pytest

from tests.e2e.node_script import FOLDER, Script, run, script
from tests.e2e.service import Service
from tests.support.servers.process import program
from tests.support.servers.rabbitmq import VirtualHost

SERVICE = "paraphrase_service"


@pytest.fixture(scope="session")
def node() -> str:
    """Where Node.js is, with what the examples need beside them."""
    found = program("node", "nodejs")
    lock = (FOLDER / "package-lock.json").read_text()
    installed = FOLDER / "node_modules" / ".installed-from"
    if not installed.is_file() or installed.read_text() != lock:
        command = [program("npm", "npm"), "ci", "--ignore-scripts"]
        done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, done.stderr
        installed.write_text(lock)
    return found


def caller(service: Service, key: str) -> dict[str, str]:
    return {
        "PAYMENT_SERVICE_URL": service.api,
        "PAYMENT_SERVICE_API_KEY": key,
        "SERVICE_NAME": SERVICE,
    }


async def balance(service: Service, key: str, user_id: str) -> int:
    async with service.by_key(key) as client:
        found: int = (await client.get(f"/balance/{user_id}"))["balance"]
        return found


# Over HTTP


async def test_the_connection_test_finds_every_call_answered(node: str, service: Service) -> None:
    key = service.key()
    await service.give("u1", 10)
    code, said = await run(node, "test-payment-connection.js", "u1", **caller(service, key))
    assert code == 0, said
    assert [line[0] for line in said.splitlines()[1:-1]] == ["✓"] * 5
    assert "10 → 9" in said
    assert "1 back, balance 10" in said
    assert await balance(service, key, "u1") == 10


async def test_the_connection_test_says_what_does_not_answer(node: str, service: Service) -> None:
    wrong = "sk_paraphrase_" + "a" * 32
    code, said = await run(node, "test-payment-connection.js", "u1", **caller(service, wrong))
    assert code == 1
    assert said.count("✗") == 3
    assert "401" in said
    assert wrong not in said


async def test_what_is_not_configured_is_named(node: str) -> None:
    code, said = await run(node, "test-payment-connection.js")
    assert (code, said) == (2, "✗ Set PAYMENT_SERVICE_API_KEY.")
    for name in ("test-event-listener.js", "monitor-events-simple.js"):
        assert await run(node, name) == (2, "✗ Set RABBITMQ_URL.")


async def test_the_quick_start_charges_and_refunds(node: str, service: Service) -> None:
    key = service.key()
    await service.give("u1", 12)
    code, said = await run(node, "QUICK_START_EXAMPLE.js", "u1", **caller(service, key))
    assert code == 0, said
    assert "Request 1 of u1: Credits Used: 5 | Remaining: 7" in said
    assert "Request 2 of u1: Processing failed, credits refunded." in said
    assert await balance(service, key, "u1") == 7


async def test_the_quick_start_keeps_out_who_is_stopped(node: str, service: Service) -> None:
    key = service.key()
    await service.give("u1", 5)
    async with service.by_key(key) as client:
        await client.post("/deduct", {"userId": "u1", "amount": 5, "feature": "all of it"})
    code, said = await run(node, "QUICK_START_EXAMPLE.js", "u1", **caller(service, key))
    assert code == 0, said
    assert said.count("403 Forbidden – Service suspended") == 2


async def test_the_quick_start_says_that_the_service_is_away(node: str, unstarted: Service) -> None:
    key = "sk_paraphrase_" + "a" * 32
    code, said = await run(node, "QUICK_START_EXAMPLE.js", **caller(unstarted, key))
    assert code == 1
    assert "ECONNREFUSED" in said
    assert key not in said


# Over RabbitMQ


def told(sequence: int, action: str, user_id: str = "u1") -> dict[str, Any]:
    causes = {"causes": ["credits_gone"]} if action == "stop_user" else {}
    return {
        "specversion": "1.0",
        "id": f"evt_{user_id}_{sequence}",
        "source": "shothik-payment-service",
        "type": f"service.{action}",
        "subject": user_id,
        "time": "2026-01-02T03:04:05.678Z",
        "datacontenttype": "application/json",
        "sequence": f"{sequence:020}",
        "data": {"userId": user_id, "service": SERVICE, "reason": "credits_gone", **causes},
    }


class Publisher:
    def __init__(self, channel: aio_pika.abc.AbstractChannel) -> None:
        self._channel = channel

    async def tell(self, event: dict[str, Any]) -> None:
        action = event["type"].removeprefix("service.")
        await self.send(f"service.{SERVICE}.{action}", json.dumps(event).encode())

    async def send(self, routing_key: str, body: bytes) -> None:
        exchange = await self._channel.get_exchange("payment.events")
        message = aio_pika.Message(
            body,
            content_type="application/cloudevents+json",
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            headers={"x-class": "critical"},
        )
        await exchange.publish(message, routing_key)

    async def delete(self, queue: str) -> None:
        await self._channel.queue_delete(queue)

    async def dead_letter(self) -> bytes:
        dead = await self._channel.get_queue("payment.events.dead")
        async with asyncio.timeout(30), dead.iterator(no_ack=True) as letters:
            async for letter in letters:
                return letter.body
        raise AssertionError("unreachable")


@pytest.fixture
async def publisher(virtual_host: VirtualHost) -> AsyncIterator[Publisher]:
    connection = await aio_pika.connect(virtual_host.url)
    async with connection, connection.channel() as channel:
        yield Publisher(channel)


@asynccontextmanager
async def listener(node: str, host: VirtualHost) -> AsyncIterator[Script]:
    given = {"RABBITMQ_URL": host.url, "SERVICE_NAME": SERVICE}
    async with script(node, "test-event-listener.js", **given) as running:
        await running.until("Listening")
        yield running


async def test_the_listener_applies_each_event_once_and_in_order(
    node: str, virtual_host: VirtualHost, publisher: Publisher
) -> None:
    async with listener(node, virtual_host) as running:
        stop = told(5, "stop_user")
        for event, became in (
            (stop, "blocked"),
            (stop, "seen before"),
            (told(7, "resume_user"), "resumed"),
            (told(6, "stop_user"), "out of date"),
            (told(10, "stop_user"), "blocked"),
            (told(3, "stop_user", "u2"), "blocked"),
            (told(4, "resume_user", "u2"), "resumed"),
        ):
            await publisher.tell(event)
            line = await running.until(event["type"])
            assert line.endswith(became), f"{event['id']}: {running.said}"
        assert await running.interrupted() == 0
    assert running.lines[-1] == "7 events. Blocked: u1"
    assert virtual_host.url not in running.said
    assert "//***@" in running.said


async def test_the_listener_puts_aside_what_it_cannot_read(
    node: str, virtual_host: VirtualHost, publisher: Publisher
) -> None:
    async with listener(node, virtual_host) as running:
        await publisher.send(f"service.{SERVICE}.stop_user", b"no JSON")
        assert await publisher.dead_letter() == b"no JSON"
        await publisher.tell(told(1, "stop_user"))
        assert (await running.until("service.stop_user")).endswith("blocked")


async def test_the_listener_ends_when_its_queue_is_taken_away(
    node: str, virtual_host: VirtualHost, publisher: Publisher
) -> None:
    async with listener(node, virtual_host) as running:
        await publisher.delete(f"{SERVICE}.stop_user")
        assert await running.ended() == 1
    assert running.lines[-1] == "✗ A queue was deleted."


async def test_events_wait_for_the_listener(
    node: str, virtual_host: VirtualHost, publisher: Publisher
) -> None:
    async with listener(node, virtual_host) as running:
        assert await running.interrupted() == 0
    await publisher.tell(told(1, "stop_user"))
    async with listener(node, virtual_host) as running:
        await running.until("service.stop_user")
        assert await running.interrupted() == 0
    assert running.lines[-1] == "1 events. Blocked: u1"


async def test_the_monitor_shows_all_and_takes_nothing_away(
    node: str, virtual_host: VirtualHost, publisher: Publisher
) -> None:
    async with (
        listener(node, virtual_host) as listening,
        script(node, "monitor-events-simple.js", RABBITMQ_URL=virtual_host.url) as running,
    ):
        await running.until("Monitoring")
        await publisher.tell(told(1, "stop_user"))
        line = await running.until("u1")
        assert f"critical  service.{SERVICE}.stop_user  u1" in line
        await publisher.tell(told(2, "resume_user"))
        await running.until("resume_user")
        await listening.until("resumed")
        assert await running.interrupted() == 0
    assert running.lines[-2:] == [
        f"       1  service.{SERVICE}.resume_user",
        f"       1  service.{SERVICE}.stop_user",
    ]
    assert virtual_host.url not in running.said


@pytest.fixture
def telling(tmp_path: Path, virtual_host: VirtualHost) -> Iterator[Service]:
    """A service that publishes to the virtual host."""
    made = Service(tmp_path, RABBITMQ_URL=virtual_host.url)
    yield made.start()
    made.kill()


async def test_an_existing_service_notices_no_difference(
    node: str, telling: Service, virtual_host: VirtualHost
) -> None:
    """Quick start, listener and monitor on one service: used up, stopped, bought, let in again."""
    given = {**caller(telling, telling.key()), "RABBITMQ_URL": virtual_host.url}
    await telling.give("u1", 5)
    async with (
        listener(node, virtual_host) as listening,
        script(node, "monitor-events-simple.js", **given) as monitoring,
    ):
        await monitoring.until("Monitoring")
        code, said = await run(node, "QUICK_START_EXAMPLE.js", "u1", **given)
        assert code == 0, said
        assert "Request 1 of u1: Credits Used: 5 | Remaining: 0" in said
        assert "Request 2 of u1: 40" in said  # 402 or 403: the stop may have arrived by then
        assert (await listening.until("usage.limit_exceeded")).endswith("credits")
        assert (await listening.until("service.stop_user")).endswith("blocked")
        await telling.give("u1", 5)
        assert (await listening.until("service.resume_user")).endswith("resumed")
        await monitoring.until("resume_user")
        assert await monitoring.interrupted() == 0
        assert await listening.interrupted() == 0
    assert listening.lines[-1].endswith("Blocked: nobody")
    shown = [line.split()[2] for line in monitoring.lines if line.startswith("20")]
    assert shown[-3:] == ["credit.added", "usage.limit_reset", f"service.{SERVICE}.resume_user"]


async def test_a_broker_that_is_away_is_said(node: str) -> None:
    url = "amqp://admin:a-password-of-ours@127.0.0.1:1"
    for name in ("test-event-listener.js", "monitor-events-simple.js"):
        code, said = await run(node, name, RABBITMQ_URL=url)
        assert code == 1
        assert "ECONNREFUSED" in said
        assert "a-password-of-ours" not in said
