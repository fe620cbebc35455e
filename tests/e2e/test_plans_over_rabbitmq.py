"""Plans with limits on three servers, and a microservice that keeps a blocklist by the events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from tests.e2e.cluster import Cluster
from tests.e2e.microservice import QUEUE, SERVICE, Microservice, blocklist
from tests.e2e.service import Started
from tests.e2e.waiting import eventually, gather_bounded
from tests.support.rabbit_client import Client as RabbitClient
from tests.support.servers.mongo import MongoServer, fresh_name, url_of
from tests.support.servers.rabbitmq import RabbitServer
from tests.support.servers.redis import RedisServer

CATALOG = """
[services.paraphrase]
name = "paraphrase_service"
unit = "character"
per = 100
credits = 1

[services.slide]
name = "slide_service"
unit = "deck"
per = 1
credits = 10

[packs.credits_100]
title = "100 credits"
credits = 100
prices = { USD = 1000 }

[plans.free]

[plans.starter]
title = "Starter"
credits = 20
limits = { paraphrase = { credits = 10 } }

[plans.pro]
title = "Pro"
prices = { USD = 1500 }
credits = 2000
"""


@pytest.fixture(scope="module")
def cluster(
    tmp_path_factory: pytest.TempPathFactory,
    mongo_server: MongoServer,
    redis_server: RedisServer,
    rabbitmq_server: RabbitServer,
) -> Iterator[Cluster]:
    """Started once: each test has users of its own, and leaves nobody else stopped."""
    folder = tmp_path_factory.mktemp("plans")
    catalog = folder / "catalog.toml"
    catalog.write_text(CATALOG)
    database, host = url_of(mongo_server, fresh_name()), rabbitmq_server.virtual_host()
    made = Cluster(folder, database, redis_server.url, host, CATALOG_FILE=str(catalog))
    try:
        yield made.start()
    finally:
        made.kill()


async def control_events(cluster: Cluster, users: Sequence[str]) -> list[dict[str, Any]]:
    """What this microservice was to hear of them; by user, each user's in order."""
    async with cluster.by_admin() as admin:
        of_users = await gather_bounded([admin.events(user) for user in users], 8)
    return [
        event
        for events in of_users
        for event in events
        if event["type"].startswith("service.") and event["data"]["service"] == SERVICE
    ]


async def freeze(cluster: Cluster, users: Sequence[str], verb: str = "freeze") -> None:
    async with cluster.by_admin() as admin:
        paths = [f"/admin/users/{user}/{verb}" for user in users]
        await gather_bounded([admin.post(path, {"reason": "a look"}) for path in paths], 8)


async def subscribe(cluster: Cluster, user: str) -> None:
    async with cluster.by_user(user) as client:
        begun = await client.post("/subscriptions", {"plan": "starter"})
        assert begun["subscription"]["status"] == "active"


async def reach_limit(cluster: Cluster, key: str, users: Sequence[str]) -> None:
    await gather_bounded([subscribe(cluster, user) for user in users], 8)
    async with cluster.by_key(key) as client:
        bodies = [{"userId": user, "amount": 10} for user in users]
        await gather_bounded([client.post("/deduct", body) for body in bodies], 8)


async def pay_at(url: str) -> None:
    async with httpx.AsyncClient(verify=False) as browser:
        paid = await browser.post(url, data={"outcome": "success"})
        assert paid.status_code in (200, 303)


async def upgrade(cluster: Cluster, user: str) -> None:
    """To the plan without limits, paid in the checkout."""
    async with cluster.by_user(user) as client:
        asked = await client.http.patch(
            f"{cluster.apis[0]}/subscriptions/current", json={"plan": "pro"}
        )
        assert asked.status_code == 200, asked.text
        await pay_at(asked.json()["paymentUrl"])


def told(service: Microservice, user: str) -> list[str]:
    return [
        f"{event.type} {json.loads(event.data)['reason']}"
        for event in service.heard
        if event.user_id == user
    ]


