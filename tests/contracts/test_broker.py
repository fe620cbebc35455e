from __future__ import annotations

import pytest

from shothik_payment.domain.ports.broker import Delivery
from shothik_payment.domain.ports.event_log import START, RecordedEvent
from tests.contracts.bindings import BrokerBinding
from tests.contracts.book import NOW, SERVICE, fresh

TAKEN, UNWANTED = Delivery.TAKEN, Delivery.UNWANTED
_STOP = f"service.{SERVICE}.stop_user"
_RESUME = f"service.{SERVICE}.resume_user"


def event(routing_key: str) -> RecordedEvent:
    return RecordedEvent(
        START,
        f"evt_{fresh()}",
        "u1",
        1,
        routing_key,
        routing_key,
        "normal",
        NOW,
        b'{"userId": "u1"}',
    )


async def test_an_event_that_no_queue_wants_is_told_as_such(exchange: BrokerBinding) -> None:
    assert await exchange.broker.publish([]) == []
    assert await exchange.broker.publish([event("credit.added")]) == [UNWANTED]
    await exchange.bind("q", "credit.deducted")
    events = [event("credit.added"), event("credit.deducted"), event("payment.failed")]
    assert await exchange.broker.publish(events) == [UNWANTED, TAKEN, UNWANTED]
    twice = [events[0], *events]
    assert await exchange.broker.publish(twice) == [UNWANTED, UNWANTED, TAKEN, UNWANTED]


async def test_events_arrive_in_order_and_whole(exchange: BrokerBinding) -> None:
    take = await exchange.bind("q", "credit.*")
    events = [event("credit.added"), event("credit.deducted"), event("credit.added")]
    assert await exchange.broker.publish(events) == [TAKEN] * 3
    arrived = [await take() for _ in events]
    assert arrived == events


async def test_more_than_one_batch_arrives_in_order(exchange: BrokerBinding) -> None:
    take = await exchange.bind("q", "#")
    events = [event("credit.added") for _ in range(700)]
    assert await exchange.broker.publish(events) == [TAKEN] * 700
    assert [(await take()).id for _ in events] == [e.id for e in events]


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


async def test_one_queue_alone_can_be_given_events(exchange: BrokerBinding) -> None:
    mine = await exchange.bind("mine", "nothing")
    others = await exchange.bind("others", "#")
    again, last = event("credit.added"), event("credit.added")
    assert await exchange.broker.publish([again, again], queue="mine") == [TAKEN] * 2
    assert await exchange.broker.publish([again], queue="nobody's") == [UNWANTED]
    await exchange.broker.publish([last])
    assert [(await mine()).id, (await mine()).id] == [again.id] * 2
    assert (await others()).id == last.id


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
    deliveries = await exchange.broker.publish([event(key) for key in keys])
    assert {k for k, delivery in zip(keys, deliveries, strict=True) if delivery is TAKEN} == wanted


async def test_control_queues_keep_a_stop_for_the_first_consumer(exchange: BrokerBinding) -> None:
    await exchange.broker.declare_control_queues([SERVICE])
    stop, resume = event(_STOP), event(_RESUME)
    foreign = event("service.slide_service.stop_user")
    assert await exchange.broker.publish([stop, resume, foreign]) == [TAKEN, TAKEN, UNWANTED]
    await exchange.broker.declare_control_queues([SERVICE, "slide_service"])
    assert await exchange.broker.publish([foreign]) == [TAKEN]
    stops = await exchange.bind(f"{SERVICE}.stop_user", _STOP)
    resumes = await exchange.bind(f"{SERVICE}.resume_user", _RESUME)
    assert ((await stops()).id, (await resumes()).id) == (stop.id, resume.id)
