"""A payer leaves a payment method behind, and later payments are charged to it without them."""

from __future__ import annotations

import asyncio
import json

import pytest

from shothik_payment.domain.errors import CallUnderWay, GatewayRefused, Unavailable
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import Payment
from shothik_payment.domain.model.time import MINUTE
from shothik_payment.domain.ports.gateway import GatewayReport, GatewayState, SavedMethod
from tests.integration.stripe.support import OLD_MS, Desk, session_of, settle
from tests.simulators.stripe import Fault, Simulator
from tests.simulators.stripe.shapes import CARD_NUMBER, PAYER
from tests.simulators.stripe.simulator import CREATE_CUSTOMER, CREATE_INTENT, LIST_INTENTS

VISA = SavedMethod("visa ···· 4242")
TEN = Money(1000, "USD")


async def method_of(stripe: Simulator) -> str:
    """The newest that is attached."""
    methods = await stripe.objects("payment_methods")
    return str([m["id"] for m in methods if m["customer"] is not None][-1])


async def look_up_charge(desk: Desk, payment: Payment, report: GatewayReport) -> GatewayReport:
    payment.session_id = report.session_id
    return await desk.gateway.look_up(payment)


async def test_saved_and_charged(ours: Desk, theirs: Desk, stripe: Simulator) -> None:
    first = await ours.paid(user_id="u", saves_method=True)
    assert await theirs.gateway.saved_method("u") == VISA
    assert await ours.gateway.look_up(first) == await theirs.gateway.look_up(first)
    payment = ours.payment(user_id="u")
    report = await theirs.gateway.charge(payment)
    assert (report.payment_id, report.state, report.paid) == (payment.id, GatewayState.PAID, TEN)
    assert report.session_id == report.reference
    assert await look_up_charge(ours, payment, report) == report
    assert await ours.gateway.charge(payment) == report
    assert await stripe.money(payment.id) == (1000, 0)
    settle(payment, report)
    refund = await ours.gateway.refund(payment, ours.refund(100))
    assert (await ours.gateway.look_up(payment)).refunds == (refund,)


async def test_not_without_consent(ours: Desk, stripe: Simulator) -> None:
    await ours.paid(user_id="u")
    assert await ours.gateway.saved_method("u") is None
    assert await stripe.objects("customers") == []
    with pytest.raises(GatewayRefused) as refused:
        await ours.gateway.charge(ours.payment(user_id="u"))
    assert refused.value.reason == "no_saved_method"


async def test_not_before_it_is_paid(ours: Desk, stripe: Simulator) -> None:
    payment = await ours.opened(user_id="u", saves_method=True)
    await stripe.decline(session_of(payment))
    await ours.gateway.look_up(payment)
    assert await ours.gateway.saved_method("u") is None


async def test_one_customer_a_user(ours: Desk, theirs: Desk, stripe: Simulator) -> None:
    await stripe.fault(CREATE_CUSTOMER, Fault.LOST)
    opened = await asyncio.gather(
        *(d.opened(user_id="u", saves_method=True) for d in (ours, theirs) * 3),
        return_exceptions=True,
    )
    assert any(isinstance(o, Payment) for o in opened)
    await ours.opened(user_id="u", saves_method=True)
    [customer] = await stripe.objects("customers")
    assert customer["metadata"] == {"user_id": "u"}
    assert {s["customer"] for s in await stripe.objects("sessions")} == {customer["id"]}


async def test_second_customer_of_a_race_stays_unused(
    ours: Desk, theirs: Desk, stripe: Simulator
) -> None:
    await stripe.fault(CREATE_CUSTOMER, Fault.SLOW, seconds=0.5)
    slow = asyncio.create_task(ours.opened(user_id="u", saves_method=True))
    while not await stripe.objects("customers"):
        pass
    # As if the first had asked a day ago: the same key makes another customer.
    await stripe.forget_keys()
    fast = await theirs.opened(user_id="u", saves_method=True)
    assert len(await stripe.objects("customers")) == 2
    await slow
    used = {s["id"]: s["customer"] for s in await stripe.objects("sessions")}
    assert used[session_of(fast)] == used[session_of(slow.result())]


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.REFUSED])
async def test_lost_answer_charges_once(ours: Desk, stripe: Simulator, fault: Fault) -> None:
    await ours.paid(user_id="u", saves_method=True)
    payment = ours.payment(user_id="u")
    await stripe.fault(CREATE_INTENT, fault, times=3)
    with pytest.raises(Unavailable):
        await ours.gateway.charge(payment)
    assert (await ours.gateway.charge(payment)).state is GatewayState.PAID
    assert await stripe.money(payment.id) == (1000, 0)


async def test_charge_under_way_is_not_looked_up(
    ours: Desk, theirs: Desk, stripe: Simulator
) -> None:
    """What is listed of it meanwhile may still turn out otherwise."""
    await ours.paid(user_id="u", saves_method=True)
    payment = ours.payment(user_id="u")
    await stripe.fault(CREATE_INTENT, Fault.SLOW, seconds=1.2)
    slow = asyncio.create_task(ours.gateway.charge(payment))
    while not await stripe.calls(CREATE_INTENT):
        pass
    with pytest.raises(CallUnderWay):
        await theirs.gateway.charge(payment)
    assert not slow.done()
    assert await stripe.calls(LIST_INTENTS) == 0
    assert (await slow).state is GatewayState.PAID
    assert await stripe.money(payment.id) == (1000, 0)


