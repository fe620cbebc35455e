"""The events' description: complete, valid, true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from faststream.specification.asyncapi.v3_0_0.schema import ApplicationSchema

from shothik_payment.adapters import codec
from shothik_payment.adapters.rabbitmq.cloud_event import body_of, properties_of
from shothik_payment.adapters.rabbitmq.topology import EXCHANGE
from shothik_payment.domain.events import EVENT_TYPES, Event, EventData
from shothik_payment.domain.model.stop import StopCause
from shothik_payment.domain.queues import routing_keys_of
from shothik_payment.entrypoints.http.asyncapi_examples import TOLD
from tests.integration.http.support import World, loaded_by

EVENTS = [told.event for told in TOLD]


def name(event: Event) -> str:
    return event.data.type


@pytest.fixture
async def described() -> dict[str, Any]:
    answer = await World().client().get("http://test/asyncapi.json")
    assert answer.headers["content-type"] == "application/json"
    found: dict[str, Any] = answer.json()
    return found


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for each in part.values():
            yield from references(each)
    elif isinstance(part, list):
        for each in part:
            yield from references(each)


def resolved(document: dict[str, Any], reference: str) -> Any:
    found: Any = document
    for key in reference.removeprefix("#/").split("/"):
        found = found[key]
    return found


async def test_the_document_has_the_structure_of_asyncapi(described: dict[str, Any]) -> None:
    assert described["asyncapi"] == "3.0.0"
    ApplicationSchema.model_validate(described)
    for reference in references(described):
        assert resolved(described, reference), reference
    keys = re.compile(r"[\w.-]+")
    for part in ("channels", "operations", "servers"):
        assert all(keys.fullmatch(key) for key in described[part])
    for channel in described["channels"].values():
        assert set(re.findall(r"{(\w+)}", channel["address"])) == set(channel.get("parameters", {}))
        assert channel["bindings"]["amqp"]["is"] in {"queue", "routingKey"}
    for operation in described["operations"].values():
        assert operation["action"] == "send"
        channel = operation["channel"]["$ref"]
        assert all(m["$ref"].startswith(f"{channel}/messages/") for m in operation["messages"])


async def test_every_event_has_a_message_a_channel_and_an_operation(
    described: dict[str, Any],
) -> None:
    types = {kind.type for kind in EVENT_TYPES}
    assert len(types) == 14
    assert set(described["components"]["messages"]) == types
    assert {k for k in described["channels"] if not k.startswith("queue.")} == types
    assert {key.removeprefix("tell.") for key in described["operations"]} == types
    for kind in EVENT_TYPES:
        headers = described["components"]["messages"][kind.type]["headers"]
        assert headers["properties"]["x-class"]["const"] == kind.event_class


@pytest.mark.parametrize("event", EVENTS, ids=name)
async def test_the_example_is_what_the_relay_publishes(
    described: dict[str, Any], event: Event
) -> None:
    recorded = codec.recorded(event, "")
    example = described["components"]["messages"][event.data.type]["examples"][0]
    assert msgspec.json.decode(body_of(recorded)) == example["payload"]
    assert properties_of(recorded).headers == example["headers"]
    assert msgspec.json.decode(codec.wire_data(event)) == example["payload"]["data"]


@pytest.mark.parametrize("event", EVENTS, ids=name)
async def test_the_schema_takes_the_example_and_nothing_less(
    described: dict[str, Any], event: Event
) -> None:
    message = described["components"]["messages"][event.data.type]
    schema = {**message["payload"], "components": described["components"]}
    validator = jsonschema_rs.Draft202012Validator(schema)
    example = message["examples"][0]["payload"]
    assert validator.is_valid(example)
    required = resolved(described, message["payload"]["$ref"] + "Data")["required"]
    assert {"userId", "occurredAt"} < set(required)
    for field in example:
        assert not validator.is_valid({k: v for k, v in example.items() if k != field}), field
    for field in example["data"]:
        less = {k: v for k, v in example["data"].items() if k != field}
        assert validator.is_valid({**example, "data": less}) is (field not in required), field


async def test_every_cause_of_a_stop_is_in_the_schema(described: dict[str, Any]) -> None:
    assert set(described["components"]["schemas"]["StopCause"]["enum"]) == set(StopCause)


@pytest.mark.parametrize("event", EVENTS, ids=name)
async def test_channels_are_the_routing_keys_in_use(
    described: dict[str, Any], event: Event
) -> None:
    channel = described["channels"][event.data.type]
    services = channel.get("parameters", {}).get("service", {}).get("enum", [])
    assert channel["bindings"]["amqp"]["exchange"]["name"] == EXCHANGE
    assert channel["address"].format(service="paraphrase_service") == event.data.routing_key()
    if services:
        assert "paraphrase_service" in services
    else:
        assert routing_keys_of("any", event.data.type) == [channel["address"]]


def test_every_event_type_is_illustrated_once() -> None:
    kinds: list[type[EventData]] = [type(event.data) for event in EVENTS]
    assert sorted(kinds, key=str) == sorted(EVENT_TYPES, key=str)


async def test_the_page_shows_it_all_and_loads_nothing_from_elsewhere() -> None:
    answer = await World().client().get("http://test/asyncapi")
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert loaded_by(answer.text) == []
    assert not re.search(r"https?://(?!checkout\.example/)", answer.text)
    assert "<code>payment.events.dlx</code>" in answer.text
    assert "&lt;code" not in answer.text
    for event in EVENTS:
        assert f'id="{event.data.type}"' in answer.text
        assert event.id in answer.text
    for word in ("sequence", "at least once", "paraphrase_service", "/api/v1/blocklist"):
        assert word.lower() in answer.text.lower()
