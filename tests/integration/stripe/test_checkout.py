"""Checkouts: one session a payment, and what Stripe says of it."""

from __future__ import annotations

import asyncio

import pytest

from shothik_payment.adapters.memory.state import MemoryState
from shothik_payment.domain.errors import GatewayRefused, Unavailable
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.time import DAY, HOUR
from shothik_payment.domain.ports.gateway import Checkout, GatewayState
from tests.integration.stripe.support import FALLBACK_URL, OLD_MS, Desk, desk, session_of
from tests.simulators.stripe import Fault, Simulator
from tests.simulators.stripe.simulator import (
    CREATE_SESSION,
    EXPIRE_SESSION,
    GET_SESSION,
    LIST_DISPUTES,
    LIST_REFUNDS,
    LIST_SESSIONS,
)

TEN = Money(1000, "USD")


async def test_what_stripe_is_asked_for(ours: Desk, stripe: Simulator) -> None:
    payment = await ours.opened(cancel_url="https://app.shothik.example/no", credits=12_000)
    [session] = await stripe.objects("sessions")
    assert session["id"] == payment.session_id
    assert session["url"] == payment.payment_url
    assert (session["amount_total"], session["currency"]) == (1000, "usd")
    assert session["metadata"] == {"payment_id": payment.id}
    assert session["client_reference_id"] == payment.id
    assert session["success_url"] == FALLBACK_URL
    assert session["cancel_url"] == "https://app.shothik.example/no"
    assert DAY - HOUR < session["expires_at"] * 1000 - payment.created_at <= DAY
    await stripe.pay(session["id"])
    [intent] = await stripe.objects("payment_intents")
    assert intent["metadata"] == {"payment_id": payment.id}
    assert intent["setup_future_usage"] is None
    assert await stripe.objects("customers") == []


async def test_once_for_a_payment(ours: Desk, theirs: Desk, stripe: Simulator) -> None:
    payment = ours.payment(success_url="https://app.shothik.example/yes")
    first = await ours.gateway.start_checkout(payment)
    assert await theirs.gateway.start_checkout(payment) == first
    assert len(await stripe.objects("sessions")) == 1


async def test_two_at_once(ours: Desk, theirs: Desk, stripe: Simulator) -> None:
    payment = ours.payment()
    await stripe.fault(CREATE_SESSION, Fault.SLOW, seconds=0.3)
    told = await asyncio.gather(
        *(d.gateway.start_checkout(payment) for d in (ours, theirs) * 3), return_exceptions=True
    )
    sessions = await stripe.objects("sessions")
    assert len(sessions) == 1
    # Who was told that the first is under way still, may ask again.
    assert all(isinstance(t, Checkout | Unavailable) for t in told)
    assert {t.session_id for t in told if isinstance(t, Checkout)} == {sessions[0]["id"]}


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.REFUSED])
async def test_lost_answer_is_asked_for_again(ours: Desk, stripe: Simulator, fault: Fault) -> None:
    await stripe.fault(CREATE_SESSION, fault)
    payment = await ours.opened()
    assert [s["id"] for s in await stripe.objects("sessions")] == [payment.session_id]
    assert await stripe.calls(CREATE_SESSION) == 2


async def test_answers_lost_for_long(ours: Desk, stripe: Simulator) -> None:
    payment = ours.payment()
    await stripe.fault(CREATE_SESSION, Fault.LOST, times=4)
    for _ in range(2):
        with pytest.raises(Unavailable):
            await ours.gateway.start_checkout(payment)
    await ours.gateway.start_checkout(payment)
    assert len(await stripe.objects("sessions")) == 1


async def test_slow_is_not_waited_for(stripe: Simulator) -> None:
    async with desk(stripe, MemoryState(), timeout_seconds=0.3) as ours:
        payment = ours.payment()
        await stripe.fault(CREATE_SESSION, Fault.SLOW, seconds=5)
        with pytest.raises(Unavailable):
            await ours.gateway.start_checkout(payment)
    assert len(await stripe.objects("sessions")) == 1


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.TOO_MANY, Fault.KEY_REFUSED, Fault.GARBAGE])
async def test_trouble_is_no_refusal(ours: Desk, stripe: Simulator, fault: Fault) -> None:
    payment = ours.payment()
    # A 500 is tried once more by the SDK.
    await stripe.fault(CREATE_SESSION, fault, times=4 if fault is Fault.ERROR else 2)
    for _ in range(2):
        with pytest.raises(Unavailable):
            await ours.gateway.start_checkout(payment)
    assert await stripe.objects("sessions") == []
    await ours.gateway.start_checkout(payment)
    assert len(await stripe.objects("sessions")) == 1


async def test_failure_that_stripe_repeats(ours: Desk, stripe: Simulator) -> None:
    payment = ours.payment()
    await stripe.fault(CREATE_SESSION, Fault.FAILED_BUT_DONE)
    for _ in range(2):
        with pytest.raises(Unavailable):
            await ours.gateway.start_checkout(payment)
    ours.clock.ahead_ms = OLD_MS
    checkout = await ours.gateway.start_checkout(payment)
    assert [s["id"] for s in await stripe.objects("sessions")] == [checkout.session_id]


