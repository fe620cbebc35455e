"""Who may call what: every operation of the OpenAPI document, for every kind of caller."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx
import pytest
import pytest_asyncio

from shothik_payment.adapters.sandbox.signature import HEADER
from shothik_payment.domain.model.api_key import Scope
from tests.integration.http.operations import (
    BASE,
    OPERATIONS,
    Scene,
    changed,
    scene_of,
    send,
    stored,
)
from tests.integration.http.support import SCOPES_BUT, World, running, token

pytestmark = pytest.mark.asyncio(loop_scope="module")

# The last column is what those get whose kind is let in, but whose the things are not: another
# service, another user. `theirs`: the same about themselves; `shared`: there is but one answer.
# An operation that is not here fails by its name.
TABLE = """
POST   /deduct                                     service  credits:deduct   wrong_service
POST   /reverse                                    service  credits:reverse  wrong_service
POST   /holds                                      service  holds:write      wrong_service
GET    /holds/{id}                                 service  holds:write      wrong_service
POST   /holds/{id}/capture                         service  holds:write      wrong_service
POST   /holds/{id}/release                         service  holds:write      wrong_service
GET    /balance/{userId}                           service  credits:read     shared
GET    /subscriptions/{userId}/validate            service  access:read      wrong_service
GET    /subscriptions/{userId}/validate-access     service  access:read      wrong_service
GET    /services                                   service  catalog:read     shared
GET    /blocklist                                  service  blocklist:read   theirs
GET    /wallet                                     user     -                theirs
GET    /wallet/transactions                        user     -                theirs
POST   /payments/initiate                          user     -                theirs
GET    /payments                                   user     -                theirs
GET    /payments/{id}                              user     -                not_found
POST   /subscriptions                              user     -                theirs
GET    /subscriptions/current                      user     -                theirs
PATCH  /subscriptions/current                      user     -                no_subscription
DELETE /subscriptions/current                      user     -                no_subscription
POST   /subscriptions/current/pay                  user     -                no_subscription
POST   /subscriptions/preview                      user     -                shared
GET    /subscriptions/history                      user     -                theirs
POST   /admin/credits                              admin    -                -
GET    /admin/events                               admin    -                -
POST   /admin/events/replay                        admin    -                -
GET    /admin/payments/review                      admin    -                -
GET    /admin/payments/{id}                        admin    -                -
POST   /admin/payments/{id}/refund                 admin    -                -
POST   /admin/payments/{id}/accept                 admin    -                -
POST   /admin/test-clock                           admin    -                -
POST   /admin/users/{userId}/freeze                admin    -                -
POST   /admin/users/{userId}/unfreeze              admin    -                -
GET    /admin/users/{userId}/subscription          admin    -                -
GET    /admin/users/{userId}/subscription/history  admin    -                -
POST   /admin/users/{userId}/subscription/extend   admin    -                -
POST   /admin/users/{userId}/subscription/cancel   admin    -                -
POST   /admin/users/{userId}/subscription/grant    admin    -                -
POST   /admin/api-keys/generate                    admin    -                -
GET    /admin/api-keys                             admin    -                -
DELETE /admin/api-keys/{keyId}                     admin    -                -
GET    /admin/api-keys/{keyId}                     admin    -                -
PATCH  /admin/api-keys/{keyId}                     admin    -                -
POST   /admin/api-keys/{keyId}/rotate              admin    -                -
POST   /admin/api-keys/bulk                        admin    -                -
GET    /admin/api-keys/{keyId}/audit-log           admin    -                -
POST   /admin/api-keys/{keyId}/validate            admin    -                -
GET    /admin/api-keys/{keyId}/usage               admin    -                -
POST   /webhooks/{gateway}                         gateway  -                -
GET    /packs                                      anyone   -                shared
GET    /plans                                      anyone   -                shared
GET    /health/live                                anyone   -                shared
GET    /health/ready                               anyone   -                shared
"""
_STATUS = {
    "unauthenticated": 401,
    "forbidden": 403,
    "missing_scope": 403,
    "wrong_service": 403,
    "not_found": 404,
    "no_subscription": 404,
}
_CREDENTIALS = {"service": "apiKey", "user": "userToken", "admin": "adminToken"}
_CHALLENGES = {"service": "ApiKey", "user": "Bearer", "admin": "Bearer"}
_NO_TEST_CLOCK = "POST /admin/test-clock"  # where there is none, an admin is told just that


@dataclass(frozen=True, slots=True)
class Row:
    who: str
    scope: Scope | None
    foreign: str


def _rows() -> dict[str, Row]:
    rows = {}
    for line in TABLE.strip().splitlines():
        method, path, who, scope, foreign = line.split()
        rows[f"{method} {path}"] = Row(who, None if scope == "-" else Scope(scope), foreign)
    return rows


ROWS = _rows()


def expected(row: Row, caller: str) -> str | None:
    """The code of the refusal; None: let in."""
    if row.who == "anyone" or caller == row.who:
        return None
    foreign = None if row.foreign in ("theirs", "shared") else row.foreign
    if row.who == "service" and caller == "key without the scope":
        return "missing_scope"
    if row.who == "service" and caller == "another service":
        return foreign
    if row.who == "user" and caller in ("another user", "admin"):
        return foreign
    if row.who == "admin" and caller in ("user", "another user"):
        return "forbidden"
    return "unauthenticated"


class Callers:
    """Everybody who might call, each with a client."""

    def __init__(self, world: World, owner: str, row: Row) -> None:
        self._world, self._owner, self._row = world, owner, row
        self._stranger = f"{owner}-stranger"

    async def all(self) -> dict[str, httpx.AsyncClient]:
        clients = {
            name: self._world.client(authorization)
            for name, authorization in {**await self._keys(), **self._tokens()}.items()
        }
        clients["nobody"] = self._world.client()
        return clients

    async def _keys(self) -> dict[str, str]:
        world, row = self._world, self._row
        scopes = list(Scope) if row.scope is None else [row.scope]
        lacking = [] if row.scope is None else SCOPES_BUT[row.scope]
        keys = world.application.key_administration
        revoked_key, revoked = await keys.generate("paraphrase", actor="test")
        await keys.revoke(revoked_key.id, actor="test")
        expired = await world.key(expires_at=world.clock.now() + 1000)
        world.clock.forward(1)
        return {
            "expired key": f"ApiKey {expired}",
            "revoked key": f"ApiKey {revoked}",
            "key without the scope": f"ApiKey {await world.key(scopes=lacking)}",
            "another service": f"ApiKey {await world.key('slide', rate_limit=1000)}",
            "service": f"ApiKey {await world.key(scopes=scopes, rate_limit=1000)}",
        }

    def _tokens(self) -> dict[str, str]:
        far = 366 * 86_400
        made = {
            "expired JWT": token(self._owner, expires_in=-(10**9), role="admin"),
            "forged JWT": token(self._owner, secret="x" * 40, role="admin"),
            "another user": token(self._stranger, expires_in=far),
            "admin": token(f"{self._stranger}-admin", expires_in=far, role="admin"),
            "user": token(self._owner, expires_in=far),
        }
        return {name: f"Bearer {one}" for name, one in made.items()}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served() -> AsyncIterator[World]:
    """One for all operations, each of which has its own user."""
    async with running(World(initiates_per_minute=1000)) as world:
        yield world


_numbers = count(1)
_BARE = [name for name in OPERATIONS if " /admin/api-keys" in name]
_CASES = [(name, BASE) for name in OPERATIONS] + [(name, "") for name in _BARE]


@pytest.mark.parametrize(("name", "base"), _CASES, ids=[f"{b}{n}" for n, b in _CASES])
async def test_who_is_let_in(served: World, name: str, base: str) -> None:
    assert name in ROWS, f"{name} has no row in the table"
    operation, row = OPERATIONS[name], ROWS[name]
    owner = f"owner{next(_numbers)}"
    scene = await scene_of(served, operation, owner)
    scene.path = scene.path.removeprefix(BASE) if base == "" else scene.path
    clients = await Callers(served, owner, row).all()
    signature = scene.headers.pop(HEADER, None)
    if signature is not None:
        clients["gateway"] = served.client(**{HEADER: signature})
    wanted, got, answers = {}, {}, {}
    # Whoever is refused goes first, and the one it is for last.
    for caller in sorted(clients, key=lambda one: (expected(row, one) is None, one == row.who)):
        refusal = expected(row, caller)
        wanted[caller] = refusal or operation.status
        if refusal is None and name == _NO_TEST_CLOCK:
            wanted[caller] = refusal = "not_found"
        before, own = stored(served), _things_of(served, owner)
        answer = await send(clients[caller], operation.method, scene, query=_aside(scene))
        got[caller] = _verdict(answer)
        answers[caller] = answer
        if refusal is not None:
            assert changed(served, before) == [], f"{caller} is refused, and writes"
            _assert_told(answer, row)
        elif caller != row.who:
            assert _things_of(served, owner) == own, f"{caller} changes what is another's"
        if operation.method == "GET":
            await _assert_head(clients[caller], scene, answer)
    assert got == wanted
    if operation.method == "GET" and row.foreign == "theirs":
        _assert_hidden(served, answers, row, owner)


def _aside(scene: Scene) -> dict[str, str]:
    """Whose something is, is not asked of the caller."""
    return {"userId": scene.owner, "user": scene.owner, "user_id": scene.owner, "role": "admin"}


def _verdict(answer: httpx.Response) -> str | int:
    if answer.status_code < 400:
        return answer.status_code
    code: str = answer.json()["error"]["code"]
    assert answer.status_code == _STATUS[code], answer.text
    return code


def _assert_told(answer: httpx.Response, row: Row) -> None:
    """What a refusal says, and what it does not."""
    error = answer.json().get("error", {"code": None})
    if answer.status_code == 401 and row.who in _CHALLENGES:
        assert answer.headers["www-authenticate"].startswith(_CHALLENGES[row.who])
    if error["code"] == "missing_scope":
        assert error["details"] == {"scope": row.scope}
    sent = answer.request.headers.get("authorization", "").rpartition(" ")[2]
    assert sent == "" or sent not in answer.text


async def _assert_head(client: httpx.AsyncClient, scene: Scene, got: httpx.Response) -> None:
    head = await send(client, "HEAD", scene)
    assert (head.status_code, head.content) == (got.status_code, b"")


def _things_of(world: World, owner: str) -> dict[str, Any]:
    state = world.state
    return {
        "wallet": state.wallets.get(owner),
        "rows": list(state.rows.get(owner, ())),
        "steps": list(state.steps.get(owner, ())),
        "payments": {
            payment_id: stored
            for payment_id, stored in state.payments.items()
            if (payment := state.payment(payment_id)) and payment.user_id == owner
        },
    }


def _assert_hidden(world: World, answers: dict[str, httpx.Response], row: Row, owner: str) -> None:
    """There is something to hide, and others are not shown it."""
    shown = answers[row.who].json()
    things = _things_of(world, owner)
    marks = [owner, *things["rows"], *things["payments"]]
    for caller, answer in answers.items():
        if caller != row.who and answer.status_code == 200:
            assert answer.json() != shown, caller
            assert [mark for mark in marks if json.dumps(mark) in answer.text] == [], caller


async def test_the_table_is_of_this_api() -> None:
    assert set(ROWS) - set(OPERATIONS) == set()
    for name in set(ROWS) & set(OPERATIONS):
        operation, row = OPERATIONS[name], ROWS[name]
        assert operation.needs == _CREDENTIALS.get(row.who), name
        assert row.scope is None or f"`{row.scope}`" in operation.description, name


async def test_every_scope_opens_something() -> None:
    assert {row.scope for row in ROWS.values()} - {None} == set(Scope)
