"""Money that goes back: by us, from Stripe's dashboard, by banks."""

from __future__ import annotations

import asyncio

import pytest

from shothik_payment.domain.errors import GatewayRefused, Unavailable
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import Dispute, DisputeState, Refund, RefundState
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.gateway import GatewayDispute, GatewayState
from tests.integration.stripe.support import OLD_MS, Desk, session_of
from tests.simulators.stripe import Fault, Simulator
from tests.simulators.stripe.simulator import CREATE_REFUND, GET_SESSION, LIST_REFUNDS

SUCCEEDED, PENDING, FAILED = RefundState.SUCCEEDED, RefundState.PENDING, RefundState.FAILED


async def test_in_parts_and_whole(ours: Desk, stripe: Simulator) -> None:
    payment = await ours.paid()
    first, rest = ours.refund(300), ours.refund(700, reason="duplicate")
    done = await ours.gateway.refund(payment, first)
    assert (done.amount, done.state, done.refund_id) == (Money(300, "USD"), SUCCEEDED, first.id)
    assert await ours.gateway.refund(payment, first) == done
    assert await stripe.money(payment.id) == (1000, 300)
    last = await ours.gateway.refund(payment, rest)
    assert await stripe.money(payment.id) == (1000, 1000)
    report = await ours.gateway.look_up(payment)
    assert report.state is GatewayState.PAID
    assert report.refunds == (last, done)
    [_, asked] = await stripe.objects("refunds")
    assert asked["metadata"] == {"payment_id": payment.id, "refund_id": rest.id}
    assert asked["reason"] == "duplicate"


async def test_words_of_an_admin_stay_here(ours: Desk, stripe: Simulator) -> None:
    payment = await ours.paid()
    await ours.gateway.refund(payment, ours.refund(100, reason="asked by mail, was angry"))
    [asked] = await stripe.objects("refunds")
    assert asked["reason"] is None


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.REFUSED])
async def test_lost_answer(ours: Desk, stripe: Simulator, fault: Fault) -> None:
    payment, refund = await ours.paid(), ours.refund(1000)
    await stripe.fault(CREATE_REFUND, fault, times=3)
    with pytest.raises(Unavailable):
        await ours.gateway.refund(payment, refund)
    assert (await ours.gateway.refund(payment, refund)).state is SUCCEEDED
    assert len(await stripe.objects("refunds")) == 1


async def test_two_processes_at_once(ours: Desk, theirs: Desk, stripe: Simulator) -> None:
    payment, refund = await ours.paid(), ours.refund(400)
    await stripe.fault(CREATE_REFUND, Fault.SLOW, seconds=0.3)
    await asyncio.gather(
        *(d.gateway.refund(payment, refund) for d in (ours, theirs) * 3), return_exceptions=True
    )
    assert await stripe.money(payment.id) == (1000, 400)


async def test_failure_that_was_none_is_seen(ours: Desk, stripe: Simulator) -> None:
    payment, refund = await ours.paid(), ours.refund(400)
    payment.refunds = [refund]
    await stripe.fault(CREATE_REFUND, Fault.FAILED_BUT_DONE)
    for _ in range(2):
        with pytest.raises(Unavailable):
            await ours.gateway.refund(payment, refund)
    [found] = (await ours.gateway.look_up(payment)).refunds
    assert (found.refund_id, found.state) == (refund.id, SUCCEEDED)
    assert await stripe.money(payment.id) == (1000, 400)


async def test_old_refund_is_looked_for_first(ours: Desk, stripe: Simulator) -> None:
    payment, refund = await ours.paid(), ours.refund(400, age_ms=OLD_MS)
    done = await ours.gateway.refund(payment, refund)
    await stripe.forget_keys()
    assert await ours.gateway.refund(payment, refund) == done
    assert await stripe.calls(CREATE_REFUND) == 1
    assert await stripe.calls(LIST_REFUNDS) == 2


async def test_forgotten_early_a_whole_refund_is_found(ours: Desk, stripe: Simulator) -> None:
    payment, refund = await ours.paid(), ours.refund(1000)
    done = await ours.gateway.refund(payment, refund)
    await stripe.forget_keys()
    # Stripe says that all was returned already; by this very refund.
    assert await ours.gateway.refund(payment, refund) == done
    with pytest.raises(GatewayRefused) as refused:
        await ours.gateway.refund(payment, ours.refund(1))
    assert refused.value.reason == "charge_already_refunded"


async def test_more_than_was_paid(ours: Desk, stripe: Simulator) -> None:
    payment = await ours.paid()
    with pytest.raises(GatewayRefused) as refused:
        await ours.gateway.refund(payment, ours.refund(1001))
    assert refused.value.reason == "invalid_request"
    assert await stripe.money(payment.id) == (1000, 0)


async def test_not_paid(ours: Desk) -> None:
    with pytest.raises(GatewayRefused):
        await ours.gateway.refund(await ours.opened(), ours.refund(1))


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.TOO_MANY, Fault.KEY_REFUSED, Fault.GARBAGE])
async def test_trouble_is_no_refusal(ours: Desk, stripe: Simulator, fault: Fault) -> None:
    payment, refund = await ours.paid(), ours.refund(1000)
    await stripe.fault(CREATE_REFUND, fault, times=2 if fault is Fault.ERROR else 1)
    with pytest.raises(Unavailable):
        await ours.gateway.refund(payment, refund)
    assert await stripe.money(payment.id) == (1000, 0)
    assert (await ours.gateway.refund(payment, refund)).state is SUCCEEDED


