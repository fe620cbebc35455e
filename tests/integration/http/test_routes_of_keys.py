"""API keys over HTTP: changed, rotated, many at once, their log and their health."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from shothik_payment.domain.model.api_key import well_formed
from shothik_payment.domain.ports.api_keys import KeyChange
from tests.integration.http.support import World, problems

KEYS = "/admin/api-keys"
NOW, DAY_ON = "2030-03-17T17:46:40.000Z", "2030-03-18T17:46:40.000Z"


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def made(admin: httpx.AsyncClient, **terms: Any) -> tuple[str, dict[str, Any]]:
    answer = await admin.post(f"{KEYS}/generate", json={"service": "paraphrase", **terms})
    assert answer.status_code == 201, answer.text
    return answer.json()["key"], answer.json()["apiKey"]


async def test_a_key_is_changed(world: World) -> None:
    async with world.by_admin() as admin:
        _, view = await made(admin, rateLimit=5, allowedIps=["10.0.0.1"])
        path = f"{KEYS}/{view['id']}"
        for base in ("", "http://test"):
            answer = await admin.patch(f"{base}{path}", json={"name": "jobs"})
            assert answer.json() == {"success": True, "apiKey": {**view, "name": "jobs"}}
        wanted = {
            "scopes": ["credits:read"],
            "expiresAt": DAY_ON,
            "allowedIps": ["2001:db8::1", "::ffff:10.0.0.0/104"],
            "rateLimit": 7,
        }
        answer = await admin.patch(path, json=wanted)
        told = {**wanted, "name": "jobs", "allowedIps": ["2001:db8::1/128", "10.0.0.0/8"]}
        assert answer.json()["apiKey"] == {**view, **told}
        nothing = {"expiresAt": None, "allowedIps": None, "rateLimit": None}
        answer = await admin.patch(path, json={**nothing, "name": None, "scopes": None})
        assert answer.json()["apiKey"] == {**view, **told, **nothing, "allowedIps": []}
        assert (await admin.get(path)).json() == answer.json()
        assert refusal(await admin.patch(f"{KEYS}/none", json={})) == (404, "not_found")


async def test_other_fields_change_nothing(world: World) -> None:
    async with world.by_admin() as admin:
        _, view = await made(admin)
        more = {
            "id": "key_x",
            "service": "slide_service",
            "status": "revoked",
            "prefix": "sk_x_",
            "digest": "",
            "line": "key_x",
            "legacy": True,
            "revokedAt": NOW,
            "version": 9,
            "createdAt": NOW,
        }
        answer = await admin.patch(f"{KEYS}/{view['id']}", json=more)
        assert answer.json()["apiKey"] == view
        entries = (await admin.get(f"{KEYS}/{view['id']}/audit-log")).json()["entries"]
        assert [entry["action"] for entry in entries] == ["generate"]


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ({"name": "", "scopes": ["x"]}, ["name", "scopes[0]"]),
        ({"expiresAt": "tomorrow", "rateLimit": 0}, ["expiresAt", "rateLimit"]),
        ({"expiresAt": NOW}, ["expiresAt"]),
        ({"expiresAt": "9999-12-31T23:59:59-12:00"}, ["expiresAt"]),
        ({"allowedIps": ["10.0.0.1", "host"]}, ["allowedIps[1]"]),
        ({"rateLimit": "5"}, ["rateLimit"]),
    ],
)
async def test_bad_changes(world: World, body: dict[str, Any], paths: list[str]) -> None:
    async with world.by_admin() as admin:
        _, view = await made(admin)
        assert problems(await admin.patch(f"{KEYS}/{view['id']}", json=body)) == paths
        bulk = {"action": "update", "keyIds": [view["id"]], "changes": body}
        answer = await admin.post(f"{KEYS}/bulk", json=bulk)
        if answer.status_code == 207:  # what only the single key can tell
            (result,) = answer.json()["results"]
            assert [f["path"] for f in result["error"]["details"]["fields"]] == paths
            assert result["status"] == 400
        else:
            assert problems(answer) == [f"changes.{path}" for path in paths]
        assert (await admin.get(f"{KEYS}/{view['id']}")).json()["apiKey"] == view


@pytest.mark.parametrize(
    "name",
    [
        *("\u202e", "\u2066\u2066", "\u00ad", "\u115f", "\U000e0041", "\u2800", "\u3164"),
        *("\u0301", "jobs\u202ehgin", "jo\u200bbs"),
    ],
)
async def test_names_that_nobody_can_see(world: World, name: str) -> None:
    async with world.by_admin() as admin:
        body = {"service": "paraphrase", "name": name}
        assert problems(await admin.post(f"{KEYS}/generate", json=body)) == ["name"]
        _, view = await made(admin)
        assert problems(await admin.patch(f"{KEYS}/{view['id']}", json={"name": name})) == ["name"]
        # One that has it from before stays usable.
        key = await world.application.key_administration.get(view["id"])
        await world.keys.commit(KeyChange((), [replace(key, name=name)]))
        changed = await admin.patch(f"{KEYS}/{view['id']}", json={"name": name, "rateLimit": 7})
        assert (changed.status_code, changed.json()["apiKey"]["rateLimit"]) == (200, 7)


@pytest.mark.parametrize("name", ["র\u200d্যাপ", "👩\u200d💻", "نص", "e\u0301", "-"])
async def test_names_of_all_scripts(world: World, name: str) -> None:
    async with world.by_admin() as admin:
        assert (await made(admin, name=name))[1]["name"] == name


async def test_a_key_is_rotated(world: World) -> None:
    async with world.by_admin() as admin:
        old_key, old = await made(admin, rateLimit=5, scopes=["catalog:read"])
        answer = await admin.post(f"{KEYS}/{old['id']}/rotate")
        assert answer.status_code == 200
        body = answer.json()
        new_key, new = body["key"], body["apiKey"]
        assert well_formed(new_key)
        assert new == {
            **old,
            "id": new["id"],
            "last4": new_key[-4:],
            "replaces": old["id"],
        }
        assert body["previous"] == {"id": old["id"], "validUntil": DAY_ON}
        shown = (await admin.get(f"{KEYS}/{old['id']}")).json()["apiKey"]
        assert shown == {
            **old,
            "expiresAt": DAY_ON,
            "rotatedAt": NOW,
            "replacedBy": new["id"],
        }
        path = f"{KEYS}/{old['id']}"
        assert refusal(await admin.post(f"{path}/rotate")) == (409, "api_key_rotated")
        later = {"expiresAt": "2031-01-01T00:00:00Z"}
        assert refusal(await admin.patch(path, json=later)) == (409, "api_key_rotated")
        sooner = {"expiresAt": "2030-03-17T17:46:50Z"}
        assert (await admin.patch(path, json=sooner)).status_code == 200

        # One quota for both, until the old one ends.
        clients = [world.client(f"ApiKey {key}") for key in (old_key, new_key)]
        answers = [await clients[n % 2].get("/services") for n in range(6)]
        assert [a.status_code for a in answers] == [200] * 5 + [429]
        world.clock.forward(10)
        assert (await clients[0].get("/services")).status_code == 401
        assert (await clients[1].get("/services")).status_code == 429


@pytest.mark.parametrize("seconds", [-1, 30 * 86_400 + 1, 1.5, "5"])
async def test_a_grace_is_of_0_to_30_days(world: World, seconds: object) -> None:
    async with world.by_admin() as admin:
        _, view = await made(admin)
        path, body = f"{KEYS}/{view['id']}/rotate", {"graceSeconds": seconds}
        assert problems(await admin.post(path, json=body)) == ["graceSeconds"]
        at_once = await admin.post(path, json={"graceSeconds": 0})
        assert at_once.json()["previous"]["validUntil"] == NOW


async def test_keys_that_are_no_more(world: World) -> None:
    async with world.by_admin() as admin:
        _, revoked = await made(admin)
        await admin.delete(f"{KEYS}/{revoked['id']}")
        _, ended = await made(admin, expiresAt="2030-03-17T17:46:41Z")
        world.clock.forward(1)
        for view, code in ((revoked, "api_key_revoked"), (ended, "api_key_expired")):
            path = f"{KEYS}/{view['id']}"
            assert refusal(await admin.patch(path, json={"name": "x"})) == (409, code)
            assert refusal(await admin.post(f"{path}/rotate")) == (409, code)
        for status, ids in (("active", []), ("revoked", [revoked]), ("expired", [ended])):
            listed = (await admin.get(f"{KEYS}?status={status}&service=paraphrase")).json()
            assert [key["id"] for key in listed["apiKeys"]] == [key["id"] for key in ids]
        assert problems(await admin.get(f"{KEYS}?status=gone")) == ["status"]


async def test_many_at_once(world: World) -> None:
    async with world.by_admin() as admin:
        views = [(await made(admin))[1] for _ in range(2)]
        first, second = (view["id"] for view in views)
        wanted = {"action": "rotate", "keyIds": [second, "none", first], "graceSeconds": 0}
        answer = await admin.post(f"{KEYS}/bulk", json=wanted)
        assert (answer.status_code, answer.json()["success"]) == (207, True)
        results = answer.json()["results"]
        assert [(r["keyId"], r["status"]) for r in results] == [
            (second, 200),
            ("none", 404),
            (first, 200),
        ]
        assert results[1] == {
            "keyId": "none",
            "status": 404,
            "apiKey": None,
            "key": None,
            "previous": None,
            "error": {
                "code": "not_found",
                "message": "There is no such API key.",
                "details": {"kind": "API key", "id": "none"},
            },
        }
        assert well_formed(results[0]["key"])
        assert results[0]["previous"] == {"id": second, "validUntil": NOW}
        assert results[2]["apiKey"]["replaces"] == first
        for bad, paths in (
            ({"action": "delete", "keyIds": []}, ["action", "keyIds"]),
            ({"action": "revoke", "keyIds": [first, first]}, ["keyIds"]),
            ({"action": "revoke", "keyIds": [f"k{n}" for n in range(101)]}, ["keyIds"]),
            ({"action": "revoke", "keyIds": ["a", ""]}, ["keyIds[1]"]),
            ({"action": "update", "keyIds": [first]}, ["changes"]),
            ({"action": "update", "keyIds": [first], "changes": []}, ["changes"]),
            ({}, ["action", "keyIds"]),
        ):
            assert problems(await admin.post(f"{KEYS}/bulk", json=bad)) == paths
        every = [f"k{n}" for n in range(99)]
        body = {"action": "revoke", "keyIds": [first, *every]}
        answer = await admin.post(f"{KEYS}/bulk", json=body)
        assert [r["status"] for r in answer.json()["results"]] == [200] + [404] * 99


async def test_the_audit_log(world: World) -> None:
    async with world.by_admin() as admin:
        _, view = await made(admin)
        path = f"{KEYS}/{view['id']}"
        await admin.patch(path, json={"name": "a"})
        await admin.patch(path, json={"name": "b"})
        first = (await admin.get(f"{path}/audit-log?limit=2")).json()
        assert first["entries"] == [
            {
                "at": NOW,
                "actor": "admin:boss",
                "action": "update",
                "changes": {"name": name},
                "ip": "127.0.0.1",
            }
            for name in ("b", "a")
        ]
        rest = await admin.get(f"{path}/audit-log", params={"cursor": first["next"]})
        assert [entry["action"] for entry in rest.json()["entries"]] == ["generate"]
        assert rest.json()["next"] is None
        assert problems(await admin.get(f"{path}/audit-log?cursor=zz")) == ["cursor"]
        assert refusal(await admin.get(f"{KEYS}/none/audit-log")) == (404, "not_found")


async def test_the_health_of_a_key(world: World) -> None:
    async with world.by_admin() as admin:
        key, view = await made(admin, rateLimit=2, expiresAt=DAY_ON)
        path = f"{KEYS}/{view['id']}/validate"
        health = {
            "valid": True,
            "reasons": ["expires_soon", "never_used"],
            "expiresIn": 86_400,
            "rateLimitRemaining": 2,
            "lastUsedAt": None,
        }
        for _ in range(2):
            assert (await admin.post(path)).json() == {"success": True, "health": health}
        assert (await world.client(f"ApiKey {key}").get("/services")).status_code == 200
        used = {"reasons": ["expires_soon"], "rateLimitRemaining": 1, "lastUsedAt": NOW}
        assert (await admin.post(path)).json()["health"] == {**health, **used}
        await admin.delete(f"{KEYS}/{view['id']}")
        ended = (await admin.post(path)).json()["health"]
        assert (ended["valid"], ended["reasons"]) == (False, ["revoked"])
        assert refusal(await admin.post(f"{KEYS}/none/validate")) == (404, "not_found")
