"""Every gateway keeps the same promises; what it cannot do, its capabilities say."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from shothik_payment.domain.errors import GatewayRefused, InvalidRequest, Unauthenticated
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import Payment, Refund, RefundState
from shothik_payment.domain.ports.gateway import GatewayRefund, GatewayState, PaymentGateway
from tests.contracts.gateways import GatewayBinding, attached, contract_bkash, contract_stripe, till

__all__ = ["contract_bkash", "contract_stripe", "till"]


def refund_of(payment: Payment, amount_minor: int, number: int = 1) -> Refund:
    """One that the ledger has begun."""
    refund = Refund(
        f"rfd_{payment.id}_{number}", amount_minor, RefundState.PENDING, payment.created_at
    )
    payment.refunds.append(refund)
    return refund


async def asked(gateway: PaymentGateway, payment: Payment, refund: Refund) -> GatewayRefund:
    """The gateway's answer, kept as the ledger keeps it."""
    told = await gateway.refund(payment, refund)
    refund.gateway_id, refund.state = told.id, told.state
    if told.state is RefundState.SUCCEEDED:
        payment.refunded_minor += refund.amount_minor
    return told


async def money(till: GatewayBinding, payment: Payment) -> tuple[int, int]:
    """Paid and refunded: by the gateway's own books, where they can be seen, else by its word."""
    if till.money is not None:
        return await till.money(payment.id)
    report = await till.theirs.look_up(payment)
    refunded = sum(refund.amount.amount_minor for refund in report.refunds)
    return (report.paid.amount_minor if report.paid else 0), refunded


async def test_a_checkout_is_open_until_it_is_paid(till: GatewayBinding) -> None:
    payment = await till.started()
    assert payment.session_id
    assert (payment.payment_url or "").startswith("http")
    for gateway in (till.ours, till.theirs):
        for report in (await gateway.look_up(payment), await gateway.complete(payment)):
            assert (report.payment_id, report.session_id) == (payment.id, payment.session_id)
            assert (report.state, report.paid, report.refunds) == (GatewayState.OPEN, None, ())


async def test_what_is_paid_is_told_with_its_amount_and_reference(till: GatewayBinding) -> None:
    payment = await till.started()
    await till.pay(payment.session_id or "")
    first = await till.ours.complete(payment)
    assert (first.state, first.paid, first.payment_id) == (
        GatewayState.PAID, payment.price, payment.id)  # fmt: skip
    assert first.reference
    assert (first.refunds, first.disputes) == ((), ())
    assert await till.theirs.complete(payment) == first
    assert await till.theirs.look_up(payment) == first
    assert await money(till, payment) == (payment.price.amount_minor, 0)


async def test_money_is_taken_once_however_many_complete(till: GatewayBinding) -> None:
    payment = await till.started()
    await till.pay(payment.session_id or "")
    reports = await asyncio.gather(
        *(gateway.complete(payment) for gateway in (till.ours, till.theirs) * 6)
    )
    assert GatewayState.PAID in {report.state for report in reports}
    assert (await till.ours.look_up(payment)).state is GatewayState.PAID
    assert await money(till, payment) == (payment.price.amount_minor, 0)


async def test_starting_again_leaves_one_checkout_that_can_be_paid(till: GatewayBinding) -> None:
    """After a crash before the first answer was kept."""
    payment = till.payment()
    await till.theirs.start_checkout(payment)
    payment = attached(payment, await till.ours.start_checkout(payment))
    await till.pay(payment.session_id or "")
    assert (await till.ours.complete(payment)).paid == payment.price
    assert await money(till, payment) == (payment.price.amount_minor, 0)


async def test_what_is_refused_for_good_has_failed(till: GatewayBinding) -> None:
    payment = await till.started()
    await till.fail(payment.session_id or "")
    report = await till.ours.complete(payment)
    assert (report.state, report.paid) == (GatewayState.FAILED, None)
    assert report.failure_code
    assert (await money(till, payment))[0] == 0


async def test_a_whole_refund(till: GatewayBinding) -> None:
    payment = await till.paid()
    whole = payment.price.amount_minor
    told = await asked(till.ours, payment, refund_of(payment, whole))
    assert (told.state, told.amount) == (RefundState.SUCCEEDED, payment.price)
    assert told.refund_id == payment.refunds[0].id
    report = await till.theirs.look_up(payment)
    assert (report.state, report.paid) == (GatewayState.PAID, payment.price)
    assert [(r.id, r.amount, r.state) for r in report.refunds] == [
        (told.id, payment.price, RefundState.SUCCEEDED)]  # fmt: skip
    assert await money(till, payment) == (whole, whole)


async def test_a_refund_asked_for_again_is_the_same_refund(till: GatewayBinding) -> None:
    payment = await till.paid()
    refund = refund_of(payment, 500)
    first = await till.ours.refund(payment, refund)
    again = await till.theirs.refund(payment, refund)
    assert (again.id, again.refund_id, again.amount) == (first.id, refund.id, first.amount)
    assert (await money(till, payment))[1] == 500


