"""What each route of an admin answers when all is well."""

from __future__ import annotations

import pytest

from tests.integration.http.support import World


async def test_admins_credits_and_events(world: World) -> None:
    async with world.by_admin() as admin:
        body = {"userId": "u1", "amount": 100, "reason": "goodwill", "requestId": "r1"}
        body["expiresAt"] = "2030-04-01T00:00:00.5+06:00"
        given = (await admin.post("/admin/credits", json=body)).json()
        assert (given["newBalance"], given["previousBalance"]) == (100, 0)
        taken = {"userId": "u1", "amount": -40, "reason": "mistake"}
        assert (await admin.post("/admin/credits", json=taken)).json()["newBalance"] == 60
        more = await admin.post("/admin/credits", json={**taken, "amount": -61})
        assert (more.status_code, more.json()["error"]["code"]) == (402, "insufficient_credits")
        await world.give("u2", 1)

        page = (await admin.get("/admin/events?limit=1")).json()
        assert page["events"] == [
            {
                "specversion": "1.0",
                "id": page["events"][0]["id"],
                "source": "/shothik-payment",
                "type": "credit.added",
                "subject": "u1",
                "time": "2030-03-17T17:46:40.000Z",
                "datacontenttype": "application/json",
                "sequence": "00000000000000000001",
                "data": page["events"][0]["data"],
            }
        ]
        data = page["events"][0]["data"]
        assert (data["userId"], data["requestId"]) == ("u1", "r1")
        assert data["expiresAt"] == "2030-03-31T18:00:00.500Z"
        assert page["next"] == page["last"]
        rest = (await admin.get("/admin/events", params={"after": page["next"]})).json()
        assert [event["subject"] for event in rest["events"]] == ["u1", "u2"]
        assert rest["next"] is None
        none = (await admin.get("/admin/events", params={"after": rest["last"]})).json()
        assert (none["events"], none["next"], none["last"]) == ([], None, rest["last"])
        query = "userId=u1&type=credit.deducted&type=credit.refunded"
        some = (await admin.get(f"/admin/events?{query}")).json()["events"]
        assert [event["type"] for event in some] == ["credit.deducted"]


async def test_admins_replay_events(world: World) -> None:
    await world.give("u1", 5)
    async with await world.by_key() as service:
        await service.post("/deduct", json={"userId": "u1", "amount": 5})
    await world.publish()
    world.clock.forward(60)
    everything, mine = world.broker.bind("everything", "#"), world.broker.bind("mine", "mine")
    always = {"from": "2030-01-01T00:00:00Z", "to": "2031-01-01T00:00:00Z"}
    async with world.by_admin() as admin:
        answer = await admin.post("/admin/events/replay", json={**always, "queue": "mine"})
        assert answer.json() == {"success": True, "replayed": 4, "refused": 0, "retold": 0}
        told = [await mine.get() for _ in range(len(mine))]
        assert [event.sequence for event in told] == [1, 2, 3, 4]
        assert len(everything) == 0

        body = {**always, "userId": "u1", "types": ["credit.added", "service.stop_user"]}
        for _ in range(2):  # once, and the answer again
            answer = await admin.post("/admin/events/replay", json={**body, "requestId": "r1"})
            assert answer.json() == {"success": True, "replayed": 1, "refused": 0, "retold": 1}
        assert answer.headers["idempotency-replayed"] == "true"
        assert [(await everything.get()).type, len(everything)] == ["credit.added", 0]
        newest = (await admin.get("/admin/events")).json()["events"][-1]
        assert (newest["type"], newest["sequence"][-1]) == ("service.stop_user", "5")

        other = {**always, "requestId": "r1"}
        assert (await admin.post("/admin/events/replay", json=other)).status_code == 422
        nowhere = await admin.post("/admin/events/replay", json={**always, "queue": "nowhere"})
        assert (nowhere.status_code, nowhere.json()["error"]["code"]) == (404, "not_found")


