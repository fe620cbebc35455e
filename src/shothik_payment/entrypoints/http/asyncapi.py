"""The AsyncAPI document, made from the types of the events that are published.

FastStream's own generator describes its subscribers and publishers; it has no place for an
address with parameters, a message's headers or its examples.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import msgspec

from shothik_payment.entrypoints.http.asyncapi_examples import TOLD, Told
from shothik_payment.entrypoints.http.asyncapi_messages import ENVELOPES, on_the_wire

EXCHANGE = "payment.events"
CONTENT_TYPE = "application/cloudevents+json"
_BINDING = "0.3.0"
_REF = "#/components/schemas/{name}"
_DESCRIPTION = """\
What the service tells the others, over RabbitMQ: the durable topic exchange `payment.events`.

Each message is a CloudEvents 1.0 event in structured JSON, persistent, and confirmed before it \
counts as told. AMQP's `message_id` is the event's id, `type` its type, and the header `x-class` \
says `critical`, `high` or `normal`. Every message has the same priority, so none overtakes another.

An event is written in the same commit as the change that it tells of. While RabbitMQ is away it \
waits, and it stays readable for 30 days, to be told again."""

RULES = (
    (
        "At least once",
        "An event may come again at any time. Remember the ids of the events that you dealt with,"
        " and pass over an `id` that you know.",
    ),
    (
        "In the order of the sequence",
        "`sequence` counts one user's events, without a gap; it has 20 digits, so it sorts as a"
        " text. First deliveries of one user come in order, repeats do not. Apply a `stop_user` or"
        " `resume_user` only if its `sequence` is higher than the last that you applied for that"
        " user.",
    ),
    (
        "Answer each message",
        "Acknowledge what you dealt with. What you reject, or hand back more often than the"
        " queue's delivery limit, goes to the exchange `payment.events.dlx`.",
    ),
    (
        "Unknown fields",
        "Ignore fields and types that you do not know: more may come.",
    ),
    (
        "After a longer downtime",
        "Read `GET /api/v1/blocklist`: the users who are stopped for your service now, each with"
        " the `sequence` to go on from. Whom you have kept as stopped from before, and who is not"
        " listed, may go on.",
    ),
)
QUEUES = (
    ("stop_user", "The users to stop. Exists before your first start, so no stop is lost."),
    ("resume_user", "The users to serve again. Exists before your first start as well."),
    ("control", "Both, in order: the easier one, if you declare your queues anew."),
    ("{eventType}", "Any other type, such as `credit.deducted`, bound by its routing key."),
)
QUEUES_ARE = (
    "Declare queues durable and without arguments: `assertQueue(name, {durable: true})`. Quorum"
    " type, delivery limit, length and dead-letter exchange come from the broker's settings."
)


def document(services: Sequence[str]) -> dict[str, Any]:
    """`services`: their names, as the catalog lists them."""
    types = sorted(ENVELOPES)
    _, schemas = msgspec.json.schema_components(
        [ENVELOPES[kind] for kind in types], ref_template=_REF
    )
    told = {one.event.data.type: one for one in TOLD}
    channels = {kind: _exchange_channel(told[kind], services) for kind in told}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Shothik Payment Service: events",
            "version": version("shothik-payment"),
            "description": "\n\n".join(
                [_DESCRIPTION, *(f"**{name}.** {words}" for name, words in RULES)]
            ),
        },
        "defaultContentType": CONTENT_TYPE,
        "servers": {"rabbitmq": _SERVER},
        "channels": {**channels, **_queue_channels(services, list(told))},
        "operations": {f"tell.{kind}": _operation(one) for kind, one in told.items()},
        "components": {
            "messages": {kind: _message(one) for kind, one in told.items()},
            "schemas": schemas,
        },
    }


_SERVER = {
    "host": "{host}:{port}",
    "pathname": "/",
    "protocol": "amqp",
    "protocolVersion": "0.9.1",
    "description": "The broker that `RABBITMQ_URL` names.",
    "variables": {"host": {"default": "localhost"}, "port": {"default": "5672"}},
}


def _service(services: Sequence[str]) -> dict[str, Any]:
    return {"service": {"description": "The service's name.", "enum": list(services)}}


def address_of(kind: str) -> str:
    """The routing key. A control event names its service."""
    category, _, action = kind.partition(".")
    return f"service.{{service}}.{action}" if category == "service" else kind


def _exchange_channel(told: Told, services: Sequence[str]) -> dict[str, Any]:
    kind = told.event.data.type
    address = address_of(kind)
    return {
        "address": address,
        "title": kind,
        "description": f"Told when {told.when}.",
        "servers": [{"$ref": "#/servers/rabbitmq"}],
        "messages": _messages([kind]),
        **({"parameters": _service(services)} if "{" in address else {}),
        "bindings": {
            "amqp": {
                "is": "routingKey",
                "exchange": {
                    "name": EXCHANGE,
                    "type": "topic",
                    "durable": True,
                    "autoDelete": False,
                },
                "bindingVersion": _BINDING,
            }
        },
    }


def _queue_channels(services: Sequence[str], kinds: Sequence[str]) -> dict[str, Any]:
    control = [kind for kind in kinds if kind.startswith("service.")]
    others = [kind for kind in kinds if kind not in control]
    carried = {
        "stop_user": ["service.stop_user"],
        "resume_user": ["service.resume_user"],
        "control": control,
        "{eventType}": others,
    }
    event_type = {"eventType": {"description": "A type, its routing key.", "enum": others}}
    return {
        f"queue.{queue.strip('{}')}": {
            "address": f"{{service}}.{queue}",
            "title": f"Queue {{service}}.{queue}",
            "description": f"{words} {QUEUES_ARE}",
            "servers": [{"$ref": "#/servers/rabbitmq"}],
            "messages": _messages(carried[queue]),
            "parameters": {**_service(services), **(event_type if "{" in queue else {})},
            "bindings": {
                "amqp": {
                    "is": "queue",
                    "queue": {
                        "name": f"{{service}}.{queue}",
                        "durable": True,
                        "exclusive": False,
                        "autoDelete": False,
                    },
                    "bindingVersion": _BINDING,
                }
            },
        }
        for queue, words in QUEUES
    }


def _messages(kinds: Sequence[str]) -> dict[str, Any]:
    return {kind: {"$ref": f"#/components/messages/{kind}"} for kind in kinds}


def _operation(told: Told) -> dict[str, Any]:
    kind = told.event.data.type
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{kind}"},
        "messages": [{"$ref": f"#/channels/{kind}/messages/{kind}"}],
        "bindings": {
            "amqp": {
                "deliveryMode": 2,
                "mandatory": True,
                "timestamp": True,
                "ack": True,
                "bindingVersion": _BINDING,
            }
        },
    }


def _message(told: Told) -> dict[str, Any]:
    data = told.event.data
    return {
        "name": data.type,
        "title": data.type,
        "summary": f"Told when {told.when}.",
        "contentType": CONTENT_TYPE,
        "headers": {
            "type": "object",
            "required": ["x-class"],
            "properties": {"x-class": {"type": "string", "const": data.event_class.value}},
        },
        "payload": {"$ref": _REF.format(name=type(data).__name__)},
        "bindings": {"amqp": {"messageType": data.type, "bindingVersion": _BINDING}},
        "examples": [
            {
                "name": data.type,
                "headers": {"x-class": data.event_class.value},
                "payload": on_the_wire(told.event),
            }
        ],
    }
