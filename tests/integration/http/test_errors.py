"""How refusals travel: the table of errors, the envelope, request ids."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import structlog
from litestar import get
from litestar.exceptions import HTTPException

from shothik_payment.domain import errors as e
from shothik_payment.entrypoints.http.app import create_app
from shothik_payment.entrypoints.http.error_examples import EXAMPLES
from shothik_payment.entrypoints.http.errors import STATUS, camel
from tests.integration.http.support import World


def told(kind: type[e.PaymentServiceError]) -> Iterator[type[e.PaymentServiceError]]:
    """Those with a code of their own; the others are told as what they are a kind of."""
    for child in kind.__subclasses__():
        if "code" in vars(child):
            yield child
        yield from told(child)


@pytest.mark.parametrize("kind", list(told(e.PaymentServiceError)), ids=lambda kind: kind.__name__)
def test_every_error_has_a_status_and_an_example(kind: type[e.PaymentServiceError]) -> None:
    assert 400 <= STATUS[kind] < 600
    example = EXAMPLES[kind]
    assert type(example) is kind
    assert example.message
    assert all("_" not in name for name in camel(example.details()))


def test_one_code_has_one_status() -> None:
    statuses: dict[str, set[int]] = {}
    for kind, status in STATUS.items():
        statuses.setdefault(kind.code, set()).add(status)
    assert all(len(found) == 1 for found in statuses.values()), statuses


def envelope(answer: httpx.Response) -> tuple[int, str, dict[str, Any]]:
    body = answer.json()
    assert set(body) == {"success", "message", "error"}
    assert body["success"] is False
    assert set(body["error"]) == {"code", "message", "details"}
    assert body["message"] == body["error"]["message"]
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    return answer.status_code, body["error"]["code"], body["error"]["details"]


async def test_details_of_a_refusal(world: World) -> None:
    await world.give("u1", 10)
    client = await world.by_key()
    hold = {"userId": "u1", "amount": 4, "ttlSeconds": 60}
    first = (await client.post("/holds", json={**hold, "ttlSeconds": 120})).json()["hold"]
    second = (await client.post("/holds", json=hold)).json()["hold"]
    status, code, details = envelope(
        await client.post("/deduct", json={"userId": "u1", "amount": 3})
    )
    assert (status, code) == (402, "insufficient_credits")
    assert details == {
        "available": 2,
        "held": 8,
        "required": 3,
        "holds": [
            {
                "id": hold["id"],
                "service": "paraphrase_service",
                "amount": 4,
                "expiresAt": hold["expiresAt"],
            }
            for hold in (second, first)
        ],
        "nextHoldEndsAt": "2030-03-17T17:47:40.000Z",
    }


@pytest.mark.parametrize("path", ["/", "/api/v1", "/api/v1/nope", "/api/v1/balance", "/%00"])
async def test_unknown_paths(world: World, path: str) -> None:
    answer = await world.client().get(f"http://test{path}")
    assert envelope(answer) == (404, "not_found", {})


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/deduct", "OPTIONS, POST"),
        ("HEAD", "/deduct", "OPTIONS, POST"),
        ("DELETE", "/deduct", "OPTIONS, POST"),
        ("GET", "/reverse", "OPTIONS, POST"),
        ("POST", "/balance/u1", "GET, OPTIONS"),
        ("TRACE", "/wallet", "GET, OPTIONS"),
    ],
)
async def test_wrong_methods(world: World, method: str, path: str, allowed: str) -> None:
    answer = await world.client().request(method, path)
    assert answer.status_code == 405
    found = answer.headers["allow"].split(", ")
    assert sorted(found) == allowed.split(", ")
    if method != "HEAD":
        assert envelope(answer) == (405, "method_not_allowed", {})


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("GET", "/admin/users/u1/zz", 404, "There is no such page"),
        ("GET", "/account/payments/a/b/c", 404, "There is no such page"),
        ("GET", "/admin/users/a%2Fb", 404, "There is no such page"),
        ("GET", "/admin/sign-out", 405, "does not take what was sent"),
        ("DELETE", "/admin/users", 405, "does not take what was sent"),
    ],
)
async def test_a_browser_is_told_on_a_page_what_there_is_not(
    world: World, method: str, path: str, status: int, text: str
) -> None:
    client = world.client()
    page = await client.request(method, f"http://test{path}", headers={"Accept": "text/html,*/*"})
    assert (page.status_code, page.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert text in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert ("allow" in page.headers) == (status == 405)
    program = await client.request(method, f"http://test{path}")
    assert envelope(program)[0] == status


async def test_head_and_options(world: World) -> None:
    client = await world.by_key()
    read = await client.get("/balance/u1")
    head = await client.head("/balance/u1")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == read.headers["content-length"]
    for path in ("/deduct", "/balance/u1"):
        options = await client.options(path)
        assert (options.status_code, options.content) == (204, b"")
        assert "OPTIONS" in options.headers["allow"]


async def test_a_request_that_litestar_refuses(world: World) -> None:
    answer = await world.client().get("/packs", headers={"Host": "a b"})
    status, code, details = envelope(answer)
    assert (status, code, details["fields"][0]["path"]) == (400, "invalid_request", "request")


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b"abc-123", True),
        (b"x" * 128, True),
        (b"x" * 129, False),
        (b"", False),
        (b"a b", False),
        (b"\xc3\xa9", False),
        (b"a\x00", False),
    ],
)
async def test_request_ids(world: World, sent: bytes, kept: bool) -> None:
    client = await world.by_key()
    seen = []
    for method, path in (("POST", "/deduct"), ("GET", "/services"), ("GET", "/nope")):
        answer = await client.request(method, path, headers={b"X-Request-Id": sent})
        seen.append(answer.headers["x-request-id"])
    if kept:
        assert set(seen) == {sent.decode()}
    else:
        assert len(set(seen)) == 3
        assert sent.decode("latin-1") not in seen


async def test_surprises_are_opaque_and_logged(world: World) -> None:
    @get("/broken")
    async def broken() -> None:
        raise RuntimeError("the password is hunter2")

    @get("/teapot")
    async def teapot() -> None:
        raise HTTPException(status_code=418, detail="short and stout")

    world.app = create_app(world.application, world.http_settings, extra_handlers=[broken, teapot])
    structlog.reset_defaults()
    with structlog.testing.capture_logs() as logged:
        answer = await world.client().get("http://test/broken", headers={"X-Request-Id": "abc"})
    assert envelope(answer) == (500, "internal_error", {"requestId": "abc"})
    assert answer.headers["x-request-id"] == "abc"
    assert "hunter2" not in answer.text
    assert [entry["request_id"] for entry in logged] == ["abc"]
    assert isinstance(logged[0]["exc_info"], RuntimeError)
    status, code, _ = envelope(await world.client().get("http://test/teapot"))
    assert (status, code) == (400, "invalid_request")


class BrokenStore:
    def __init__(self, error: Exception) -> None:
        self.error = error

    async def get(self, user_id: str) -> Any:
        raise self.error


@pytest.mark.parametrize(
    ("error", "status", "code", "retry_after"),
    [
        (e.Unavailable("The store is away.", 7), 503, "unavailable", "7"),
        (e.StoreCorrupt("/var/secret/path is not a database"), 503, "unavailable", "60"),
        (e.Misconfigured("/etc/secret/path", "is wrong"), 500, "internal_error", None),
        (KeyError("secret"), 500, "internal_error", None),
    ],
)
async def test_a_store_that_fails(
    world: World, error: Exception, status: int, code: str, retry_after: str | None
) -> None:
    client = await world.by_key()
    views = world.application.wallet_views
    views._wallets = BrokenStore(error)  # type: ignore[assignment]
    answer = await client.get("/balance/u1")
    assert envelope(answer)[:2] == (status, code)
    assert answer.headers.get("retry-after") == retry_after
    assert "secret" not in answer.text


async def test_who_is_away_is_for_operators_alone(world: World) -> None:
    said = "MongoDB at db1:27017 does not answer (AutoReconnect)."
    client = await world.by_key()
    world.application.wallet_views._wallets = BrokenStore(e.StoreUnavailable(said))  # type: ignore[assignment]
    with structlog.testing.capture_logs() as logged:
        answers = [await client.get("/balance/u1?text=of-a-user") for _ in range(20)]
    assert {answer.status_code for answer in answers} == {503}
    assert not any("db1" in answer.text + str(answer.headers) for answer in answers)
    assert 1 <= len(logged) < 5  # the machine may be slow, and the second over
    assert logged[0]["errors"] == [said]
    assert "of-a-user" not in str(logged)


async def test_websockets_are_closed(world: World) -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope: Any = {"type": "websocket", "path": "/api/v1/deduct", "headers": []}
    await world.app(scope, receive, send)
    assert [message["type"] for message in sent] == ["websocket.close"]
