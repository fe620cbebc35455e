"""The commands that hear events, on a RabbitMQ: as an operator and as a script meet them."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import aio_pika
from yarl import URL

from shothik_payment.adapters import codec
from shothik_payment.adapters.rabbitmq import RabbitEventBroker
from shothik_payment.domain.events import (
    CreditAdded,
    Event,
    EventData,
    ServiceResumeUser,
    ServiceStopUser,
)
from shothik_payment.domain.model.stop import StopCause
from shothik_payment.domain.model.time import DAY, Millis
from shothik_payment.domain.ports.broker import Delivery
from shothik_payment.domain.ports.event_log import PARTITIONS, START, RecordedEvent
from tests.contracts.bindings import opened, sqlite_ports
from tests.contracts.book import NOW, Book, granting
from tests.e2e.service import Service
from tests.support.rabbit_client import Client

SERVICE = "paraphrase_service"
STOPS, RESUMES, CONTROL = (f"{SERVICE}.{kind}" for kind in ("stop_user", "resume_user", "control"))
STOP = ServiceStopUser(SERVICE, StopCause.FROZEN, [StopCause.FROZEN])
RESUME = ServiceResumeUser(SERVICE, StopCause.FROZEN)
ADDED = CreditAdded("txn_1", 5, 0, 5, 0, "purchase")


def event(user: str, sequence: int, data: EventData, number: int = 0) -> RecordedEvent:
    told = Event(f"evt_{user}_{sequence}_{number}", user, sequence, NOW, data)
    return codec.recorded(told, START)


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def start(command: Service, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "shothik_payment", *arguments],
        env=command.environment,
        cwd=command.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


async def run(command: Service, *arguments: str, **environment: str) -> Any:
    return await asyncio.to_thread(command.run, *arguments, **environment)


async def published(broker: RabbitEventBroker, events: Sequence[RecordedEvent]) -> None:
    assert set(await broker.publish(events)) == {Delivery.TAKEN}


async def test_listen_keeps_a_blocklist_as_a_consumer_would(
    command: Service, broker: RabbitEventBroker, client: Client
) -> None:
    await client.assert_queue(CONTROL)
    for what in ("stop", "resume"):
        await client.bind(CONTROL, f"service.{SERVICE}.{what}_user")
    stop = event("u1", 3, STOP)
    told = [stop, event("u2", 1, STOP), stop, event("u1", 2, RESUME), event("u2", 2, RESUME)]
    await published(broker, told)
    ended = await run(
        command, "listen", "--service", "paraphrase", "--control", "--count", "5", "--json"
    )
    assert ended.returncode == 0, ended.stderr
    assert CONTROL in ended.stderr
    *heard, last = lines(ended.stdout)
    assert [(e["userId"], e["sequence"], e["effect"], e["blocked"]) for e in heard] == [
        ("u1", 3, "applied", True),
        ("u2", 1, "applied", True),
        ("u1", 3, "duplicate", True),
        ("u1", 2, "outdated", True),
        ("u2", 2, "applied", False),
    ]
    assert heard[0]["data"] == json.loads(stop.data)
    assert last == {
        "blocklist": [
            {"userId": "u1", "reason": "frozen", "since": heard[0]["time"], "sequence": 3}
        ]
    }
    assert await client.depth(CONTROL) == 0


async def test_listen_makes_the_queues_of_an_existing_client(
    command: Service, broker: RabbitEventBroker, client: Client
) -> None:
    listening = start(command, "listen", "--service", SERVICE, "--also", "credit.added", "--json")
    assert listening.stderr is not None
    assert listening.stdout is not None
    assert STOPS in await asyncio.to_thread(listening.stderr.readline)
    for queue in (STOPS, RESUMES, f"{SERVICE}.credit.added"):
        await client.assert_queue(queue)
    await published(broker, [event("u1", 1, ADDED), event("u1", 2, STOP)])
    heard = [json.loads(await asyncio.to_thread(listening.stdout.readline)) for _ in range(2)]
    assert {(e["type"], e["effect"]) for e in heard} == {
        ("credit.added", "noted"),
        ("service.stop_user", "applied"),
    }
    listening.send_signal(signal.SIGINT)
    rest, complaints = await asyncio.to_thread(listening.communicate)
    assert (listening.returncode, complaints) == (0, "")
    assert [b["userId"] for b in json.loads(rest)["blocklist"]] == ["u1"]


async def test_listen_leaves_what_it_was_not_asked_for(
    command: Service, broker: RabbitEventBroker, client: Client
) -> None:
    await broker.declare_control_queues([SERVICE])
    await published(broker, [event("u1", n, STOP) for n in (1, 2, 3)])
    ended = await run(command, "listen", "--service", "paraphrase", "--count", "1")
    assert ended.returncode == 0, ended.stderr
    assert "service.stop_user" in ended.stdout
    assert f"Blocked for {SERVICE}: u1" in ended.stdout
    assert [(await client.take(STOPS)).type for _ in range(2)] == [STOP.type] * 2


async def test_listen_goes_on_where_a_queue_was_deleted(
    command: Service, broker: RabbitEventBroker, client: Client
) -> None:
    await broker.declare_control_queues([SERVICE])
    await published(broker, [event("u1", 1, STOP)])
    listening = start(command, "listen", "--service", SERVICE, "--count", "2", "--json")
    assert listening.stderr is not None
    assert listening.stdout is not None
    assert STOPS in await asyncio.to_thread(listening.stderr.readline)
    assert "u1" in await asyncio.to_thread(listening.stdout.readline)
    await client.channel.queue_delete(STOPS)
    assert "Trying again." in await asyncio.to_thread(listening.stderr.readline)
    await broker.declare_control_queues([SERVICE])
    await published(broker, [event("u2", 1, STOP)])
    rest, _ = await asyncio.to_thread(listening.communicate)
    assert (listening.returncode, lines(rest)[0]["userId"]) == (0, "u2")


async def test_past_events_are_told_again_into_a_queue(command: Service, client: Client) -> None:
    async with opened(command.database) as database:
        book = Book(sqlite_ports(database).ledger)
        for user in ("u1", "u2", "u2"):
            await book.do(granting(user, at=Millis(NOW - 1000 * DAY)))
        events = sqlite_ports(database).events
        await events.mark(await events.unpublished(range(PARTITIONS), 100), [], NOW)
    await client.assert_queue("mine")
    always = ("events", "replay", "--from", "2024-01-01", "--to", "2025-01-01T00:00:00Z")
    mine, nowhere, none = await asyncio.gather(
        run(command, *always, "--queue", "mine", "--user", "u2", "--json"),
        run(command, *always, "--queue", "nowhere"),
        run(command, *always, "--type", "payment.failed"),
    )
    assert (mine.returncode, mine.stderr) == (0, "")
    assert json.loads(mine.stdout) == {"replayed": 2, "refused": 0, "retold": 0}
    told = [json.loads((await client.take("mine")).body) for _ in range(2)]
    assert [(e["subject"], int(e["sequence"])) for e in told] == [("u2", 1), ("u2", 2)]
    assert (nowhere.returncode, nowhere.stderr) == (2, "Error: There is no such queue.\n")
    assert (none.returncode, none.stdout) == (0, "0 events were told again, to everyone.\n")


async def test_the_broker_is_part_of_the_check(
    command: Service, broker: RabbitEventBroker, client: Client
) -> None:
    key = command.key_by_command()
    options = ("check", "--api-key", key, "--url", "http://127.0.0.1:9", "--json")

    async def of_the_broker(**environment: str) -> dict[str, tuple[bool | None, str]]:
        checks = json.loads((await run(command, *options, **environment)).stdout)["checks"]
        return {
            check["endpoint"]: (check["ok"], check["note"])
            for check in checks
            if not check["endpoint"].startswith(("GET", "POST"))
        }

    missing = await of_the_broker()
    assert missing["exchange payment.events"] == (True, "")
    assert [missing[f"queue {queue}"][0] for queue in (STOPS, RESUMES)] == [False, False]
    assert len(missing) == 3

    await broker.declare_control_queues([SERVICE, "slide_service"])
    await published(broker, [event("u1", 1, STOP)])
    found = await of_the_broker()
    assert found[f"queue {STOPS}"] == (None, "waiting: 1, consumers: 0: nobody listens")
    assert len(found) == 5

    queue = await client.channel.get_queue(RESUMES)
    await queue.consume(aio_pika.IncomingMessage.ack)
    mistyped = URL(command.environment["RABBITMQ_URL"]).with_password("secret")
    listened, embedded, away, refused = await asyncio.gather(
        of_the_broker(),
        of_the_broker(RABBITMQ_URL="memory://"),
        of_the_broker(RABBITMQ_URL="amqp://u:secret@127.0.0.1:9/"),
        of_the_broker(RABBITMQ_URL=str(mistyped)),
    )
    assert listened[f"queue {RESUMES}"] == (True, "waiting: 0, consumers: 1")
    ok, note = embedded.pop("exchange payment.events")
    assert (ok, embedded) == (None, {})
    assert "nothing to listen to from another process" in note
    for found, cause in ((away, "Connect call failed"), (refused, "refuses the user")):
        ok, note = found["exchange payment.events"]
        assert (ok, cause in note, "secret" in note) == (False, True, False), note