@pytest.mark.parametrize(
    ("begun_as", "ends_as", "state"),
    [
        ("pending", "succeeded", SUCCEEDED),
        ("pending", "failed", FAILED),
        ("requires_action", "canceled", FAILED),
        ("succeeded", "failed", FAILED),
    ],
)
async def test_refunds_that_take_days(
    ours: Desk, stripe: Simulator, begun_as: str, ends_as: str, state: RefundState
) -> None:
    payment, refund = await ours.paid(), ours.refund(400)
    await stripe.refunds_become(begun_as)
    begun = await ours.gateway.refund(payment, refund)
    assert begun.state is (SUCCEEDED if begun_as == "succeeded" else PENDING)
    refund.gateway_id, refund.state = begun.id, begun.state
    payment.refunds = [refund]
    await stripe.settle_refund(begun.id, ends_as)
    # A failed one is gone from the charge, and listed because we know of it.
    [found] = (await ours.gateway.look_up(payment)).refunds
    assert (found.id, found.state) == (begun.id, state)
    failed = "expired_or_canceled_card" if state is FAILED else None
    assert found.failure_code == failed
    assert await stripe.money(payment.id) == (1000, 0 if failed else 400)


async def test_from_the_dashboard(ours: Desk, stripe: Simulator) -> None:
    payment = await ours.paid()
    begun = await stripe.refund_from_dashboard(session_of(payment), 250)
    [found] = (await ours.gateway.look_up(payment)).refunds
    assert (found.id, found.amount, found.refund_id) == (begun["id"], Money(250, "USD"), None)


async def test_more_than_a_page(ours: Desk, stripe: Simulator) -> None:
    payment = await ours.paid(price=Money(20_000, "USD"))
    for _ in range(103):
        await stripe.refund_from_dashboard(session_of(payment), 100)
    report = await ours.gateway.look_up(payment)
    assert len({refund.id for refund in report.refunds}) == 103
    assert await stripe.calls(LIST_REFUNDS) == 2


@pytest.mark.parametrize(
    ("opened_as", "closed_as", "state"),
    [
        ("needs_response", "won", DisputeState.WON),
        ("needs_response", "lost", DisputeState.LOST),
        ("under_review", "prevented", DisputeState.LOST),
        ("warning_needs_response", "warning_closed", DisputeState.WON),
        ("warning_under_review", "needs_response", DisputeState.OPEN),
        ("warning_under_review", "prevented", DisputeState.WON),
    ],
)
async def test_disputes(
    ours: Desk, stripe: Simulator, opened_as: str, closed_as: str, state: DisputeState
) -> None:
    payment = await ours.paid()
    dispute = await stripe.open_dispute(session_of(payment), 600, opened_as)
    [found] = (await ours.gateway.look_up(payment)).disputes
    amount = Money(600, "USD")
    assert found == GatewayDispute(dispute["id"], amount, DisputeState.OPEN)
    payment.disputes = [Dispute(found.id, 600, DisputeState.OPEN, Millis(0))]
    await stripe.close_dispute(dispute["id"], closed_as)
    report = await ours.gateway.look_up(payment)
    assert report.disputes == (GatewayDispute(dispute["id"], amount, state),)
    assert report.state is GatewayState.PAID


async def test_lists_in_trouble(ours: Desk, stripe: Simulator) -> None:
    payment = await ours.paid()
    payment.refunds = [Refund("r", 1, PENDING, Millis(0))]
    await stripe.fault(LIST_REFUNDS, Fault.ERROR, times=2)
    with pytest.raises(Unavailable):
        await ours.gateway.look_up(payment)
    await stripe.fault(GET_SESSION, Fault.SLOW, seconds=0.1)
    assert (await ours.gateway.look_up(payment)).refunds == ()


async def test_money_paid_in_another_checkout_is_looked_up_by_its_reference(ours: Desk) -> None:
    """What an admin has accepted keeps its own checkout, which nobody has paid."""
    other = await ours.paid()
    payment = await ours.opened()
    payment.reference, payment.paid = other.reference, other.price
    report = await ours.gateway.look_up(payment)
    assert (report.state, report.session_id) == (GatewayState.PAID, payment.session_id)
    assert (report.reference, report.paid) == (other.reference, other.price)
    assert report.payment_id == payment.id
    # Paid as asked for after all, and nothing was granted for the other money.
    await ours.stripe.pay(session_of(payment))
    own = await ours.gateway.look_up(payment)
    assert (own.state, own.paid) == (GatewayState.PAID, payment.price)
    assert own.reference not in (None, other.reference)
    # But not while what became of the other money is still to be heard.
    payment.refunds.append(ours.refund(100))
    assert (await ours.gateway.look_up(payment)).reference == other.reference
    payment.refunds.clear()
    payment.grant_id = "grant_1"
    assert (await ours.gateway.look_up(payment)).reference == other.reference
