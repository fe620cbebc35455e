"""The pages, with something on each of them, and browsers that are signed in to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from shothik_payment.domain.model.time import SECOND
from shothik_payment.domain.model.web_session import Realm, WebSession
from tests.integration.http.operations import OPERATIONS, scene_of
from tests.integration.http.support import HeldClock, World, token

OWNER = "owner"
SCRIPT = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'"
YEAR_SECONDS = 366 * 86_400


@dataclass(slots=True)
class Signed:
    """A browser that is signed in."""

    realm: Realm
    cookie: str
    session: WebSession

    def cookies(self, realm: Realm | None = None) -> dict[str, str]:
        return {f"shothik_{realm or self.realm}": self.cookie}


class Site:
    """The pages, with something on each of them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.ids: dict[str, str] = {}

    async def stage(self) -> None:
        """Texts that would be scripts, wherever somebody may write."""
        world = self.world
        held = await scene_of(world, OPERATIONS["POST /holds/{id}/capture"], OWNER)
        paid = await scene_of(world, OPERATIONS["POST /admin/payments/{id}/refund"], OWNER)
        await scene_of(world, OPERATIONS["GET /subscriptions/current"], OWNER)
        await world.application.admin_credits.adjust(OWNER, 5, SCRIPT)
        key, plain = await world.application.key_administration.generate(
            "paraphrase", actor=SCRIPT, name=SCRIPT
        )
        async with world.client(f"ApiKey {plain}") as service:
            body = {"userId": OWNER, "amount": 1, "feature": SCRIPT, "metadata": {SCRIPT: SCRIPT}}
            for _ in range(2):
                assert (await service.post("/deduct", json=body)).status_code == 200
        async with world.by_admin() as admin:
            refund = {"amount": 1, "reason": SCRIPT}
            answer = await admin.post(f"http://test{paid.path}", json=refund)
            assert answer.status_code == 200
            frozen = await admin.post(f"/admin/users/{OWNER}/freeze", json={"reason": SCRIPT})
            assert frozen.status_code == 200
        self.ids = {"userId": OWNER, "keyId": key.id, "id": paid.path.split("/")[5]}
        self.ids |= {"holdId": held.path.split("/")[4], "plan": "pro"}
        await world.application.key_uses.flush()  # else the next who asks for them does it

    def at(self, path: str) -> str:
        for name, value in self.ids.items():
            path = path.replace(f"{{{name}}}", value)
        return path.replace("{", "").replace("}", "")

    def fields(self) -> dict[str, str]:
        """What the forms ask for: were a form acted on, it would have an effect."""
        return {
            "reason": "test",
            "amount": "1",
            "days": "1",
            "plan": "trial",
            "service": "paraphrase",
            "name": "test",
            "keyIds": self.ids["keyId"],
            "credits": "100",
            "packId": "credits_100",
        }

    async def signed(self, realm: Realm, seconds: int = YEAR_SECONDS) -> Signed:
        """`seconds`: for so long from now on."""
        gone = (self.world.clock.now() - HeldClock().now()) // SECOND
        who = token(OWNER, role="admin", expires_in=gone + seconds)
        cookie, session = await self.world.application.sign_in.open(realm, who)
        return Signed(realm, cookie, session)

    async def ask(
        self, method: str, path: str, cookies: dict[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        async with self.world.client() as client:
            client.cookies.update(cookies or {})
            answer = await client.request(method, f"http://test{self.at(path)}", **more)
        _assert_framed(answer)
        return answer


def _assert_framed(answer: httpx.Response) -> None:
    """Every page, a refusal too, says how it may be used."""
    policy = answer.headers["content-security-policy"]
    for rule in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"):
        assert rule in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] in ("same-origin", "no-referrer")
