"""What the panel says was done holds, when a page is loaded again, too."""

from __future__ import annotations

import pytest

from shothik_payment.domain.model.web_session import Realm
from tests.integration.http.browsers import Browser
from tests.integration.http.site import OWNER
from tests.integration.http.subscribers import subscribed
from tests.integration.http.support import World

USER = f"/users/{OWNER}"
PLAN = f"{USER}/subscription"


async def _told(browser: Browser, page: str, done: str) -> bool:
    words = {
        "frozen": "is frozen, and every service",
        "unfrozen": "The user is not frozen any more.",
        "cancelled": "The subscription is cancelled.",
        "ending": "The subscription ends with its period.",
        "extended": "The period ends later now.",
        "given": "The plan is given.",
        "refunded": "The refund is made",
        "refunding": "The refund is under way: the gateway",
        "accepted": "The review is ended.",
        "revoked": "The key is revoked: within",
    }[done]
    return words in (await browser.look(f"{page}?done={done}")).text


async def test_whether_a_user_is_frozen(world: World) -> None:
    browser = await Browser.signed_in(world, Realm.ADMIN)
    access = world.application.user_admin
    for does, holds in [(access.freeze, True), (access.unfreeze, False)]:
        await does(OWNER, "test", actor="test")
        assert await _told(browser, USER, "frozen") is holds
        assert await _told(browser, USER, "unfrozen") is not holds


async def test_what_became_of_a_subscription(world: World) -> None:
    browser = await Browser.signed_in(world, Realm.ADMIN)
    await subscribed(world, "pro", OWNER)

    async def all_told() -> list[str]:
        dones = ("cancelled", "ending", "extended", "given")
        return [done for done in dones if await _told(browser, PLAN, done)]

    assert await all_told() == ["extended", "given"]
    await world.application.subscriptions.cancel(OWNER, now=False)
    assert await all_told() == ["ending", "extended", "given"]
    await world.application.subscriptions.cancel(OWNER, now=True)
    assert await all_told() == ["cancelled"]


@pytest.mark.parametrize("done", ["refunded", "refunding"])
async def test_what_was_not_refunded(world: World, done: str) -> None:
    browser = await Browser.signed_in(world, Realm.ADMIN)
    await subscribed(world, "pro", OWNER)
    (payment, *_), _ = await world.application.checkouts.of_user(OWNER, None, 1)
    page = f"/payments/{payment.id}"
    assert not await _told(browser, page, done)
    await world.application.payment_admin.refund(payment.id, None, "test")
    assert await _told(browser, page, done) is (done == "refunded")


async def test_whether_a_key_is_revoked(world: World) -> None:
    browser = await Browser.signed_in(world, Realm.ADMIN)
    administration = world.application.key_administration
    key, _ = await administration.generate("paraphrase", actor="test", name="jobs")
    assert not await _told(browser, f"/keys/{key.id}", "revoked")
    await administration.revoke(key.id, actor="test")
    assert await _told(browser, f"/keys/{key.id}", "revoked")
