"""Who is told to end, ends."""

from __future__ import annotations

import asyncio

from shothik_payment.adapters.rabbitmq import RabbitConnection, RabbitEventBroker, RabbitHealth
from shothik_payment.domain.errors import Unavailable
from tests.support.published import event

ROUNDS = 40
TASKS = 20


async def test_no_cancellation_is_lost(
    connection: RabbitConnection, broker: RabbitEventBroker
) -> None:
    async def busy() -> None:
        while True:
            try:
                await broker.publish([event("credit.added")])
                await RabbitHealth(connection).ping()
            except Unavailable:  # another's cancellation took the connection with it
                await asyncio.sleep(0)

    for n in range(ROUNDS):
        tasks = [asyncio.create_task(busy()) for _ in range(TASKS)]
        await asyncio.sleep(0.03 + n / 1000)  # to meet them wherever they are
        for task in tasks:
            task.cancel()
        _, left = await asyncio.wait(tasks, timeout=5)
        for task in left:
            task.cancel()
        assert not left