async def test_a_limit_and_then_a_better_plan(cluster: Cluster) -> None:
    """Scenarios 3 and 4, with a limit that is reached, and with credits that are used up."""
    key, slide = cluster.key(), cluster.key("slide")
    async with (
        Microservice.listening(cluster.messages.url) as service,
        cluster.by_key(key) as client,
        cluster.by_key(slide) as slides,
    ):
        await reach_limit(cluster, key, ["u1"])
        refused = await client.post("/deduct", {"userId": "u1", "amount": 1}, status=403)
        assert refused["error"]["code"] == "plan_limit_reached"
        await service.until({e["id"] for e in await control_events(cluster, ["u1"])})
        assert service.blocked == {"u1"}
        access = await client.get("/subscriptions/u1/validate-access")
        assert (access["canAccess"], access["subscription"]["plan"]) == (False, "starter")
        assert (await slides.get("/subscriptions/u1/validate-access", units=1))["canAccess"]

        await slides.post("/deduct", {"userId": "u1", "amount": 10})  # the last credits
        assert [u["userId"] for u in await blocklist(slides)] == ["u1"]
        (line,) = await blocklist(client)
        assert sorted(line["causes"]) == ["credits_gone", "limit_reached"]

        await upgrade(cluster, "u1")
        await service.until({e["id"] for e in await control_events(cluster, ["u1"])})
        assert told(service, "u1") == [
            "service.stop_user limit_reached",
            "service.resume_user credits_gone",
        ]
        assert (service.blocked, await blocklist(client), await blocklist(slides)) == (
            set(),
            [],
            [],
        )
        assert (await client.post("/deduct", {"userId": "u1", "amount": 100}))["success"]
    cluster.verify()


@asynccontextmanager
async def listen_command(cluster: Cluster) -> AsyncIterator[Started]:
    """A microservice in a process of its own."""
    log = cluster.folder / "listen.log"
    command = ["listen", "--service", "paraphrase", "--control", "--json"]
    made = Started(command, cluster.folder, cluster.environment, log)
    made.start_until(lambda: "Listening to" in log.read_text())
    try:
        yield made
    finally:
        made.kill()


async def miss_changes(cluster: Cluster, key: str, frozen: list[str], limited: list[str]) -> None:
    """A hundred of them: the queue, being bounded, drops some, and keeps the others."""
    async with RabbitClient(cluster.messages.url) as rabbit:
        queue = await rabbit.channel.declare_queue(QUEUE, passive=True)

        async def let_go() -> bool:  # with what the killed one had not answered
            return (await queue.declare()).consumer_count == 0

        await eventually(let_go)
        unanswered = await rabbit.depth(QUEUE)
        await freeze(cluster, frozen[:10], "unfreeze")
        await freeze(cluster, frozen[20:])

        async def all_there() -> bool:
            return await rabbit.depth(QUEUE) >= unanswered + 40

        await eventually(all_there)
        await queue.purge()
    await reach_limit(cluster, key, limited)
    await freeze(cluster, frozen[20:45], "unfreeze")
    for user in limited[:5]:
        await upgrade(cluster, user)


async def test_a_consumer_that_was_killed_agrees_again(cluster: Cluster) -> None:
    key = cluster.key()
    frozen = [f"f{number}" for number in range(50)]
    limited = [f"l{number}" for number in range(30)]
    async with listen_command(cluster) as listener:
        await freeze(cluster, frozen[:20])

        async def heard_all() -> bool:
            return listener.log.read_text().count("service.stop_user") >= 20

        await eventually(heard_all)
        listener.kill()
    before = {event["id"] for event in await control_events(cluster, frozen)}
    await miss_changes(cluster, key, frozen, limited)
    missed = {event["id"] for event in await control_events(cluster, [*frozen, *limited])} - before
    assert len(missed) >= 100

    late = [f"late{number}" for number in range(10)]
    async with (
        Microservice.listening(cluster.messages.url) as service,
        cluster.by_key(key) as client,
    ):
        await asyncio.gather(
            service.read(client), freeze(cluster, late), freeze(cluster, frozen[10:20], "unfreeze")
        )
        events = await control_events(cluster, [*frozen, *limited, *late])
        last = {event["subject"]: event["id"] for event in events}
        dropped = {*frozen[:10], *frozen[45:]}
        await service.until({id for user, id in last.items() if user not in dropped})
        agreed = {user["userId"] for user in await blocklist(client)}
        assert agreed == {*frozen[45:], *limited[5:], *late}
        assert service.blocked == agreed
        assert not {last[user] for user in dropped} & {event.id for event in service.heard}
    cluster.verify()
