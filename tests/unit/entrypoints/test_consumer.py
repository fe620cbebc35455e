"""The blocklist as a consumer keeps it, whatever comes twice or late."""

from __future__ import annotations

import json
from itertools import permutations

import pytest

from shothik_payment.domain.ports.event_stream import ReceivedEvent
from shothik_payment.entrypoints.cli.consumer import Consumer, Effect

SERVICE = "paraphrase_service"
STOP, RESUME = "service.stop_user", "service.resume_user"


def event(
    sequence: int, kind: str = STOP, user: str = "u1", service: str = SERVICE
) -> ReceivedEvent:
    data = json.dumps({"service": service, "reason": "frozen"}).encode()
    told = f"evt_{user}_{sequence}"
    return ReceivedEvent(
        "q", told, user, sequence, kind, "2030-01-01T00:00:00.000Z", data, False, sequence
    )


@pytest.fixture
def consumer() -> Consumer:
    return Consumer(SERVICE)


def test_a_stop_blocks_and_a_resume_ends_it(consumer: Consumer) -> None:
    assert consumer.take(event(1)) is Effect.APPLIED
    assert consumer.take(event(1, user="u2")) is Effect.APPLIED
    assert list(consumer.blocked) == ["u1", "u2"]
    assert consumer.take(event(2, RESUME)) is Effect.APPLIED
    assert list(consumer.blocked) == ["u2"]


@pytest.mark.parametrize(
    "order", list(permutations([(1, STOP), (2, RESUME), (3, STOP), (5, RESUME)]))
)
def test_the_latest_counts_in_whatever_order_they_come(
    consumer: Consumer, order: tuple[tuple[int, str], ...]
) -> None:
    for _ in range(2):
        for sequence, kind in order:
            consumer.take(event(sequence, kind))
    assert consumer.blocked == {}
    assert consumer.take(event(6)) is Effect.APPLIED


def test_what_comes_twice_or_late_is_told_apart(consumer: Consumer) -> None:
    consumer.take(event(2))
    assert consumer.take(event(2)) is Effect.DUPLICATE
    assert consumer.take(event(1, RESUME)) is Effect.OUTDATED
    assert list(consumer.blocked) == ["u1"]


def test_what_is_not_for_the_service_is_noted(consumer: Consumer) -> None:
    assert consumer.take(event(1, service="slide_service")) is Effect.NOTED
    assert consumer.take(event(2, "credit.added")) is Effect.NOTED
    assert consumer.blocked == {}


def test_memory_is_bounded() -> None:
    consumer = Consumer(SERVICE, max_ids=2, max_users=2)
    for number in range(1, 4):
        consumer.take(event(number, user=f"u{number}"))
    assert list(consumer.blocked) == ["u2", "u3"]
    assert consumer.take(event(3, user="u3")) is Effect.DUPLICATE
    assert consumer.take(event(1, user="u1")) is Effect.APPLIED  # forgotten