async def test_old_payment_is_looked_for_first(ours: Desk, stripe: Simulator) -> None:
    payment = ours.payment(age_ms=OLD_MS)
    first = await ours.gateway.start_checkout(payment)
    assert await stripe.calls(LIST_SESSIONS) == 1
    await stripe.forget_keys()
    for _ in range(120):  # more than a page
        await ours.opened()
    assert await ours.gateway.start_checkout(payment) == first
    assert await stripe.calls(LIST_SESSIONS) == 3
    assert await stripe.calls(CREATE_SESSION) == 121


async def test_oldest_payment_gets_a_session_that_stripe_takes(ours: Desk) -> None:
    checkout = await ours.gateway.start_checkout(ours.payment(age_ms=30 * DAY))
    assert checkout.url


async def test_other_parameters_under_the_same_key(ours: Desk, stripe: Simulator) -> None:
    payment = await ours.opened()
    payment.success_url = "https://app.shothik.example/moved"
    assert (await ours.gateway.start_checkout(payment)).session_id == payment.session_id
    assert len(await stripe.objects("sessions")) == 1


async def test_refused_for_good(ours: Desk) -> None:
    with pytest.raises(GatewayRefused) as refused:
        await ours.gateway.start_checkout(ours.payment(price=Money(1, "USD")))
    assert refused.value.reason == "amount_too_small"


async def test_from_open_to_paid(ours: Desk, stripe: Simulator) -> None:
    payment = await ours.opened()
    report = await ours.gateway.look_up(payment)
    assert (report.payment_id, report.session_id) == (payment.id, payment.session_id)
    assert (report.state, report.paid) == (GatewayState.OPEN, None)
    assert report.continue_url == payment.payment_url
    await stripe.decline(session_of(payment))
    assert (await ours.gateway.look_up(payment)).state is GatewayState.OPEN
    await stripe.pay(session_of(payment))
    report = await ours.gateway.look_up(payment)
    [intent] = await stripe.objects("payment_intents")
    assert (report.state, report.paid) == (GatewayState.PAID, TEN)
    assert (report.reference, report.continue_url) == (intent["id"], None)
    assert (report.refunds, report.disputes) == ((), ())
    assert await ours.gateway.complete(payment) == report
    assert await stripe.calls(LIST_REFUNDS) + await stripe.calls(LIST_DISPUTES) == 0
    assert await stripe.money(payment.id) == (1000, 0)


@pytest.mark.parametrize(
    ("succeeded", "state", "code"),
    [
        (True, GatewayState.PAID, None),
        (False, GatewayState.FAILED, "payment_intent_payment_attempt_failed"),
    ],
)
async def test_methods_that_take_days(
    ours: Desk, stripe: Simulator, succeeded: bool, state: GatewayState, code: str | None
) -> None:
    payment = await ours.opened()
    await stripe.pay_later(session_of(payment))
    waiting = await ours.gateway.look_up(payment)
    assert (waiting.state, waiting.paid, waiting.reference) == (GatewayState.AUTHORISED, None, None)
    await stripe.arrive(session_of(payment), succeeded=succeeded)
    report = await ours.gateway.look_up(payment)
    assert (report.state, report.failure_code) == (state, code)
    assert report.paid == (TEN if succeeded else None)


async def test_expired(ours: Desk, stripe: Simulator) -> None:
    payment = await ours.opened()
    await stripe.expire(session_of(payment))
    assert (await ours.gateway.look_up(payment)).state is GatewayState.EXPIRED


async def test_cancel_ends_it(ours: Desk, stripe: Simulator) -> None:
    payment = await ours.opened()
    await stripe.fault(EXPIRE_SESSION, Fault.LOST)
    for _ in range(2):
        assert (await ours.gateway.cancel(payment)).state is GatewayState.EXPIRED
    paid = await ours.paid()
    assert (await ours.gateway.cancel(paid)).state is GatewayState.PAID


async def test_what_contradicts_is_told(ours: Desk, stripe: Simulator) -> None:
    payment = await ours.paid()
    await stripe.fault(GET_SESSION, Fault.WRONG_AMOUNT, value=999)
    assert (await ours.gateway.look_up(payment)).paid == Money(999, "USD")
    await stripe.fault(GET_SESSION, Fault.OTHER_PAYMENT, value="pay_of_another")
    assert (await ours.gateway.look_up(payment)).payment_id == "pay_of_another"


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.TOO_MANY, Fault.KEY_REFUSED, Fault.GARBAGE])
async def test_look_up_in_trouble(ours: Desk, stripe: Simulator, fault: Fault) -> None:
    payment = await ours.opened()
    await stripe.fault(GET_SESSION, fault, times=2 if fault is Fault.ERROR else 1)
    with pytest.raises(Unavailable):
        await ours.gateway.look_up(payment)


async def test_unknown_session_is_no_word_about_money(ours: Desk) -> None:
    for session_id in ("cs_test_nowhere", "pi_nowhere", None):
        with pytest.raises(Unavailable):
            await ours.gateway.look_up(ours.payment(session_id=session_id))


@pytest.mark.parametrize("price", [Money(1200, "JPY"), Money(120_000, "BDT"), Money(5000, "KRW")])
async def test_currencies(ours: Desk, stripe: Simulator, price: Money) -> None:
    payment = await ours.paid(price=price)
    assert payment.paid == price
    assert await stripe.money(payment.id) == (price.amount_minor, 0)
