"""A request about a subscription that was answered, and not with a refusal: that stands, whatever
becomes of its payment, and no repeat charges anything, however late."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from shothik_payment.domain.errors import (
    CallUnderWay,
    IdempotencyKeyReused,
    PaymentServiceError,
    Unavailable,
)
from shothik_payment.domain.ledger.commands import RequestBinding
from shothik_payment.domain.ledger.outcome import Outcome
from shothik_payment.domain.ledger.subscription_commands import Subscribe, WaitForCharge
from shothik_payment.domain.model.payment import Payment, PaymentStatus
from shothik_payment.domain.ports.gateway import GatewayReport, GatewayState
from shothik_payment.domain.use_cases.offers import Choice
from tests.support.service import TestService, running_service
from tests.support.subscriber import state_of
from tests.support.subscription_requests import KEY, request_in
from tests.support.subscription_scenes import (
    AWAY,
    KINDS,
    LATE,
    REFUSED,
    Bank,
    Scene,
    begin,
)


async def put_off(service: TestService, kind: str) -> Scene:
    """Answered while the gateway says nothing of its charge."""
    scene = await begin(service, kind)
    scene.bank.no_charge = AWAY
    assert not (await scene.request()).replayed
    scene.bank.no_charge = None
    return scene


@KINDS
@LATE
async def test_a_charge_that_cannot_be_made_later(
    service: TestService, kind: str, minutes: int
) -> None:
    scene = await put_off(service, kind)
    scene.bank.on_file.clear()
    await scene.sweep_gives_up(minutes)
    scene.user.save_card()
    await scene.a_repeat_does_nothing()
    async with running_service(scene.bank, old=service) as other:
        scene.request = request_in(other, kind, scene.user.user)
        await scene.a_repeat_does_nothing()


@KINDS
@LATE
async def test_a_charge_that_is_declined_later(
    service: TestService, kind: str, minutes: int
) -> None:
    scene = await put_off(service, kind)
    scene.bank.declines[scene.user.user] = 1
    await scene.wait(minutes)
    await scene.payment_is(PaymentStatus.FAILED)
    await scene.a_repeat_does_nothing()


@KINDS
@LATE
async def test_a_charge_that_is_made_later(service: TestService, kind: str, minutes: int) -> None:
    scene = await put_off(service, kind)
    await scene.wait(minutes)
    await scene.payment_is(PaymentStatus.PAID)
    await scene.a_repeat_does_nothing()


@KINDS
async def test_a_charge_of_which_nothing_is_known_yet(service: TestService, kind: str) -> None:
    """The repeat leaves it to the sweep."""
    scene = await put_off(service, kind)
    await scene.a_repeat_does_nothing()


@KINDS
@pytest.mark.parametrize("paid", [True, False])
async def test_a_link_that_was_given_after_a_decline(
    service: TestService, kind: str, paid: bool
) -> None:
    """Two keys are stored for it, as older releases have done, and both count a week later."""
    scene = await begin(service, kind)
    scene.bank.declines[scene.user.user] = 1
    view = await scene.request()
    assert [key for _, key in service.state.requests][-2:] == [KEY.key, KEY.second_step.key]
    if paid:
        await scene.user.pay(view)
        await scene.user.cancel(now=True)
    await scene.wait(7 * 24 * 60)
    await scene.a_repeat_does_nothing()


class Bankers(Bank):
    """It takes days over a charge."""

    async def charge(self, payment: Payment) -> GatewayReport:
        return self.says(payment, GatewayState.AUTHORISED)

    async def complete(self, payment: Payment) -> GatewayReport:
        return self.states[payment.id]


@KINDS
@LATE
async def test_a_charge_that_fails_days_later(
    service: TestService, kind: str, minutes: int
) -> None:
    scene = await begin(service, kind)
    slow = Bankers(scene.bank)
    service.use_gateways(slow)
    scene.user.gateway = service.gateway = slow
    view = await scene.request()
    assert view.payment is not None
    assert (view.replayed, view.payment.status) == (False, PaymentStatus.AUTHORISED)
    await scene.wait(minutes)
    slow.says(view.payment, GatewayState.FAILED)
    await scene.wait(24 * 60)
    await scene.payment_is(PaymentStatus.FAILED)
    service.use_gateways(scene.bank)
    await scene.a_repeat_does_nothing()


async def test_a_repeat_that_is_refused_by_now_says_nothing_of_an_open_charge(
    service: TestService,
) -> None:
    """Its gateway is gone from the settings: refused while the charge has no end, and after it."""
    scene = await begin(service, "subscribe")
    await scene.is_killed_at_its_charge()
    scene.bank.declines[scene.user.user] = 1
    with scene.gateway_gone():
        await scene.is_refused(CallUnderWay)
    await scene.wait(1)
    await scene.payment_is(PaymentStatus.FAILED)
    with scene.gateway_gone():
        await scene.is_refused(PaymentServiceError)
    await scene.a_repeat_is_charged()


@KINDS
async def test_a_charge_that_was_made_after_all_binds_though_the_link_came_to_nothing(
    service: TestService, kind: str
) -> None:
    scene = await begin(service, kind)
    scene.bank.declines[scene.user.user], scene.bank.no_checkout = 1, AWAY
    await scene.is_refused(Unavailable)
    scene.bank.no_checkout = None
    declined = next(p for p in await scene.user.payments() if p.off_session)
    await service.settlements.settle(
        declined, scene.bank.says(declined, GatewayState.PAID, declined.price)
    )
    assert (await service.payments.get(declined.id)).status is PaymentStatus.REVIEW
    await scene.a_repeat_does_nothing()


async def test_a_second_step_is_not_done_once_the_key_is_anothers(service: TestService) -> None:
    """Which came between the decline and the link, from another process, and was answered first."""
    scene = await begin(service, "subscribe")
    about = {"user_id": scene.user.user, "gateway": scene.bank.name, "currency": "USD"}

    async def submit(name: str, plan: str, key: RequestBinding, *, saved: bool) -> Outcome:
        at = service.clock.now()
        return await service.writer.submit(
            Subscribe(id=name, at=at, plan=plan, request=key, saved_method=saved, **about)
        )

    declined = (await submit("first", "pro", KEY, saved=True)).payment
    assert declined is not None
    await service.settlements.settle(declined, scene.bank.says(declined, GatewayState.FAILED))
    other = replace(KEY, fingerprint=b"other")
    link = (await submit("other", "lite", other, saved=False)).payment
    with pytest.raises(IdempotencyKeyReused):
        await submit("second step", "pro", KEY.second_step, saved=False)
    assert (await submit("again", "lite", other, saved=False)).payment == link


@pytest.mark.parametrize("kind", ["cancel", "pause", "keep"])
@pytest.mark.parametrize("minutes", [None, *(1, 11, 7 * 24 * 60)], ids=str)
async def test_a_key_that_a_change_is_bound_by_is_not_anothers_kind_of_change(
    service: TestService, kind: str, minutes: int | None
) -> None:
    """Declined at once, it has a link; declined later, it was answered before."""
    if minutes is None:
        scene = await begin(service, "change")
        scene.bank.declines[scene.user.user] = 1
        await scene.request()
    else:
        scene = await put_off(service, "change")
        scene.bank.declines[scene.user.user] = 1
        await scene.wait(minutes)
    wallet, subscriptions = await scene.wallet(), service.subscriptions
    other = {
        "cancel": partial(subscriptions.cancel, now=False),
        "pause": subscriptions.pause,
        "keep": subscriptions.keep,
    }[kind]
    with pytest.raises(IdempotencyKeyReused):
        await other(scene.user.user, request=replace(KEY, fingerprint=b"other"))
    assert await scene.wallet() == wallet
    await scene.a_repeat_does_nothing()


@pytest.mark.parametrize("no_checkout", [REFUSED, AWAY, CallUnderWay("Under way."), None], ids=repr)
async def test_a_change_to_less_leaves_the_link_of_an_upgrade_alone(
    service: TestService, no_checkout: Exception | None
) -> None:
    """Whose request was killed before it was open."""
    scene = await begin(service, "change", on_file=False)
    await scene.is_killed_at_its_checkout()
    scene.bank.no_checkout = no_checkout
    less = RequestBinding("user u1 less", "less", b"less")
    payments = await scene.user.payments()
    view = await service.subscriptions.change(scene.user.user, "slides", Choice(), less)
    assert not view.replayed
    assert "then slides" in state_of(view.subscription)
    assert (await service.subscriptions.change(scene.user.user, "slides", Choice(), less)).replayed
    assert await scene.user.payments() == payments


async def test_no_clients_key_is_anothers_second_step(service: TestService) -> None:
    scene = await begin(service, "subscribe")
    await scene.request(RequestBinding(f"{KEY.key} second", "k second", KEY.fingerprint))
    await scene.user.cancel(now=True)
    scene.user.charged()
    async with running_service(scene.bank, old=service) as other:
        scene.request = request_in(other, "subscribe", scene.user.user)
        await scene.a_repeat_is_charged()


async def test_what_has_ended_is_not_waited_for(service: TestService) -> None:
    scene = await begin(service, "change")
    scene.bank.declines[scene.user.user] = 1
    await scene.request()
    (link, declined, *_) = await scene.user.payments()
    keys = len(service.state.requests)
    for payment in (link, declined):
        about = {"user_id": scene.user.user, "at": service.clock.now(), "payment_id": payment.id}
        told = await service.writer.submit(
            WaitForCharge(id=f"w{payment.id}", request=None, **about)
        )
        assert told.payment == payment
    assert len(service.state.requests) == keys
