"""Publishing many messages on one channel, all their confirms outstanding at once.

The library's own publish takes a task and three writes a message. Here a batch is one write; the
confirms arrive where the library's do, in its channel's table. Four times less work a message.
"""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import aiormq
import pamqp.frame
from aiormq.abc import ChannelFrame, DeliveredMessage
from aiormq.exceptions import DeliveryError
from pamqp.body import ContentBody
from pamqp.commands import Basic
from pamqp.header import ContentHeader

from shothik_payment.domain.ports.broker import Delivery

_STALLED_SECONDS = 5.0


class Message(NamedTuple):
    """`properties` has a message id: the library knows a returned message by it."""

    exchange: str
    routing_key: str
    body: bytes
    properties: Basic.Properties


async def publish(channel: aiormq.Channel, messages: Sequence[Message]) -> list[Delivery]:
    """Mandatory, in order; no message id twice. Not to be called twice at once on a channel, since
    confirms are counted, and whoever gives up waiting has to close the channel.

    Raises TimeoutError when no confirm comes for 5 to 10 seconds; slow is no reason.
    """
    confirmations: list[Future[Any]] = []
    frames: list[bytes] = []
    for message in messages:
        confirmations.append(_expected(channel, message))
        frames.extend(_frames(channel, message))
    batch = ChannelFrame(payload=b"".join(frames), should_close=False)
    try:
        async with asyncio.timeout(_STALLED_SECONDS):
            await channel.write_queue.put(batch)
        return [await _delivery(channel, confirmation) for confirmation in confirmations]
    finally:
        channel.message_id_delivery_tag.clear()


def _expected(channel: aiormq.Channel, message: Message) -> Future[Any]:
    channel.delivery_tag += 1
    confirmation: Future[Any] = channel.create_future()
    channel.confirmations[channel.delivery_tag] = confirmation
    channel.message_id_delivery_tag[message.properties.message_id or ""] = channel.delivery_tag
    return confirmation


def _frames(channel: aiormq.Channel, message: Message) -> list[bytes]:
    body, number, size = message.body, channel.number, channel.max_content_size
    header = ContentHeader(properties=message.properties, body_size=len(body))
    frames = [
        _method(message.exchange, message.routing_key, number),
        pamqp.frame.marshal(header, number),
    ]
    for start in range(0, len(body), size):
        frames.append(pamqp.frame.marshal(ContentBody(body[start : start + size]), number))
    return frames


@lru_cache(maxsize=1024)
def _method(exchange: str, routing_key: str, channel_number: int) -> bytes:
    publish = Basic.Publish(exchange=exchange, routing_key=routing_key, mandatory=True)
    return pamqp.frame.marshal(publish, channel_number)


async def _delivery(channel: aiormq.Channel, confirmation: Future[Any]) -> Delivery:
    while not confirmation.done():
        outstanding = len(channel.confirmations)
        await asyncio.wait([confirmation], timeout=_STALLED_SECONDS)
        # Confirms need not come in order.
        if not confirmation.done() and len(channel.confirmations) == outstanding:
            raise TimeoutError
    try:
        answer = await confirmation
    except DeliveryError:
        return Delivery.REFUSED
    # A message that no queue wants comes back before its ack.
    return Delivery.UNWANTED if isinstance(answer, DeliveredMessage) else Delivery.TAKEN
