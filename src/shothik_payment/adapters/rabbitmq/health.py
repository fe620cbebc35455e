from __future__ import annotations

from shothik_payment.adapters.rabbitmq.connection import RabbitConnection
from shothik_payment.domain.ports.health import PING_SECONDS


class RabbitHealth:
    name = "broker"

    def __init__(self, connection: RabbitConnection) -> None:
        self._connection = connection

    async def ping(self) -> None:
        # A slow answer to this is no reason to end what others publish.
        async with self._connection.use(PING_SECONDS, drop=False) as link:
            channel = await link.amqp.channel(publisher_confirms=False)
            await channel.close()
