"""The operations of the OpenAPI document, and what each needs to be there before it can succeed."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, fields
from typing import Any

import httpx

from shothik_payment.adapters.sandbox.signature import HEADER
from shothik_payment.domain.ledger.payment_commands import SettlePayment
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.ports.gateway import GatewayState
from tests.integration.http.subscribers import DAY, done, subscribed
from tests.integration.http.support import World

BASE = "/api/v1"
PARAPHRASE = "paraphrase_service"


@dataclass(frozen=True, slots=True)
class Operation:
    """`example` and `properties` are of its body; None and empty where it has none. `needs`: the
    document's name for the credentials, None: no need of any."""

    method: str
    path: str
    status: int
    needs: str | None
    description: str
    example: Any
    properties: frozenset[str]

    @property
    def name(self) -> str:
        return f"{self.method} {self.path.removeprefix(BASE)}"


@dataclass(slots=True)
class Scene:
    """A request that its operation grants to `owner`, or to the service that serves `owner`."""

    owner: str
    path: str
    query: dict[str, str]
    body: Any
    headers: dict[str, str] = field(default_factory=dict)


async def _document() -> dict[str, Any]:
    answer = await World().client().get("http://test/schema/openapi.json")
    document: dict[str, Any] = answer.json()
    return document


DOCUMENT = asyncio.run(_document())


def _properties(content: dict[str, Any]) -> frozenset[str]:
    name = content["schema"].get("$ref", "").rpartition("/")[2]
    return frozenset(DOCUMENT["components"]["schemas"].get(name, {}).get("properties", ()))


def _operation(method: str, path: str, told: dict[str, Any]) -> Operation:
    content = told.get("requestBody", {}).get("content", {}).get("application/json")
    return Operation(
        method.upper(),
        path,
        min(int(status) for status in told["responses"]),
        next((name for need in told["security"] for name in need), None),
        told.get("description", ""),
        None if content is None else content["example"],
        frozenset() if content is None else _properties(content),
    )


OPERATIONS = {
    operation.name: operation
    # Sorted: processes that share the tests have to find the same ones.
    for path, methods in sorted(DOCUMENT["paths"].items())
    for operation in (_operation(method, path, told) for method, told in sorted(methods.items()))
}


async def scene_of(world: World, operation: Operation, owner: str) -> Scene:
    """Everything that a request of the operation needs is stored; all of it is the owner's."""
    await world.give(owner, 1000)
    body = operation.example
    if isinstance(body, dict):
        body = {**body, **({"userId": owner} if "userId" in body else {})}
        if body.get("plan") == "team":
            body["plan"] = "pro"  # the catalog of these tests has no team
    path = operation.path.replace("{userId}", owner).replace("{gateway}", "sandbox")
    scene = Scene(owner, path, {}, body)
    prepare = _PREPARE.get(operation.name)
    if prepare is None and "{keyId}" in path:
        prepare = _a_key
    if prepare is not None:
        await prepare(world, scene)
    assert "{" not in scene.path, f"nothing fills the path of {operation.name}"
    return scene


async def send(client: httpx.AsyncClient, method: str, scene: Scene, **more: Any) -> httpx.Response:
    query = {**scene.query, **more.pop("query", {})}
    body = {} if scene.body is None else {"json": scene.body}
    if isinstance(scene.body, bytes):
        body = {"content": scene.body}
    return await client.request(
        method, f"http://test{scene.path}", params=query, headers=scene.headers, **(body | more)
    )


def stored(world: World) -> dict[str, bytes]:
    """All that is stored, to be compared with what is stored later."""
    return {f.name: pickle.dumps(getattr(world.state, f.name)) for f in fields(world.state)}


def changed(world: World, before: dict[str, bytes]) -> list[str]:
    """The parts of what is stored that are not as they were."""
    return [name for name, value in stored(world).items() if value != before[name]]


# What has to be there


async def _named_service(world: World, scene: Scene) -> None:
    scene.body["service"] = PARAPHRASE


async def _asked_service(world: World, scene: Scene) -> None:
    scene.query["service"] = PARAPHRASE


async def _deduction(world: World, scene: Scene) -> None:
    client = await world.by_key()
    taken = done(await client.post("/deduct", json={"userId": scene.owner, "amount": 5}))
    scene.body["transactionId"] = taken["transactionId"]


