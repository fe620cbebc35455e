"""A request about a subscription that was refused or killed, and whose payer had neither a charge
nor a link: it binds nothing, whoever gave its payment up, and a repeat is judged and done anew,
however late."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

import pytest

from shothik_payment.domain.errors import (
    CallUnderWay,
    GatewayRefused,
    IdempotencyKeyReused,
    PaymentNotOpen,
    PaymentServiceError,
)
from shothik_payment.domain.ledger.commands import RequestBinding
from shothik_payment.domain.model.payment import PaymentStatus
from shothik_payment.domain.use_cases.offers import Choice
from tests.support.service import TestService
from tests.support.subscription_requests import KEY
from tests.support.subscription_scenes import (
    AWAY,
    KINDS,
    LATE,
    REFUSED,
    Killed,
    Scene,
    begin,
    link_of,
)

OTHER_BODY = replace(KEY, fingerprint=b"other")
OTHER_KEY = RequestBinding("user u1 k2", "k2", b"f2")
ENDS = pytest.mark.parametrize("end", [CallUnderWay("Under way."), Killed()], ids=repr)


@KINDS
@LATE
@pytest.mark.parametrize(
    "error", [REFUSED, AWAY, CallUnderWay("Under way.")], ids=["refused", "away", "under way"]
)
async def test_neither_a_charge_nor_a_checkout(
    service: TestService, kind: str, minutes: int, error: PaymentServiceError
) -> None:
    """What was on file is gone when it is charged, and the checkout is refused, not answered, or
    under way in another process, which gives it up."""
    scene = await begin(service, kind)
    scene.bank.forgets, scene.bank.no_checkout = True, error
    await scene.is_refused(type(error))
    await scene.sweep_gives_up(minutes)
    await scene.a_repeat_has_a_link()


@KINDS
async def test_another_body_after_a_refusal(service: TestService, kind: str) -> None:
    scene = await begin(service, kind)
    scene.bank.no_charge = scene.bank.no_checkout = REFUSED
    await scene.is_refused(GatewayRefused)
    scene.bank.no_charge = scene.bank.no_checkout = None
    assert not (await scene.request(OTHER_BODY)).replayed
    assert (await scene.request(OTHER_BODY)).replayed
    assert (await scene.user.subscription()).terms.plan == "pro"
    assert len(scene.user.charged().split()) == 1


@KINDS
@LATE
@ENDS
async def test_a_checkout_that_the_sweep_gives_up(
    service: TestService, kind: str, minutes: int, end: Exception
) -> None:
    scene = await begin(service, kind, on_file=False)
    scene.bank.no_checkout = end
    await scene.is_refused(type(end))
    await scene.sweep_gives_up(minutes)
    await scene.a_repeat_has_a_link()


@KINDS
@LATE
async def test_a_request_that_is_killed_at_its_charge_which_then_cannot_be_made(
    service: TestService, kind: str, minutes: int
) -> None:
    scene = await begin(service, kind)
    await scene.is_killed_at_its_charge()
    scene.bank.on_file.clear()
    await scene.sweep_gives_up(minutes)
    await scene.a_repeat_has_a_link()


@KINDS
@LATE
async def test_a_request_that_is_killed_at_its_charge_which_then_is_declined(
    service: TestService, kind: str, minutes: int
) -> None:
    """As where the second step is refused before it has recorded anything."""
    scene = await begin(service, kind)
    await scene.is_killed_at_its_charge()
    scene.bank.declines[scene.user.user] = 1
    await scene.wait(minutes)
    await scene.payment_is(PaymentStatus.FAILED)
    await scene.a_repeat_is_charged()


@KINDS
@LATE
async def test_a_request_that_is_killed_at_its_charge_which_then_is_made(
    service: TestService, kind: str, minutes: int
) -> None:
    """Its payer was charged, so it binds."""
    scene = await begin(service, kind)
    await scene.is_killed_at_its_charge()
    await scene.wait(minutes)
    await scene.payment_is(PaymentStatus.PAID)
    await scene.a_repeat_does_nothing()


@KINDS
@LATE
@ENDS
async def test_a_request_that_found_anothers_checkout(
    service: TestService, kind: str, minutes: int, end: Exception
) -> None:
    """Under another key, while that of the first was killed at it."""
    scene = await begin(service, kind, on_file=False)
    await scene.is_killed_at_its_checkout()
    scene.bank.no_checkout = end
    with pytest.raises(type(end)):
        await scene.request(OTHER_KEY)
    await scene.sweep_gives_up(minutes)
    second = await scene.request(OTHER_KEY)
    assert not second.replayed
    assert (await scene.request(OTHER_KEY)).payment == link_of(second)
    assert (await scene.request()).payment == second.payment


@KINDS
@pytest.mark.parametrize("gone", [True, False], ids=["gateway gone", "under way all the time"])
async def test_a_payment_that_expires_without_a_link(
    service: TestService, kind: str, gone: bool
) -> None:
    scene = await begin(service, kind, on_file=False)
    scene.bank.no_checkout = Killed() if gone else CallUnderWay("Under way.")
    await scene.is_refused(type(scene.bank.no_checkout))
    with scene.gateway_gone() if gone else nullcontext():
        await scene.wait(11 * 24 * 60)
    scene.bank.no_checkout = None
    payments = await scene.user.payments()
    assert (payments[0].status, payments[0].payment_url) == (PaymentStatus.EXPIRED, None)
    await scene.a_repeat_has_a_link()


@KINDS
async def test_a_payment_that_expires_without_a_word_on_its_charge_binds(
    service: TestService, kind: str
) -> None:
    """It may have been charged, for all that is known."""
    scene = await begin(service, kind)
    await scene.is_killed_at_its_charge()
    scene.bank.no_charge = AWAY
    await scene.wait(11 * 24 * 60)
    await scene.payment_is(PaymentStatus.EXPIRED)
    scene.bank.no_charge = None
    await scene.a_repeat_does_nothing()


@KINDS
@LATE
async def test_another_body_after_the_sweep_gave_up(
    service: TestService, kind: str, minutes: int
) -> None:
    scene = await begin(service, kind, on_file=False)
    await scene.is_killed_at_its_checkout()
    with pytest.raises(IdempotencyKeyReused):  # the first may get its link yet
        await scene.request(OTHER_BODY)
    await scene.sweep_gives_up(minutes)
    view = await scene.request(OTHER_BODY)
    assert (view.replayed, view.payment is None) == (False, False)
    with pytest.raises(IdempotencyKeyReused):
        await scene.request()


@KINDS
@LATE
@ENDS
async def test_a_second_step_that_the_sweep_gives_up(
    service: TestService, kind: str, minutes: int, end: Exception
) -> None:
    """Declined, and there was no checkout instead."""
    scene = await begin(service, kind)
    scene.bank.declines[scene.user.user], scene.bank.no_checkout = 2, end
    await scene.is_refused(type(end))
    await scene.sweep_gives_up(minutes)
    await scene.a_repeat_has_a_link()
    assert len(scene.bank.charge_asks) == 2


async def test_what_came_to_nothing_is_refused_as_what_is_new_is(service: TestService) -> None:
    scene = await begin(service, "subscribe", on_file=False)
    await scene.is_killed_at_its_checkout()
    await scene.sweep_gives_up()
    with scene.gateway_gone():
        await scene.is_refused(PaymentServiceError)
    await scene.a_repeat_has_a_link()


@KINDS
async def test_a_link_after_the_sweep_gave_up_the_charge_is_what_was_done(
    service: TestService, kind: str
) -> None:
    """It finds no method and no checkout, while the request has no answer yet."""
    scene = await begin(service, kind)
    first, goes_on = await scene.held(scene.request())
    scene.bank.on_file.clear()
    await scene.sweep_gives_up()
    scene.bank.no_charge = AWAY
    goes_on.set()
    view = await first
    assert view.payment is not None
    await scene.is_bound_to(view.payment)
    scene.bank.no_charge = None
    await scene.user.pay(view)
    assert (await scene.request()).replayed
    assert len(scene.user.charged().split()) == 1


async def act(scene: Scene, what: str) -> None:
    """After which nothing waits for the payment of the scene's request any more."""
    subscriptions, user = scene.user.service.subscriptions, scene.user.user
    if what == "cancel":
        await subscriptions.cancel(user, now=True)
    elif what == "another plan":
        await subscriptions.subscribe(user, "lite", Choice())
    else:
        await subscriptions.keep(user)


ACTS = pytest.mark.parametrize(
    ("kind", "what"),
    [("subscribe", "cancel"), ("subscribe", "another plan"), ("change", "keep")],
)


@ACTS
async def test_a_link_that_comes_for_what_is_gone_is_given_to_nobody(
    service: TestService, kind: str, what: str
) -> None:
    scene = await begin(service, kind, on_file=False)
    first, goes_on = await scene.held(scene.request())
    await act(scene, what)
    goes_on.set()
    with pytest.raises(PaymentNotOpen):
        await first
    await scene.a_repeat_has_a_link()


@ACTS
@LATE
async def test_a_link_that_the_sweep_opens_for_what_is_gone_binds_nothing(
    service: TestService, kind: str, what: str, minutes: int
) -> None:
    scene = await begin(service, kind, on_file=False)
    await scene.is_killed_at_its_checkout()
    killed = (await scene.user.payments())[0]
    await act(scene, what)
    await scene.wait(minutes)
    payment = await service.payments.get(killed.id)
    assert payment is not None
    assert (payment.status, payment.payment_url) == (PaymentStatus.CANCELLED, None)
    await scene.a_repeat_has_a_link()
