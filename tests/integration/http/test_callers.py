"""Who may call: keys, tokens, scopes, addresses."""

from __future__ import annotations

from ipaddress import ip_network

import httpx
import jwt
import pytest
import structlog

from tests.integration.http.support import SECRET, World, running, token

DEDUCT = {"userId": "u1", "amount": 1}


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.mark.parametrize("role", [None, "user", ["admin"], "Admin", "admin ", True, {"admin": 1}])
async def test_an_admin_has_the_role(world: World, role: object) -> None:
    """Just the one word, as text; see test_roles.py for who may do what."""
    client = world.client(f"Bearer {token('u1', **({} if role is None else {'role': role}))}")
    assert refusal(await client.get("/admin/api-keys")) == (403, "forbidden")


def unsigned() -> str:
    return jwt.encode({"sub": "u1", "exp": 4_000_000_000}, None, algorithm="none")


BAD_TOKENS = {
    "no exp": token("u1", expires_in=None),
    "expired": token("u1", expires_in=-1_000_000_000),
    "alg none": unsigned(),
    "another secret": token("u1", secret="another-secret-that-is-long-enough-too"),
    "another algorithm": token("u1", algorithm="HS512", secret=SECRET * 2),
    "no user": jwt.encode({"exp": 4_000_000_000}, SECRET, algorithm="HS256"),
    "a number as user": jwt.encode({"sub": 5, "exp": 4_000_000_000}, SECRET, algorithm="HS256"),
    "a user id that cannot be": token("../u1"),
    "cut off": token("u1")[:-1],
    "nothing": "",
    "huge": "x" * 10_000,
}


@pytest.mark.parametrize("bad", BAD_TOKENS.values(), ids=BAD_TOKENS)
async def test_bad_tokens(world: World, bad: str) -> None:
    answer = await world.client(f"Bearer {bad}").get("/wallet")
    assert refusal(answer) == (401, "unauthenticated")
    assert bad == "" or bad not in answer.text


async def test_bad_keys(world: World) -> None:
    good = await world.key()
    mistyped = good[:-8] + ("a" if good[-8] != "a" else "b") + good[-7:]
    for bad in (mistyped, good[:-1], good + "x", "sk_paraphrase_" + "0" * 32, "", "sk_é"):
        client = world.client()
        header = {b"authorization": f"ApiKey {bad}".encode()}
        answer = await client.post("/deduct", json=DEDUCT, headers=header)
        assert refusal(answer) == (401, "unauthenticated")
        assert bad == "" or bad not in answer.text
    assert (await world.client(f"apikey  {good}").get("/services")).status_code == 200
    assert refusal(await world.client(good).get("/services")) == (401, "unauthenticated")


async def test_a_revoked_key_and_an_expired_one(world: World) -> None:
    expiring = await world.by_key(expires_at=world.clock.now() + 5_000)
    client = await world.by_key()
    for one in (expiring, client):
        assert (await one.get("/services")).status_code == 200
    async with world.by_admin() as admin:
        ids = [key["id"] for key in (await admin.get("/admin/api-keys")).json()["apiKeys"]]
        revoked = await admin.delete(f"/admin/api-keys/{ids[1]}")
        again = await admin.delete(f"/admin/api-keys/{ids[1]}")
        assert revoked.json()["apiKey"]["status"] == "revoked"
        assert again.content == revoked.content
    world.clock.forward(2)
    assert refusal(await client.get("/services")) == (401, "unauthenticated")
    assert (await expiring.get("/services")).status_code == 200
    world.clock.forward(3)
    assert refusal(await expiring.get("/services")) == (401, "unauthenticated")


@pytest.mark.parametrize(
    ("trusted", "forwarded", "status"),
    [
        ((), None, 403),
        ((), "10.0.0.7", 403),
        (("127.0.0.0/8",), "10.0.0.7", 200),
        (("127.0.0.0/8",), "10.0.0.7:4711", 200),
        (("127.0.0.0/8",), "::ffff:10.0.0.7", 200),
        (("127.0.0.0/8",), "10.0.0.7, 203.0.113.9", 403),
        (("127.0.0.0/8", "203.0.113.0/24"), "10.0.0.7, 203.0.113.9", 200),
        (("127.0.0.0/8",), "10.0.0.7, nonsense", 403),
        (("127.0.0.0/8",), "", 403),
    ],
)
async def test_the_address_behind_trusted_proxies(
    trusted: tuple[str, ...], forwarded: str | None, status: int
) -> None:
    networks = tuple(ip_network(network) for network in trusted)
    async with running(World(trusted_proxies=networks)) as world:
        client = await world.by_key(allowed_ips=["10.0.0.0/24"])
        headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
        assert (await client.get("/services", headers=headers)).status_code == status


async def test_what_an_admin_does_is_logged_with_who_it_was(world: World) -> None:
    given = {"userId": "u1", "amount": 5, "reason": "goodwill", "requestId": "g1"}
    with structlog.testing.capture_logs() as logged:
        async with world.by_admin() as admin:
            for _ in range(2):
                assert (await admin.post("/admin/credits", json=given)).status_code == 200
            refused = await admin.post("/admin/credits", json={**given, "amount": -50})
            assert refused.status_code == 422
        await (await world.by_key()).post("/deduct", json=DEDUCT)
    assert [line for line in logged if line["event"] == "done over HTTP"] == [
        {
            "event": "done over HTTP",
            "log_level": "info",
            "actor": "admin:boss",
            "operation": "POST /admin/credits",
            "subject": "u1",
        }
    ]
