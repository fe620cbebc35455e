"""What a consumer that knows nothing of us is given."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from aio_pika import DeliveryMode

from shothik_payment.adapters.rabbitmq import RabbitEventBroker
from shothik_payment.domain.ports.broker import Delivery
from tests.support.published import event, stop
from tests.support.rabbit_client import Client

TAKEN, UNWANTED, REFUSED = Delivery


async def test_a_message_is_a_cloud_event_with_its_properties(
    broker: RabbitEventBroker, client: Client
) -> None:
    await broker.declare_control_queues(["paraphrase_service"])
    sent = stop(sequence=42)
    assert await broker.publish([sent]) == [TAKEN]
    message = await client.take("paraphrase_service.stop_user")
    assert json.loads(message.body) == {
        "specversion": "1.0",
        "id": sent.id,
        "source": "/shothik-payment",
        "type": "service.stop_user",
        "subject": "u1",
        "time": "2027-01-15T08:00:00.123Z",
        "datacontenttype": "application/json",
        "sequence": "00000000000000000042",
        "data": json.loads(sent.data),
    }
    assert message.exchange == "payment.events"
    assert message.routing_key == "service.paraphrase_service.stop_user"
    assert message.content_type == "application/cloudevents+json"
    assert message.message_id == sent.id
    assert message.type == "service.stop_user"
    assert message.timestamp == datetime(2027, 1, 15, 8, tzinfo=UTC)
    assert message.delivery_mode == DeliveryMode.PERSISTENT
    assert message.priority is None or message.priority == 0
    assert {k: v for k, v in message.headers.items() if k != "x-delivery-count"} == {
        "x-class": "critical"
    }


async def test_the_data_arrives_as_it_was_recorded(
    broker: RabbitEventBroker, client: Client
) -> None:
    await client.assert_queue("all_service.credit.added")
    await broker.declare_control_queues([])
    await broker.publish([])
    sent, big = event("credit.added"), event("credit.added", 2)
    sent.data = '{"a":1.50, "b":"\\u0041ü"}'.encode()
    big.data = json.dumps({"text": "x" * 300_000}).encode()
    assert await broker.publish([sent, big], queue="all_service.credit.added") == [TAKEN] * 2
    assert sent.data in (await client.take("all_service.credit.added")).body
    assert big.data in (await client.take("all_service.credit.added")).body


async def test_who_is_refused_by_a_full_queue_is_told_alone(
    broker: RabbitEventBroker, client: Client
) -> None:
    await broker.declare_control_queues(["paraphrase_service"])
    full = {"x-queue-type": "classic", "x-max-length": 1, "x-overflow": "reject-publish"}
    await client.assert_queue("strict_service.stop_user", **full)
    await client.bind("strict_service.stop_user", "service.strict_service.stop_user")
    await client.bind("strict_service.stop_user", "service.slide_service.stop_user")
    await client.assert_queue("slide_service.stop_user")
    await client.bind("slide_service.stop_user", "service.slide_service.stop_user")
    events = [
        stop(1, "strict_service"),
        stop(2, "strict_service"),
        stop(3),
        stop(4, "slide_service"),  # wanted by the full queue, and by one that takes it
        event("credit.added", 5),
    ]
    assert await broker.publish(events) == [TAKEN, REFUSED, TAKEN, REFUSED, UNWANTED]
    assert (await client.take("slide_service.stop_user")).message_id == events[3].id
    assert (await client.take("strict_service.stop_user")).message_id == events[0].id
    assert await broker.publish([events[1]]) == [TAKEN]


async def test_a_lost_binding_is_told_and_made_again(
    broker: RabbitEventBroker, client: Client
) -> None:
    await broker.declare_control_queues(["paraphrase_service"])
    await client.unbind("paraphrase_service.stop_user", "service.paraphrase_service.stop_user")
    assert await broker.publish([stop()]) == [UNWANTED]
    await broker.declare_control_queues(["paraphrase_service"])
    assert await broker.publish([stop()]) == [TAKEN]
    await client.channel.queue_delete("paraphrase_service.stop_user")
    assert await broker.publish([stop()]) == [UNWANTED]
