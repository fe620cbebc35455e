"""The exchange, and how queues come to be bound to it."""

from __future__ import annotations

from collections.abc import Iterable

from aiormq.abc import AbstractConnection
from aiormq.exceptions import ChannelClosed, ChannelPreconditionFailed
from faststream.rabbit import ExchangeType, RabbitExchange

EXCHANGE = "payment.events"
PAYMENT_EVENTS = RabbitExchange(EXCHANGE, type=ExchangeType.TOPIC, durable=True)


async def declare_queues(
    connection: AbstractConnection, queues: Iterable[tuple[str, list[str]]]
) -> dict[str, str]:
    """Make each queue exist and be bound by its routing keys, the way clients declare it: durable,
    without arguments. A queue that exists with others is left as it is, and bound.

    Gives the queues that could not be, each with the broker's reason; all others are.
    """
    refused: dict[str, str] = {}
    channel = await connection.channel(publisher_confirms=False)
    for queue, routing_keys in queues:
        try:
            try:
                await channel.queue_declare(queue, durable=True)
            except ChannelPreconditionFailed:
                # It took the channel with it. To look first would race with who declares it.
                channel = await connection.channel(publisher_confirms=False)
            for routing_key in routing_keys:
                await channel.queue_bind(queue, EXCHANGE, routing_key)
        except ChannelClosed as error:
            refused[queue] = str(error)
            channel = await connection.channel(publisher_confirms=False)
    await channel.close()
    return refused
