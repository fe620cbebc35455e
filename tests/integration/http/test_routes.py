"""What each route answers when all is well."""

from __future__ import annotations

from typing import Any

from shothik_payment.adapters.sandbox.signature import HEADER
from shothik_payment.domain.ports.gateway import GatewayState
from tests.integration.http.support import World

DEDUCT = {"userId": "u1", "amount": 5, "service": "paraphrase_service", "feature": "text"}


async def test_the_old_clients_way(world: World) -> None:
    """The paths and fields that the overview prints."""
    await world.give("u1", 100)
    client = await world.by_key()
    done = (await client.post("/deduct", json=DEDUCT)).json()
    assert done.pop("transactionId").startswith("txn_")
    assert done == {"success": True, "newBalance": 95, "previousBalance": 100}
    balance = await client.get("/balance/u1")
    assert balance.json() == {
        "success": True,
        "userId": "u1",
        "balance": 95,
        "currency": "credits",
        "held": 0,
    }
    assert balance.headers["content-type"] == "application/json"
    access = (await client.get("/subscriptions/u1/validate-access")).json()
    assert access == (await client.get("/subscriptions/u1/validate")).json()
    assert access["success"] is access["canAccess"] is True
    assert access["subscription"] == {"plan": "free", "status": "active"}


async def test_units_and_names_of_a_service(world: World) -> None:
    await world.give("u1", 100)
    client = await world.by_key()
    for name in ("paraphrase_service", "paraphrase", "reword", None):
        answer = await client.post("/deduct", json={"userId": "u1", "units": 101, "service": name})
        assert answer.json()["previousBalance"] - answer.json()["newBalance"] == 2


async def test_reversing_in_parts(world: World) -> None:
    await world.give("u1", 100)
    client = await world.by_key()
    done = (await client.post("/deduct", json=DEDUCT)).json()["transactionId"]
    part = (await client.post("/reverse", json={"transactionId": done, "amount": 2})).json()
    assert (part["amountReversed"], part["newBalance"]) == (2, 97)
    more = await client.post("/reverse", json={"transactionId": done, "amount": 4})
    assert (more.status_code, more.json()["error"]["details"]) == (
        422,
        {"requested": 4, "reversible": 3},
    )
    rest = (await client.post("/reverse", json={"transactionId": done})).json()
    assert (rest["amountReversed"], rest["newBalance"]) == (3, 100)
    again = await client.post("/reverse", json={"transactionId": done})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "already_reversed")
    given = await world.give("u1", 1)
    other = await client.post("/reverse", json={"transactionId": given})
    assert (other.status_code, other.json()["error"]["code"]) == (409, "not_reversible")
    unknown = await client.post("/reverse", json={"transactionId": "txn_none"})
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "not_found")


async def test_a_hold_from_end_to_end(world: World) -> None:
    await world.give("u1", 100)
    client = await world.by_key()
    body = {"userId": "u1", "amount": 20, "ttlSeconds": 60}
    placed = (await client.post("/holds", json=body)).json()
    hold = placed["hold"]
    path = f"/holds/{hold['id']}"
    assert hold == {
        "id": hold["id"],
        "userId": "u1",
        "service": "paraphrase_service",
        "amount": 20,
        "captured": 0,
        "status": "active",
        "expiresAt": "2030-03-17T17:47:40.000Z",
    }
    assert (placed["success"], placed["newBalance"]) == (True, 80)
    assert (await client.get(path)).json() == placed
    more = await client.post(f"{path}/capture", json={"amount": 21})
    assert (more.status_code, more.json()["error"]["code"]) == (422, "capture_exceeds_hold")
    captured = (await client.post(f"{path}/capture", json={"amount": 12})).json()
    assert captured["hold"] == {**hold, "captured": 12, "status": "captured"}
    assert captured["newBalance"] == 88
    assert (await client.get(path)).json() == captured
    for action in ("capture", "release"):
        closed = await client.post(f"{path}/{action}")
        assert (closed.status_code, closed.json()["error"]["code"]) == (409, "hold_closed")
    late = (await client.post("/holds", json=body)).json()["hold"]["id"]
    world.clock.forward(60)
    assert (await client.get(f"/holds/{late}")).json()["hold"]["status"] == "expired"
    expired = await client.post(f"/holds/{late}/capture")
    assert (expired.status_code, expired.json()["error"]["code"]) == (409, "hold_expired")
    assert (await client.get("/holds/none")).status_code == 404


async def test_access(world: World) -> None:
    await world.give("u1", 2)
    client = await world.by_key()
    path = "/subscriptions/u1/validate-access"
    enough = (await client.get(path, params={"units": 200, "feature": "f"})).json()
    assert (enough["canAccess"], enough["reason"], enough["required"]) == (True, None, 2)
    short = (await client.get(path, params={"units": 201})).json()
    assert (short["canAccess"], short["reason"]) == (False, "insufficient_credits")
    await client.post("/deduct", json={"userId": "u1", "amount": 2})
    gone = (await client.get(path)).json()
    assert (gone["canAccess"], gone["balance"], gone["causes"]) == (False, 0, ["credits_gone"])