async def test_equal_parts_are_refunds_of_their_own(till: GatewayBinding) -> None:
    assert till.ours.capabilities.partial_refunds
    payment = await till.paid()
    told = [await asked(till.ours, payment, refund_of(payment, 300, n)) for n in range(3)]
    assert len({refund.id for refund in told}) == 3
    report = await till.theirs.look_up(payment)
    assert {refund.id for refund in report.refunds} == {refund.id for refund in told}
    assert (await money(till, payment))[1] == 900


async def test_more_than_was_paid_is_refused_for_good(till: GatewayBinding) -> None:
    payment = await till.paid()
    refund = refund_of(payment, payment.price.amount_minor + 1)
    with pytest.raises(GatewayRefused):
        await till.ours.refund(payment, refund)
    assert (await money(till, payment))[1] == 0


async def test_a_cancelled_checkout_is_open_no_more(till: GatewayBinding) -> None:
    payment = await till.started()
    if not till.ours.capabilities.cancel:
        assert (await till.ours.cancel(payment)).state is GatewayState.OPEN
        return
    report = await till.ours.cancel(payment)
    assert report.state in (GatewayState.CANCELLED, GatewayState.EXPIRED)
    assert (await till.theirs.look_up(payment)).state is report.state
    paid = await till.paid()
    assert (await till.ours.cancel(paid)).state is GatewayState.PAID


async def saved(till: GatewayBinding, user_id: str) -> None:
    payment = await till.paid(user_id=user_id, saves_method=True)
    assert (await till.ours.look_up(payment)).paid == payment.price


def off_session(till: GatewayBinding, user_id: str, **fields: Any) -> Payment:
    return till.payment(user_id, **fields)


async def test_a_saved_method_is_charged_once_for_each_payment(till: GatewayBinding) -> None:
    assert till.ours.capabilities.recurring
    assert await till.theirs.saved_method("saver") is None
    await saved(till, "saver")
    on_file = await till.theirs.saved_method("saver")
    assert on_file is not None
    assert on_file.label
    payment = off_session(till, "saver")
    first = await till.ours.charge(payment)
    assert (first.state, first.paid, first.payment_id) == (
        GatewayState.PAID, payment.price, payment.id)  # fmt: skip
    again = await till.theirs.charge(payment)
    assert (again.session_id, again.reference) == (first.session_id, first.reference)
    payment.session_id, payment.reference = first.session_id, first.reference
    assert (await till.theirs.look_up(payment)).paid == payment.price
    assert (await money(till, payment))[0] == payment.price.amount_minor


async def test_a_charge_can_be_refunded(till: GatewayBinding) -> None:
    await saved(till, "charged")
    payment = off_session(till, "charged")
    report = await till.ours.charge(payment)
    payment = replace(
        payment, session_id=report.session_id, reference=report.reference, paid=report.paid
    )
    told = await asked(till.ours, payment, refund_of(payment, 200))
    assert (told.state, told.amount) == (
        RefundState.SUCCEEDED, Money(200, payment.price.currency))  # fmt: skip


async def test_without_a_method_on_file_nothing_is_charged(till: GatewayBinding) -> None:
    payment = off_session(till, "nobody")
    with pytest.raises(GatewayRefused):
        await till.ours.charge(payment)
    await till.ours.forget_method("nobody")
    await saved(till, "leaver")
    await till.ours.forget_method("leaver")
    assert await till.theirs.saved_method("leaver") is None
    with pytest.raises(GatewayRefused):
        await till.theirs.charge(off_session(till, "leaver"))


async def test_a_genuine_notification_leads_to_the_payment(till: GatewayBinding) -> None:
    payment = await till.paid()
    body, headers = await till.told(payment.session_id or "")
    read = await till.theirs.read_notification(body, headers)
    assert read is not None
    assert read.event_id
    assert read == await till.ours.read_notification(body, headers)
    assert (read.payment_id or await till.ours.find_payment(read)) == payment.id
    assert read.session_id in (None, payment.session_id)


async def test_what_is_not_genuine_is_refused(till: GatewayBinding) -> None:
    payment = await till.paid()
    body, headers = await till.told(payment.session_id or "")
    changed = body.replace(payment.id.encode(), b"pay_abcother")
    assert changed != body
    for content, given in ((body, {}), (changed, headers), (b"", headers), (b"{}", {})):
        if (content, given) == (body, {}) and till.ours.name == "bkash":
            continue  # its signature is in the body
        with pytest.raises((Unauthenticated, InvalidRequest)):
            await till.ours.read_notification(content, given)


async def test_a_notification_about_somebody_else_s_money_finds_nothing(
    till: GatewayBinding,
) -> None:
    payment = await till.paid()
    body, headers = await till.told(payment.session_id or "")
    read = await till.ours.read_notification(body, headers)
    assert read is not None
    strange = replace(read, payment_id=None, session_id="unknown", reference="unknown")
    assert await till.ours.find_payment(strange) is None


def test_it_says_what_it_can_do(till: GatewayBinding) -> None:
    assert till.currency in till.ours.capabilities.currencies
    assert till.ours.name == till.theirs.name