async def test_old_charge_is_looked_for_first(ours: Desk, stripe: Simulator) -> None:
    await ours.paid(user_id="u", saves_method=True, age_ms=2 * OLD_MS)
    payment = ours.payment(user_id="u", age_ms=OLD_MS)
    report = await ours.gateway.charge(payment)
    await stripe.forget_keys()
    assert await ours.gateway.charge(payment) == report
    assert await stripe.calls(CREATE_INTENT) == 1
    assert await stripe.money(payment.id) == (1000, 0)


async def test_another_method_since_the_lost_answer(ours: Desk, stripe: Simulator) -> None:
    await ours.paid(user_id="u", saves_method=True, age_ms=MINUTE)
    payment = ours.payment(user_id="u")
    await stripe.fault(CREATE_INTENT, Fault.LOST, times=2)
    with pytest.raises(Unavailable):
        await ours.gateway.charge(payment)
    await ours.paid(user_id="u", saves_method=True)
    assert (await ours.gateway.charge(payment)).state is GatewayState.PAID
    assert await stripe.money(payment.id) == (1000, 0)


@pytest.mark.parametrize(
    ("habit", "code"),
    [("declined", "card_declined"), ("authentication_required", "authentication_required")],
)
async def test_declined_or_payer_needed(
    ours: Desk, stripe: Simulator, habit: str, code: str
) -> None:
    await ours.paid(user_id="u", saves_method=True)
    await stripe.habit(await method_of(stripe), habit)
    payment = ours.payment(user_id="u")
    report = await ours.gateway.charge(payment)
    assert (report.payment_id, report.state) == (payment.id, GatewayState.FAILED)
    assert (report.failure_code, report.paid) == (code, None)
    await stripe.habit(await method_of(stripe), "succeeded")
    assert await ours.gateway.charge(payment) == report
    assert await look_up_charge(ours, payment, report) == report
    assert await stripe.money(payment.id) == (0, 0)


@pytest.mark.parametrize("succeeded", [True, False])
async def test_charge_that_takes_days(ours: Desk, stripe: Simulator, succeeded: bool) -> None:
    await ours.paid(user_id="u", saves_method=True)
    await stripe.habit(await method_of(stripe), "processing")
    payment = ours.payment(user_id="u")
    report = await ours.gateway.charge(payment)
    assert (report.state, report.paid) == (GatewayState.AUTHORISED, None)
    await stripe.settle_intent(report.session_id, succeeded=succeeded)
    ended = await look_up_charge(ours, payment, report)
    assert ended.state is (GatewayState.PAID if succeeded else GatewayState.FAILED)
    assert await ours.gateway.cancel(payment) == ended


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.TOO_MANY, Fault.KEY_REFUSED, Fault.GARBAGE])
async def test_trouble_is_no_decline(ours: Desk, stripe: Simulator, fault: Fault) -> None:
    await ours.paid(user_id="u", saves_method=True)
    payment = ours.payment(user_id="u")
    await stripe.fault(CREATE_INTENT, fault, times=2 if fault is Fault.ERROR else 1)
    with pytest.raises(Unavailable):
        await ours.gateway.charge(payment)
    assert await stripe.money(payment.id) == (0, 0)
    assert (await ours.gateway.charge(payment)).state is GatewayState.PAID


async def test_forgotten_for_good(ours: Desk, stripe: Simulator) -> None:
    old = await ours.paid(user_id="u", saves_method=True, age_ms=MINUTE)
    await ours.paid(user_id="u", saves_method=True)
    for _ in range(2):
        await ours.gateway.forget_method("u")
        assert await ours.gateway.saved_method("u") is None
    assert {m["customer"] for m in await stripe.objects("payment_methods")} == {None}
    # A late look at what was paid before, as for a dispute, brings nothing back.
    await ours.gateway.look_up(old)
    with pytest.raises(GatewayRefused):
        await ours.gateway.charge(ours.payment(user_id="u"))
    await ours.paid(user_id="u", saves_method=True)
    assert await ours.gateway.saved_method("u") == VISA
    await ours.gateway.forget_method("never seen")


async def test_newest_payment_decides(ours: Desk, stripe: Simulator) -> None:
    old = await ours.paid(user_id="u", saves_method=True, age_ms=MINUTE)
    await ours.paid(user_id="u", saves_method=True)
    newest = await method_of(stripe)
    await ours.gateway.look_up(old)
    await ours.gateway.charge(ours.payment(user_id="u"))
    assert (await stripe.objects("payment_intents"))[-1]["payment_method"] == newest


async def test_detached_at_the_dashboard(ours: Desk, stripe: Simulator) -> None:
    await ours.paid(user_id="u", saves_method=True)
    await stripe.detach(await method_of(stripe))
    assert await ours.gateway.saved_method("u") is None
    with pytest.raises(GatewayRefused) as refused:
        await ours.gateway.charge(ours.payment(user_id="u"))
    assert refused.value.reason == "payment_method_unexpected_state"


async def test_session_of_another_payment_leaves_nothing(ours: Desk, stripe: Simulator) -> None:
    mine = await ours.opened(user_id="u", saves_method=True)
    theirs = await ours.opened(user_id="u", saves_method=True)
    await stripe.pay(session_of(theirs))
    mine.session_id = theirs.session_id
    assert (await ours.gateway.look_up(mine)).payment_id == theirs.id
    assert await ours.gateway.saved_method("u") is None


async def test_documents_hold_ids_and_times_alone(ours: Desk) -> None:
    await ours.paid(user_id="u", saves_method=True)
    [(key, document)] = ours.state.documents.items()
    assert key == ("stripe", "test/u")
    assert set(json.loads(document)) == {"id", "method", "as_of"}
    for word in (CARD_NUMBER, "visa", *PAYER.values(), ours.stripe.secret_key):
        assert word.encode() not in document
