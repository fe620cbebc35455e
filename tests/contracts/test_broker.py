from __future__ import annotations

import pytest

from shothik_payment.domain.ports.event_log import RecordedEvent
from tests.contracts.bindings import BrokerBinding
from tests.contracts.book import NOW, SERVICE, fresh

_STOP = f"service.{SERVICE}.stop_user"
_RESUME = f"service.{SERVICE}.resume_user"


def event(routing_key: str) -> RecordedEvent:
    return RecordedEvent(
        1, f"evt_{fresh()}", "u1", 1, routing_key, routing_key, "normal", NOW, b'{"userId": "u1"}'
    )


async def test_an_event_that_no_queue_wants_is_told_as_such(exchange: BrokerBinding) -> None:
    assert await exchange.broker.publish([]) == []
    assert await exchange.broker.publish([event("credit.added")]) == [False]
    await exchange.bind("q", "credit.deducted")
    events = [event("credit.added"), event("credit.deducted"), event("payment.failed")]
    assert await exchange.broker.publish(events) == [False, True, False]


async def test_events_arrive_in_order_and_whole(exchange: BrokerBinding) -> None:
    take = await exchange.bind("q", "credit.*")
    events = [event("credit.added"), event("credit.deducted"), event("credit.added")]
    assert await exchange.broker.publish(events) == [True] * 3
    arrived = [await take() for _ in events]
    assert [e.id for e in arrived] == [e.id for e in events]
    assert [e.routing_key for e in arrived] == [e.routing_key for e in events]
    assert arrived[0].data == events[0].data


async def test_each_queue_gets_its_own_copy_once(exchange: BrokerBinding) -> None:
    one = await exchange.bind("one", "credit.*")
    await exchange.bind("one", "#")
    other = await exchange.bind("other", "credit.added")
    first, second = event("credit.added"), event("credit.added")
    await exchange.broker.publish([first, second])
    (await one()).data = b""
    assert [(await one()).id, (await other()).id, (await other()).id] == [
        second.id,
        first.id,
        second.id,
    ]
    assert first.data != b""


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("service.*.stop_user", {_STOP}),
        ("service.#", {_STOP, _RESUME}),
        ("#.stop_user", {_STOP}),
        ("service.#.paraphrase_service.#", {_STOP, _RESUME}),
        ("*.*", {"credit.added"}),
        ("credit.added.#", {"credit.added"}),
        ("#", {_STOP, _RESUME, "credit.added"}),
        ("credit", set()),
        ("credit.add*", set()),
        ("*", set()),
    ],
)
async def test_patterns(exchange: BrokerBinding, pattern: str, wanted: set[str]) -> None:
    await exchange.bind("q", pattern)
    keys = [_STOP, _RESUME, "credit.added"]
    taken = await exchange.broker.publish([event(key) for key in keys])
    assert {key for key, took in zip(keys, taken, strict=True) if took} == wanted


async def test_control_queues_keep_a_stop_for_the_first_consumer(exchange: BrokerBinding) -> None:
    await exchange.broker.declare_control_queues([SERVICE])
    stop, resume = event(_STOP), event(_RESUME)
    foreign = event("service.slide_service.stop_user")
    assert await exchange.broker.publish([stop, resume, foreign]) == [True, True, False]
    await exchange.broker.declare_control_queues([SERVICE, "slide_service"])
    assert await exchange.broker.publish([foreign]) == [True]
    stops = await exchange.bind(f"{SERVICE}.stop_user", _STOP)
    resumes = await exchange.bind(f"{SERVICE}.resume_user", _RESUME)
    assert ((await stops()).id, (await resumes()).id) == (stop.id, resume.id)