async def test_the_blocklist_in_pages(world: World) -> None:
    client = await world.by_key()
    await client.get("/services")  # the service is active from its first key on
    for user in ("b", "a", "c"):
        await world.give(user, 1)
        await client.post("/deduct", json={"userId": user, "amount": 1})
    whole = (await client.get("/blocklist")).json()
    assert whole["next"] is None
    assert whole["users"][0] == {
        "userId": "a",
        "causes": ["credits_gone"],
        "since": "2030-03-17T17:46:40.000Z",
        "sequence": "00000000000000000004",
    }
    seen: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await client.get("/blocklist", params={"limit": 2, **cursor})).json()
        seen += page["users"]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert seen == whole["users"]
    assert [user["userId"] for user in seen] == ["a", "b", "c"]


async def test_the_catalog(world: World) -> None:
    services = (await (await world.by_key()).get("/services")).json()["services"]
    assert services[1] == {
        "name": "slide_service",
        "slug": "slide",
        "unit": "deck",
        "per": 1,
        "credits": 10,
        "aliases": [],
        "rateLimitPerHour": 3,
    }
    packs = (await world.client().get("/packs")).json()["packs"]
    assert packs[0] == {
        "id": "credits_100",
        "title": "100 credits",
        "credits": 100,
        "prices": [{"currency": "USD", "amountMinor": 1000}],
    }


async def test_the_wallet_and_its_history(world: World) -> None:
    await world.give("u1", 100)
    client, user = await world.by_key(), world.by_user("u1")
    await client.post("/deduct", json={**DEDUCT, "metadata": {"a": 1.5}, "requestId": "r"})
    await client.post("/holds", json={"userId": "u1", "amount": 10})
    wallet = (await user.get("/wallet")).json()["wallet"]
    grants = wallet.pop("grants")
    assert wallet == {"balance": 85, "status": "active", "held": 10, "debt": 0, "usage": []}
    assert [(g["source"], g["amount"], g["available"], g["held"]) for g in grants] == [
        ("adjustment", 100, 85, 10)
    ]
    whole = (await user.get("/wallet/transactions")).json()
    assert [row["kind"] for row in whole["transactions"]] == ["hold", "deduct", "adjust"]
    row = whole["transactions"][1]
    expected: dict[str, Any] = {
        "number": 2,
        "at": "2030-03-17T17:46:40.000Z",
        "amount": 5,
        "availableDelta": -5,
        "heldDelta": 0,
        "balanceBefore": 100,
        "balanceAfter": 95,
        "grants": [{"grantId": grants[0]["id"], "availableDelta": -5, "heldDelta": 0}],
        "service": "paraphrase_service",
        "feature": "text",
        "metadata": {"a": 1.5},
        "requestId": "r",
    }
    assert {name: row[name] for name in expected} == expected
    first = (await user.get("/wallet/transactions?limit=2")).json()
    rest = await user.get("/wallet/transactions", params={"limit": 2, "cursor": first["next"]})
    assert first["transactions"] + rest.json()["transactions"] == whole["transactions"]
    assert rest.json()["next"] is None


async def test_buying_credits(world: World) -> None:
    user = world.by_user("u1")
    body = {"packId": "credits_100", "successUrl": "http://localhost:3000/ok"}
    opened = (await user.post("/payments/initiate", json=body)).json()
    assert set(opened) == {"success", "paymentId", "sessionId", "paymentUrl"}
    assert opened["paymentUrl"].endswith(opened["sessionId"])
    other = (await user.post("/payments/initiate", json={"credits": 50})).json()
    listed = (await user.get("/payments?limit=1")).json()
    rest = (await user.get("/payments", params={"cursor": listed["next"]})).json()
    ids = [payment["id"] for payment in listed["payments"] + rest["payments"]]
    assert ids == [other["paymentId"], opened["paymentId"]]
    unknown = await user.post("/payments/initiate", json={"packId": "none"})
    assert unknown.status_code == 404

    session, _ = await world.gateway.decide(opened["sessionId"], "success")
    told = world.gateway.notification(session, GatewayState.PAID)
    gateway = world.client(**{HEADER: world.signer.sign(told, world.clock.at)})
    forged = await world.client().post("/webhooks/sandbox", content=told)
    assert (forged.status_code, forged.json()["error"]["code"]) == (401, "unauthenticated")
    for _ in range(2):
        answer = await gateway.post("/webhooks/sandbox", content=told)
        assert (answer.status_code, answer.json()) == (200, {"success": True})
    payment = (await user.get(f"/payments/{opened['paymentId']}")).json()["payment"]
    assert (payment["status"], payment["amountMinor"], payment["currency"]) == ("paid", 1000, "USD")
    assert (await user.get("/wallet")).json()["wallet"]["balance"] == 100
    assert (await gateway.post("/webhooks/nobody", content=told)).status_code == 404
    large = await gateway.post("/webhooks/sandbox", content=b"x" * (512 * 1024 + 1))
    assert large.status_code == 413
    fits = await gateway.post("/webhooks/sandbox", content=b"x" * (512 * 1024))
    assert fits.status_code == 401
