"""`monitor` on a RabbitMQ: what it counts, and what it says while a server is away."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import aio_pika
import pytest
from yarl import URL

from shothik_payment.adapters import codec
from shothik_payment.adapters.rabbitmq import RabbitEventBroker
from shothik_payment.domain.events import CreditAdded, Event, EventData, ServiceStopUser
from shothik_payment.domain.model.stop import StopCause
from shothik_payment.domain.ports.event_log import START, RecordedEvent
from tests.contracts.bindings import opened, sqlite_ports
from tests.contracts.book import NOW, Book, granting
from tests.e2e.service import Service
from tests.support.proxy import Proxy
from tests.support.published import raw_event
from tests.support.rabbit_client import EXCHANGE, Client
from tests.support.servers.mongo import MongoServer, fresh_name, url_of

SERVICE = "paraphrase_service"
STOPS, RESUMES = f"{SERVICE}.stop_user", f"{SERVICE}.resume_user"
STOP = ServiceStopUser(SERVICE, StopCause.FROZEN, [StopCause.FROZEN])
ADDED = CreditAdded("txn_1", 5, 0, 5, 0, "purchase")
NO_BROKER = {"RABBITMQ_URL": "amqp://u:secret@127.0.0.1:9/"}
NO_STORE = {"DATABASE_URL": "mongodb://127.0.0.1:9/none?serverSelectionTimeoutMS=200"}
ONCE = ("monitor", "--once", "--interval", "1", "--json")
AWAY = "The message broker is away."


def event(user: str, sequence: int, data: EventData) -> RecordedEvent:
    return codec.recorded(Event(f"evt_{user}_{sequence}", user, sequence, NOW, data), START)


async def run(command: Service, *arguments: str, **environment: str) -> Any:
    return await asyncio.to_thread(command.run, *arguments, **environment)


@contextmanager
def monitoring(
    command: Service, *options: str, **environment: str
) -> Iterator[subprocess.Popen[str]]:
    monitor = subprocess.Popen(
        [sys.executable, "-m", "shothik_payment", "monitor", "--interval", "1", *options],
        env={**command.environment, **environment},
        cwd=command.folder,
        stdout=subprocess.PIPE,
        text=True,
    )
    with monitor:
        try:
            yield monitor
        finally:
            monitor.kill()


async def seen(monitor: subprocess.Popen[str], wanted: Callable[[Any], bool]) -> Any:
    """Its first line that is so."""
    assert monitor.stdout is not None
    async with asyncio.timeout(60):
        while line := await asyncio.to_thread(monitor.stdout.readline):
            if wanted(json.loads(line)):
                return json.loads(line)
    raise AssertionError("it ended before")


async def two_events_wait(command: Service) -> None:
    command.key_by_command()
    async with opened(command.database) as database:
        await Book(sqlite_ports(database).ledger).do(granting("u1"), granting("u1"))


async def test_monitor_counts_and_looks_into_the_queues(
    command: Service, broker: RabbitEventBroker
) -> None:
    await two_events_wait(command)
    await broker.declare_control_queues([SERVICE])
    await broker.publish([event("u1", 1, STOP)])
    looking = asyncio.create_task(run(command, "monitor", "--once", "--interval", "2", "--json"))
    number = 0
    while not looking.done():
        number += 1
        await broker.publish([event("u2", number, ADDED)])
        await asyncio.sleep(0.05)
    ended = looking.result()
    assert ended.returncode == 0, ended.stderr
    (look,) = (json.loads(line) for line in ended.stdout.splitlines())
    assert look["problems"] == []
    assert list(look["events"]) == ["credit.added"]
    counted = look["events"]["credit.added"]
    assert 1 < counted["total"] < number
    assert counted["perSecond"] == pytest.approx(counted["total"] / look["seconds"], abs=0.01)
    assert look["queues"] == {
        STOPS: {"waiting": 1, "consumers": 0},
        RESUMES: {"waiting": 0, "consumers": 0},
    }
    assert (look["outbox"]["waiting"], look["outbox"]["unwanted"]) == (2, 0)


async def test_monitor_without_a_store_says_so(command: Service) -> None:
    ended = await run(command, "monitor", "--once", "--interval", "1")
    assert ended.returncode == 3, ended.stderr
    assert "none yet" in ended.stdout
    assert "The outbox is not there" in " ".join(ended.stdout.split())


async def test_what_still_answers_is_shown_and_what_is_away_named(command: Service) -> None:
    await two_events_wait(command)
    no_broker, no_store, neither = await asyncio.gather(
        run(command, *ONCE, **NO_BROKER),
        run(command, *ONCE, **NO_STORE),
        run(command, *ONCE, **NO_BROKER, **NO_STORE),
    )
    assert [ended.returncode for ended in (no_broker, no_store, neither)] == [3, 3, 3]
    looks = [json.loads(ended.stdout) for ended in (no_broker, no_store, neither)]
    assert [look["outbox"] and look["outbox"]["waiting"] for look in looks] == [2, None, None]
    assert [look["queues"] for look in looks] == [None, {}, None]
    (broker_away,), (store_away,), both = (look["problems"] for look in looks)
    assert broker_away.startswith(AWAY)
    assert store_away.startswith("MongoDB at 127.0.0.1:9 ")
    assert both == [store_away, broker_away]
    assert "secret" not in no_broker.stdout + no_broker.stderr


async def test_an_outbox_in_another_process_is_bad_configuration(command: Service) -> None:
    ended = await run(command, *ONCE, DATABASE_URL="memory://")
    (look,) = (json.loads(line) for line in ended.stdout.splitlines())
    assert (ended.returncode, look["queues"], look["outbox"]) == (2, {}, None)
    assert look["problems"][0].startswith("DATABASE_URL: memory:// is in the server's process")


async def test_a_broker_that_comes_back_is_heard(
    command: Service, broker: RabbitEventBroker
) -> None:
    await two_events_wait(command)
    real = URL(command.environment["RABBITMQ_URL"])
    assert real.host is not None
    assert real.port is not None
    async with Proxy(real.host, real.port) as proxy:
        proxy.refuse()
        with monitoring(command, "--json", RABBITMQ_URL=str(real.with_port(proxy.port))) as monitor:
            look = await seen(monitor, lambda look: True)
            assert (look["queues"], look["outbox"]["waiting"]) == (None, 2)
            assert look["problems"][0].startswith(AWAY)
            await broker.declare_control_queues([SERVICE])
            proxy.heal()
            telling = asyncio.create_task(told_again_and_again(broker))
            look = await seen(monitor, lambda look: look["events"])
            telling.cancel()
            await asyncio.wait([telling])
            assert (set(look["queues"]), look["problems"]) == ({STOPS, RESUMES}, [])
            monitor.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(monitor.wait, 30) == 0


async def told_again_and_again(broker: RabbitEventBroker) -> None:
    number = 0
    while True:
        number += 1
        await broker.publish([event("u1", number, ADDED)])
        await asyncio.sleep(0.1)


async def test_a_store_that_comes_back_is_found(
    command: Service, mongo_server: MongoServer
) -> None:
    async with Proxy(mongo_server.host, mongo_server.port) as proxy:
        url = url_of(mongo_server, fresh_name(), proxy.port) + "&serverSelectionTimeoutMS=200"
        proxy.refuse()
        with monitoring(command, "--json", DATABASE_URL=url) as monitor:
            look = await seen(monitor, lambda look: True)
            assert (look["queues"], look["outbox"]) == ({}, None)
            assert look["problems"][0].startswith("MongoDB at 127.0.0.1:")
            proxy.heal()
            look = await seen(monitor, lambda look: look["outbox"])
            assert (look["outbox"]["waiting"], look["problems"]) == (0, [])


async def test_a_file_that_comes_is_opened(command: Service) -> None:
    with monitoring(command, "--json") as monitor:
        look = await seen(monitor, lambda look: True)
        assert (look["outbox"], len(look["problems"])) == (None, 1)
        await asyncio.to_thread(command.key_by_command)
        look = await seen(monitor, lambda look: look["outbox"])
        assert look["problems"] == []


async def test_what_a_publisher_chose_moves_no_cursor(command: Service, client: Client) -> None:
    body = raw_event("a[/]\x1b[2J\u202e", time="\x1b]0;t\x07")
    message = aio_pika.Message(json.dumps(body).encode())
    exchange = await client.channel.declare_exchange(EXCHANGE, "topic", durable=True)
    with monitoring(command, COLUMNS="120") as monitor:
        assert monitor.stdout is not None
        reading = asyncio.create_task(asyncio.to_thread(monitor.stdout.readline))
        shown = ""
        while "u202e" not in shown:
            await exchange.publish(message, "any")
            await asyncio.wait([reading], timeout=0.2)
            if reading.done():
                shown += reading.result()
                reading = asyncio.create_task(asyncio.to_thread(monitor.stdout.readline))
        monitor.kill()
        await reading
    assert r"a[/]\x1b[2J\u202e" in shown
    assert r"\x1b]0;t\x07" in shown
    assert not any(control in shown for control in "\x1b\x07\u202e")


async def test_it_ends_at_once_where_the_broker_accepts_and_says_nothing(command: Service) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with monitoring(command, RABBITMQ_URL=f"amqp://u:p@127.0.0.1:{port}/") as monitor:
            connection, _ = await asyncio.to_thread(silent.accept)
            with connection:
                monitor.send_signal(signal.SIGTERM)
                assert await asyncio.to_thread(monitor.wait, 15) == 0


async def test_who_reads_no_further_ends_it_without_a_word(command: Service) -> None:
    monitor = f"{sys.executable} -m shothik_payment monitor --interval 1 --json"
    ended = await asyncio.to_thread(
        subprocess.run,
        ["/bin/sh", "-c", f"{monitor} | head -n 1"],
        env=command.environment,
        cwd=command.folder,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (len(ended.stdout.splitlines()), ended.stderr) == (1, "")
