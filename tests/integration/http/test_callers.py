"""Who may call: keys, tokens, scopes, addresses."""

from __future__ import annotations

from ipaddress import ip_network

import httpx
import jwt
import pytest

from shothik_payment.domain.model.api_key import Scope
from tests.integration.http.support import SCOPES_BUT, SECRET, World, running, token

DEDUCT = {"userId": "u1", "amount": 1}


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


SERVICE_ROUTES = [
    ("POST", "/deduct", Scope.CREDITS_DEDUCT),
    ("GET", "/balance/u1", Scope.CREDITS_READ),
    ("POST", "/reverse", Scope.CREDITS_REVERSE),
    ("POST", "/holds", Scope.HOLDS_WRITE),
    ("GET", "/holds/h1", Scope.HOLDS_WRITE),
    ("POST", "/holds/h1/capture", Scope.HOLDS_WRITE),
    ("POST", "/holds/h1/release", Scope.HOLDS_WRITE),
    ("GET", "/subscriptions/u1/validate-access", Scope.ACCESS_READ),
    ("GET", "/subscriptions/u1/validate", Scope.ACCESS_READ),
    ("GET", "/services", Scope.CATALOG_READ),
    ("GET", "/blocklist", Scope.BLOCKLIST_READ),
]
USER_ROUTES = [
    ("GET", "/wallet"),
    ("GET", "/wallet/transactions"),
    ("POST", "/payments/initiate"),
    ("GET", "/payments"),
    ("GET", "/payments/p1"),
    ("POST", "/subscriptions"),
    ("GET", "/subscriptions/current"),
    ("PATCH", "/subscriptions/current"),
    ("DELETE", "/subscriptions/current"),
    ("POST", "/subscriptions/current/pay"),
    ("POST", "/subscriptions/preview"),
    ("GET", "/subscriptions/history"),
]
ADMIN_ROUTES = [
    ("POST", "/admin/credits"),
    ("GET", "/admin/payments/review"),
    ("GET", "/admin/payments/pay_1"),
    ("POST", "/admin/payments/pay_1/refund"),
    ("POST", "/admin/payments/pay_1/accept"),
    ("POST", "/admin/users/u1/freeze"),
    ("POST", "/admin/users/u1/unfreeze"),
    ("GET", "/admin/users/u1/subscription"),
    ("GET", "/admin/users/u1/subscription/history"),
    ("POST", "/admin/users/u1/subscription/extend"),
    ("POST", "/admin/users/u1/subscription/cancel"),
    ("POST", "/admin/users/u1/subscription/grant"),
    ("GET", "/admin/events"),
    ("POST", "/admin/events/replay"),
    ("POST", "/admin/test-clock"),
    ("POST", "/admin/api-keys/generate"),
    ("GET", "/admin/api-keys"),
    ("GET", "/admin/api-keys/k1"),
    ("DELETE", "/admin/api-keys/k1"),
    ("POST", "http://test/admin/api-keys/generate"),
]


@pytest.mark.parametrize(("method", "path", "scope"), SERVICE_ROUTES)
async def test_a_service_needs_a_key_with_the_scope(
    world: World, method: str, path: str, scope: Scope
) -> None:
    nobody, user, admin = world.client(), world.by_user("u1"), world.by_admin()
    for client in (nobody, user, admin):
        answer = await client.request(method, path)
        assert refusal(answer) == (401, "unauthenticated")
        assert answer.headers["www-authenticate"].startswith("ApiKey")
    without = await world.by_key(scopes=SCOPES_BUT[scope])
    answer = await without.request(method, path)
    assert refusal(answer) == (403, "missing_scope")
    assert answer.json()["error"]["details"] == {"scope": scope.value}
    with_it = await (await world.by_key(scopes=[scope])).request(method, path)
    assert with_it.status_code in (200, 400, 404)


@pytest.mark.parametrize(("method", "path"), USER_ROUTES + ADMIN_ROUTES)
async def test_users_and_admins_need_a_token(world: World, method: str, path: str) -> None:
    for client in (world.client(), await world.by_key(), world.client("Bearer nonsense")):
        answer = await client.request(method, path)
        assert refusal(answer) == (401, "unauthenticated")
        assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(("method", "path"), ADMIN_ROUTES)
async def test_an_admin_has_the_role(world: World, method: str, path: str) -> None:
    for role in ({}, {"role": "user"}, {"role": ["admin"]}, {"role": "Admin"}):
        client = world.client(f"Bearer {token('u1', **role)}")
        assert refusal(await client.request(method, path)) == (403, "forbidden")
    allowed = await world.by_admin().request(method, path)
    assert allowed.status_code in (200, 400, 404)


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


async def test_others_payments_and_holds_stay_theirs(world: World) -> None:
    await world.give("u1", 100)
    async with world.by_user("u1") as owner, world.by_user("u2") as other:
        opened = (await owner.post("/payments/initiate", json={"credits": 50})).json()
        path = f"/payments/{opened['paymentId']}"
        assert (await owner.get(path)).json()["payment"]["credits"] == 50
        assert refusal(await other.get(path)) == (404, "not_found")
        assert (await other.get("/payments")).json()["payments"] == []
    async with await world.by_key() as owner, await world.by_key("slide") as other:
        hold = (await owner.post("/holds", json=DEDUCT)).json()["hold"]["id"]
        for answer in (
            await other.get(f"/holds/{hold}"),
            await other.post(f"/holds/{hold}/capture"),
            await other.post(f"/holds/{hold}/release"),
        ):
            assert refusal(answer) == (403, "wrong_service")
        done = (await owner.post("/deduct", json=DEDUCT)).json()["transactionId"]
        foreign = await other.post("/reverse", json={"transactionId": done})
        assert refusal(foreign) == (403, "wrong_service")