async def test_admins_keys(world: World) -> None:
    async with world.by_admin() as admin:
        terms = {
            "service": "slide",
            "name": "night jobs",
            "scopes": ["credits:read"],
            "expiresAt": "2031-01-01T00:00:00Z",
            "allowedIps": ["10.0.0.1", "10.1.0.0/16"],
            "rateLimit": 5,
        }
        made = await admin.post("http://test/admin/api-keys/generate", json=terms)
        assert made.status_code == 201
        key, view = made.json()["key"], made.json()["apiKey"]
        assert key.startswith("sk_slide_")
        assert view == {
            "id": view["id"],
            "service": "slide_service",
            "name": "night jobs",
            "prefix": "sk_slide_",
            "last4": key[-4:],
            "scopes": ["credits:read"],
            "status": "active",
            "createdAt": "2030-03-17T17:46:40.000Z",
            "expiresAt": "2031-01-01T00:00:00.000Z",
            "lastUsedAt": None,
            "rateLimit": 5,
            "allowedIps": ["10.0.0.1/32", "10.1.0.0/16"],
            "revokedAt": None,
            "rotatedAt": None,
            "replacedBy": None,
            "replaces": None,
            "legacy": False,
        }
        await world.key("paraphrase")
        listed = (await admin.get("/admin/api-keys?service=slide")).json()
        assert listed == {"success": True, "apiKeys": [view], "next": None}
        first = (await admin.get("/admin/api-keys?limit=1")).json()
        rest = (await admin.get("/admin/api-keys", params={"cursor": first["next"]})).json()
        assert len(first["apiKeys"] + rest["apiKeys"]) == 2
        assert (await admin.get(f"/admin/api-keys/{view['id']}")).json()["apiKey"] == view
        for method in ("GET", "DELETE"):
            assert (await admin.request(method, "/admin/api-keys/none")).status_code == 404


async def test_admins_freeze_users(world: World) -> None:
    await world.give("u1", 100)
    service, admin = await world.by_key(), world.by_admin()
    deduct = {"userId": "u1", "amount": 1}
    user = {"userId": "u1", "status": "frozen", "balance": 100, "held": 0, "debt": 0}
    frozen = await admin.post("/admin/users/u1/freeze", json={"reason": "fraud"})
    assert frozen.json() == {"success": True, "user": {**user, "causes": ["frozen"]}}
    refused = await service.post("/deduct", json=deduct)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "user_frozen")
    again = await admin.post("/admin/users/u1/freeze", json={"reason": "fraud"})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "conflict")

    let_on = await admin.post("/admin/users/u1/unfreeze", json={"reason": "cleared"})
    assert let_on.json()["user"] == {**user, "status": "active", "causes": []}
    assert (await service.post("/deduct", json=deduct)).status_code == 200
    again = await admin.post("/admin/users/u1/unfreeze", json={"reason": "cleared"})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "conflict")
    types = [event["type"] for event in (await admin.get("/admin/events")).json()["events"]]
    assert types == ["credit.added", "service.stop_user", "service.resume_user", "credit.deducted"]


@pytest.mark.parametrize("forget", [False, True])
async def test_a_repeated_freeze_freezes_once(world: World, forget: bool) -> None:
    admin, told = world.by_admin(), {"reason": "fraud"}
    for step in ("freeze", "unfreeze"):  # one key for both: each operation has its own
        first = await admin.post(f"/admin/users/u1/{step}", json={**told, "requestId": "k"})
        if forget:  # the answer at hand; the ledger still knows
            world.clock.forward(601)
        again = await admin.post(f"/admin/users/u1/{step}", json={**told, "requestId": "k"})
        assert (again.status_code, again.content) == (200, first.content)
        assert "idempotency-replayed" not in first.headers
        assert again.headers["idempotency-replayed"] == "true"
    other = {"reason": "theft", "requestId": "k"}
    reused = await admin.post("/admin/users/u1/freeze", json=other)
    assert (reused.status_code, reused.json()["error"]["code"]) == (422, "idempotency_key_reused")
    someone = await admin.post("/admin/users/u2/freeze", json=other)
    assert someone.json()["user"]["status"] == "frozen"
