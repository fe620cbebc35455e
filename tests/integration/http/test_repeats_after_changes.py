"""Repeats that come when the catalog has changed and the answer is at hand no more: what was done
under the key is what they get."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import httpx
import pytest

from shothik_payment.domain.catalog import Catalog
from tests.integration.http.catalog import CATALOG
from tests.integration.http.support import World, running

KEY = {"Idempotency-Key": "k"}


def with_service(**changes: Any) -> Catalog:
    """The catalog with another `paraphrase_service`."""
    paraphrase, *others = CATALOG.services
    return replace(CATALOG, services=(replace(paraphrase, **changes), *others))


@pytest.fixture
async def restarts() -> AsyncIterator[Any]:
    """Starts the service again, with another catalog, on what the first one has stored."""
    async with AsyncExitStack() as stack:

        async def restart(world: World, catalog: Catalog) -> World:
            return await stack.enter_async_context(
                running(World(catalog=catalog, state=world.state))
            )

        yield restart


async def expect_replay(
    client: httpx.AsyncClient, path: str, body: dict[str, Any], first: httpx.Response
) -> None:
    assert first.status_code == 200, first.text
    for _ in range(2):  # from the ledger, and then from the answers at hand
        again = await client.post(path, json=body, headers=KEY)
        assert again.content == first.content
        assert again.headers["idempotency-replayed"] == "true"


CHANGES = {
    "dearer": with_service(per=1),
    "cheaper": with_service(per=1000),
    "dearer than a wallet can be": with_service(credits=10**9),
    "without the alias": with_service(aliases=()),
    "the alias is another's": replace(
        CATALOG,
        services=(
            replace(CATALOG.services[0], aliases=()),
            replace(CATALOG.services[1], aliases=("reword",)),
        ),
    ),
}


@pytest.mark.parametrize("path", ["/deduct", "/holds"])
@pytest.mark.parametrize("catalog", CHANGES.values(), ids=CHANGES)
async def test_a_charge_by_another_rate_card(
    world: World, restarts: Any, path: str, catalog: Catalog
) -> None:
    await world.give("u1", 100)
    body = {"userId": "u1", "units": 150, "service": "reword"}
    first = await (await world.by_key()).post(path, json=body, headers=KEY)
    later = await restarts(world, catalog)
    client = await later.by_key()
    written = later.written()
    await expect_replay(client, path, body, first)
    another = await client.post(path, json={**body, "units": 151}, headers={"Idempotency-Key": "k"})
    assert (another.status_code, another.json()["error"]["code"]) == (422, "idempotency_key_reused")
    assert later.written() == written


@pytest.mark.parametrize("path", ["/deduct", "/holds"])
async def test_another_body_is_told_so_whatever_is_wrong_with_it(
    world: World, restarts: Any, path: str
) -> None:
    await world.give("u1", 100)
    body = {"userId": "u1", "units": 150}
    await (await world.by_key()).post(path, json=body, headers=KEY)
    later = await restarts(world, with_service(aliases=()))
    client = await later.by_key()
    reused = await client.post(path, json={**body, "service": "reword"}, headers=KEY)
    assert (reused.status_code, reused.json()["error"]["code"]) == (422, "idempotency_key_reused")
    fresh = await client.post(
        path, json={**body, "service": "reword"}, headers={"Idempotency-Key": "other"}
    )
    assert fresh.status_code == 400
    assert fresh.json()["error"]["details"]["fields"][0]["path"] == "service"
    # The refusal has bound nothing.
    served = await client.post(path, json=body, headers={"Idempotency-Key": "other"})
    assert (served.status_code, served.json()["newBalance"]) == (200, 96)


@pytest.mark.parametrize(
    "catalog",
    [
        replace(CATALOG, packs=()),
        replace(CATALOG, packs=(replace(CATALOG.packs[0], prices={}),)),
        replace(CATALOG, packs=(replace(CATALOG.packs[0], credits=1),)),
    ],
    ids=["gone", "not sold in the currency", "changed"],
)
async def test_a_purchase_of_a_pack_that_has_changed(
    world: World, restarts: Any, catalog: Catalog
) -> None:
    body = {"packId": "credits_100", "currency": "USD"}
    first = await world.by_user("u1").post("/payments/initiate", json=body, headers=KEY)
    later = await restarts(world, catalog)
    user = later.by_user("u1")
    written = later.written()
    await expect_replay(user, "/payments/initiate", body, first)
    assert later.gateway.started == 0
    other = {"packId": "credits_100", "successUrl": "http://localhost:3000/"}
    reused = await user.post("/payments/initiate", json=other, headers=KEY)
    assert (reused.status_code, reused.json()["error"]["code"]) == (422, "idempotency_key_reused")
    assert later.written() == written


async def test_a_pack_that_is_gone_is_still_not_found(world: World, restarts: Any) -> None:
    body = {"packId": "credits_100"}
    await world.by_user("u1").post("/payments/initiate", json=body, headers=KEY)
    later = await restarts(world, replace(CATALOG, packs=()))
    written = later.written()
    for user, headers in (("u1", {}), ("u1", {"Idempotency-Key": "other"}), ("u2", KEY)):
        refused = await later.by_user(user).post("/payments/initiate", json=body, headers=headers)
        assert (refused.status_code, refused.json()["error"]["code"]) == (404, "not_found")
    assert later.written() == written