async def _hold(world: World, scene: Scene) -> None:
    client = await world.by_key()
    held = done(await client.post("/holds", json={"userId": scene.owner, "amount": 20}))
    scene.path = scene.path.replace("{id}", held["hold"]["id"])


async def _stopped_for_one_service(world: World, scene: Scene) -> None:
    await subscribed(world, "lite", scene.owner)
    client = await world.by_key()
    done(await client.post("/deduct", json={"userId": scene.owner, "amount": 100}))


async def _checkout(world: World, owner: str) -> dict[str, Any]:
    return done(await world.by_user(owner).post("/payments/initiate", json={"credits": 100}))


async def _open_payment(world: World, scene: Scene) -> None:
    payment = await _checkout(world, scene.owner)
    scene.path = scene.path.replace("{id}", payment["paymentId"])


async def _paid_payment(world: World, scene: Scene) -> None:
    payment = await _checkout(world, scene.owner)
    await world.pays(payment["paymentUrl"])
    scene.path = scene.path.replace("{id}", payment["paymentId"])


async def _payment_in_review(world: World, scene: Scene) -> None:
    payment_id = (await _checkout(world, scene.owner))["paymentId"]
    await world.application.writer.submit(
        SettlePayment(
            id=payment_id,
            user_id=scene.owner,
            at=world.clock.now(),
            payment_id=payment_id,
            paid=Money(999, "USD"),
            reference="ref_1",
        )
    )
    scene.path = scene.path.replace("{id}", payment_id)


async def _paid_at_the_gateway(world: World, scene: Scene) -> None:
    session_id = (await _checkout(world, scene.owner))["sessionId"]
    session, _ = await world.gateway.decide(session_id, "success")
    scene.body = world.gateway.notification(session, GatewayState.PAID)
    scene.headers = {HEADER: world.signer.sign(scene.body, world.clock.at)}


async def _subscribed(world: World, scene: Scene) -> None:
    await subscribed(world, "lite", scene.owner)


async def _past_due(world: World, scene: Scene) -> None:
    await subscribed(world, "lite", scene.owner)
    await world.gateway.forget_method(scene.owner)
    await world.advance(31 * DAY)


async def _frozen(world: World, scene: Scene) -> None:
    await world.application.user_admin.freeze(scene.owner, "test", actor="test")


async def _queue(world: World, scene: Scene) -> None:
    world.broker.bind(scene.body["queue"], "#")


async def _a_key(world: World, scene: Scene) -> None:
    key, _ = await world.application.key_administration.generate("paraphrase", actor="test")
    scene.path = scene.path.replace("{keyId}", key.id)


async def _two_keys(world: World, scene: Scene) -> None:
    keys = world.application.key_administration
    made = [await keys.generate("paraphrase", actor="test") for _ in range(2)]
    scene.body = {"action": "update", "keyIds": [key.id for key, _ in made]}
    scene.body["changes"] = {"name": "night jobs"}


_PREPARE: dict[str, Callable[[World, Scene], Awaitable[None]]] = {
    "POST /deduct": _named_service,
    "POST /reverse": _deduction,
    "POST /holds": _named_service,
    "GET /holds/{id}": _hold,
    "POST /holds/{id}/capture": _hold,
    "POST /holds/{id}/release": _hold,
    "GET /subscriptions/{userId}/validate": _asked_service,
    "GET /subscriptions/{userId}/validate-access": _asked_service,
    "GET /blocklist": _stopped_for_one_service,
    "GET /payments": _open_payment,
    "GET /payments/{id}": _open_payment,
    "POST /webhooks/{gateway}": _paid_at_the_gateway,
    "GET /subscriptions/current": _subscribed,
    "PATCH /subscriptions/current": _subscribed,
    "DELETE /subscriptions/current": _subscribed,
    "POST /subscriptions/current/pay": _past_due,
    "GET /subscriptions/history": _subscribed,
    "POST /admin/events/replay": _queue,
    "GET /admin/payments/{id}": _open_payment,
    "POST /admin/payments/{id}/refund": _paid_payment,
    "POST /admin/payments/{id}/accept": _payment_in_review,
    "POST /admin/users/{userId}/unfreeze": _frozen,
    "POST /admin/users/{userId}/subscription/extend": _subscribed,
    "POST /admin/users/{userId}/subscription/cancel": _subscribed,
    "POST /admin/api-keys/bulk": _two_keys,
}
