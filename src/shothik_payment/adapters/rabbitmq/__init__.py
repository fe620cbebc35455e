"""RabbitMQ: events go out confirmed, and come in to be acknowledged."""

from shothik_payment.adapters.rabbitmq.broker import RabbitEventBroker
from shothik_payment.adapters.rabbitmq.connection import RabbitConnection
from shothik_payment.adapters.rabbitmq.event_stream import RabbitEventStream
from shothik_payment.adapters.rabbitmq.health import RabbitHealth

__all__ = ["RabbitConnection", "RabbitEventBroker", "RabbitEventStream", "RabbitHealth"]
