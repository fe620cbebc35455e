"""Killed at each step at which a gateway is asked: after the restart and a sweep, the money at the
gateway, the credits and the events say the same. One process is killed in all the steps at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Tills, settings_of
from tests.e2e.service import Service, wrong_clock
from tests.e2e.shop import Shop
from tests.e2e.tills import Opened
from tests.e2e.waiting import eventually
from tests.simulators.stripe.simulator import CREATE_REFUND, CREATE_SESSION, GET_SESSION, Fault

SILENCE_SECONDS = 60
AHEAD_SECONDS = 200
"""A restarted service is so far ahead that everything put off is due, and signatures hold."""


@dataclass(frozen=True)
class Step:
    """`route`: the call at the gateway in which the service is killed; `done`: the gateway does
    what it was asked, and nobody hears of it; else it never does."""

    gateway: str
    doing: str
    route: str
    done: bool

    def __str__(self) -> str:
        return f"{self.gateway}: {self.doing}, {self.route} {'done' if self.done else 'not done'}"

    @property
    def user(self) -> str:
        return f"u{abs(STEPS.index(self))}"


STEPS = [
    *(Step("stripe", "initiate", CREATE_SESSION, done) for done in (False, True)),
    *(Step("bkash", "initiate", "create", done) for done in (False, True)),
    *(Step("stripe", "webhook", GET_SESSION, done) for done in (False, True)),
    *(Step("bkash", "return", "query", done) for done in (False, True)),
    *(Step("bkash", "return", "execute", done) for done in (False, True)),
    *(Step("stripe", "refund", CREATE_REFUND, done) for done in (False, True)),
    *(Step("bkash", "refund", "refund", done) for done in (False, True)),
]  # fmt: skip


@dataclass
class Crash:
    shop: Shop
    opened: dict[Step, Opened] = field(default_factory=dict)
    under_way: list[asyncio.Future[Any]] = field(default_factory=list)

    async def happens(self) -> None:
        for step in STEPS:
            await self.prepare(step)
        await self.shop.stripe.simulator.send_webhooks_to(None)
        for step in STEPS:
            await self.stop_in(step)
        self.service.kill()
        await asyncio.gather(*self.under_way, return_exceptions=True)
        self.service.environment |= wrong_clock(AHEAD_SECONDS)
        self.service.start()

    @property
    def service(self) -> Service:
        assert isinstance(self.shop.deployment, Service)
        return self.shop.deployment

    async def prepare(self, step: Step) -> None:
        if step.doing != "initiate":
            self.opened[step] = await self.initiate(step)
        if step.doing == "refund":
            till = self.shop.tills[step.gateway]
            await till.listen(self.shop.deployment.apis)
            await till.pay(self.opened[step])
            await self.shop.wait_for_status(self.opened[step], step.user, "paid")

    async def initiate(self, step: Step) -> Opened:
        body = {"packId": "credits_100", "gateway": step.gateway, "requestId": "buy-1"}
        async with self.shop.deployment.by_user(step.user) as user:
            return await user.post("/payments/initiate", body)

    async def stop_in(self, step: Step) -> None:
        """Begin, and return when the gateway has been asked and says nothing."""
        calls = await self.silence(step)
        before = await calls()
        doing: dict[str, Callable[[Step], Awaitable[Any]]] = {
            "initiate": self.initiate,
            "webhook": self.webhook,
            "return": self.come_back,
            "refund": self.refund,
        }
        task = asyncio.ensure_future(doing[step.doing](step))
        self.under_way.append(task)

        async def is_asking() -> bool:
            assert not task.done() or task.exception() is None
            return await calls() > before

        await eventually(is_asking)

    async def silence(self, step: Step) -> Callable[[], Awaitable[int]]:
        if step.gateway == "stripe":
            stripe = self.shop.stripe.simulator
            kind = Fault.LOST if step.done else Fault.REFUSED
            await stripe.fault(step.route, kind, seconds=SILENCE_SECONDS)
            return lambda: stripe.calls(step.route)
        bkash = self.shop.bkash.simulator
        await bkash.lose_answer(step.route, done=step.done, after_seconds=SILENCE_SECONDS)
        return lambda: bkash.calls(step.route)

    async def webhook(self, step: Step) -> None:
        """Answered 200 once it is stored, so nobody sends it again."""
        stripe = self.shop.stripe.simulator
        await stripe.pay(self.opened[step]["sessionId"])
        event = (await stripe.events("checkout.session.completed"))[-1]
        await stripe.send_webhooks([f"{self.service.api}/webhooks/stripe"], [event])

    async def come_back(self, step: Step) -> None:
        address = await self.shop.bkash.simulator.approve(self.opened[step]["sessionId"])
        async with httpx.AsyncClient(trust_env=False, timeout=60, verify=False) as browser:
            await browser.get(address)

    async def refund(self, step: Step) -> None:
        async with self.shop.deployment.by_admin() as admin:
            await admin.post(f"/admin/payments/{self.opened[step]['paymentId']}/refund", {})


@pytest.fixture(scope="module")
def crash(tmp_path_factory: pytest.TempPathFactory, tills: Tills) -> Iterator[Crash]:
    service = Service(tmp_path_factory.mktemp("crash"), **settings_of(tills)).start()
    crash = Crash(Shop(service, *tills))
    asyncio.run(crash.happens())
    yield crash
    service.kill()


async def agrees(crash: Crash, step: Step, opened: Opened, *, refunded: bool = False) -> None:
    """Money at the gateway, credits and events."""
    shop = crash.shop
    till = shop.tills[step.gateway]
    price = shop.price(till)
    assert await till.money(opened) == (price, price * refunded)
    told = ["payment.completed", "credit.added"]
    if refunded:
        told += ["payment.refunded", "credit.deducted", "usage.limit_exceeded"]
    async with shop.deployment.by_admin() as admin, shop.deployment.by_user(step.user) as user:
        assert [event["type"] for event in await admin.events(step.user)] == told
        wallet = (await user.get("/wallet"))["wallet"]
    assert (wallet["balance"], wallet["held"], wallet["debt"]) == (
        0 if refunded else 100, 0, 0)  # fmt: skip


def steps(doing: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("step", [s for s in STEPS if s.doing == doing], ids=str)


@steps("initiate")
async def test_a_checkout_is_opened_after_all_and_paid_once(crash: Crash, step: Step) -> None:
    shop, found = crash.shop, dict[str, Any]()
    async with shop.deployment.by_user(step.user) as user:

        async def is_open() -> bool:
            (found["payment"],) = (await user.get("/payments"))["payments"]
            return bool(found["payment"]["status"] == "pending")

        await eventually(is_open)
    opened = await crash.initiate(step)  # the client's repeat
    payment = found["payment"]
    assert (opened["paymentId"], opened["sessionId"]) == (payment["id"], payment["sessionId"])
    await shop.tills[step.gateway].listen(shop.deployment.apis)
    await shop.tills[step.gateway].pay(opened)
    await shop.wait_for_status(opened, step.user, "paid")
    await agrees(crash, step, opened)


@steps("webhook")
async def test_a_stored_webhook_is_handled(crash: Crash, step: Step) -> None:
    await crash.shop.wait_for_status(crash.opened[step], step.user, "paid")
    await agrees(crash, step, crash.opened[step])


@steps("return")
async def test_bkash_is_asked_to_take_the_money_once(crash: Crash, step: Step) -> None:
    await crash.shop.wait_for_status(crash.opened[step], step.user, "paid")
    await agrees(crash, step, crash.opened[step])


@steps("refund")
async def test_the_money_goes_back_once(crash: Crash, step: Step) -> None:
    await crash.shop.wait_for_status(crash.opened[step], step.user, "refunded")
    await agrees(crash, step, crash.opened[step], refunded=True)


def test_the_books_agree(crash: Crash) -> None:
    crash.shop.deployment.verify()
    compared = crash.shop.deployment.run("reconcile", "--json")
    assert compared.returncode == 0, compared.stdout + compared.stderr
