"""Charges whose money contradicts: until an admin has looked, nobody waits for them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import Payment, PaymentStatus
from shothik_payment.domain.ports.gateway import GatewayReport, GatewayState
from tests.support.service import ScriptedGateway, TestService
from tests.support.subscriber import Seen, Subscriber, moment


class Wrong(ScriptedGateway):
    """Its first charge takes a cent less than was asked for."""

    def __init__(self) -> None:
        super().__init__(recurring=True)

    async def charge(self, payment: Payment) -> GatewayReport:
        report = await super().charge(payment)
        if len(self.charge_asks) > 1 or report.paid is None:
            return report
        short = replace(report, paid=Money(report.paid.amount_minor - 1, "USD"))
        self.states[payment.id] = short
        self.charged[:] = [(payment.user_id, short.paid or payment.price)]
        return short


@pytest.fixture
async def user(service: TestService) -> Subscriber:
    """With Lite, from 1 March on."""
    user = await Subscriber.begin(service, "2026-03-01")
    await user.bought("lite")
    wrong = Wrong()
    wrong.on_file = service.gateway.on_file
    service.use_gateways(wrong)
    service.gateway = user.gateway = wrong
    user.charged()
    return user


async def renewed(user: Subscriber) -> Payment:
    """What was paid for the renewal, which is under review."""
    await user.until("2026-04-01")
    assert await user.seen() == Seen(
        "past_due lite 2026-03-01..2026-04-01 in review",
        500,
        "500 to 2026-04-02",
        told="changed:renewal_failed",
        charged="999",
    )
    (payment, _) = await user.payments()
    assert payment.status is PaymentStatus.REVIEW
    return payment


async def test_it_is_not_waited_for_and_gives_nothing_for_nothing(user: Subscriber) -> None:
    await renewed(user)
    await user.until("2026-04-02")
    assert (await user.seen()).balance == 0
    await user.until("2026-04-09")
    assert (await user.seen()).state == "expired lite 2026-03-01..2026-04-01"


@pytest.mark.parametrize("day", ["2026-04-01T12:00", "2026-04-05"])
async def test_accepted_the_period_begins(user: Subscriber, day: str) -> None:
    payment = await renewed(user)
    await user.until(day)
    await user.service.payment_admin.accept(payment.id, "a cent is a cent")
    seen = await user.seen()
    assert (seen.state, seen.grants) == (
        "active lite 2026-04-01..2026-05-01", "500 to 2026-05-01",
    )  # fmt: skip


async def test_returned_the_next_try_follows(user: Subscriber) -> None:
    payment = await renewed(user)
    await user.until("2026-04-01T01:00")
    await user.refund(payment, 499)
    assert (await user.subscription()).awaited is not None
    await user.refund(payment)
    seen = await user.seen()
    assert seen.state == "past_due lite 2026-03-01..2026-04-01"
    assert seen.told.endswith("payment.refunded, changed:renewal_failed")
    await user.until("2026-04-01T04:00")
    seen = await user.seen()
    assert (seen.state, seen.charged) == ("active lite 2026-04-01..2026-05-01", "1000")


async def test_it_can_be_cancelled(user: Subscriber) -> None:
    await renewed(user)
    await user.cancel(now=True)
    assert (await user.seen()).state == "cancelled lite 2026-03-01..2026-04-01"


async def test_an_upgrade_under_review_does_not_put_off_the_renewal(user: Subscriber) -> None:
    await user.until("2026-03-31")
    user.gateway.away()
    await user.change("pro_yearly")
    await user.until("2026-04-01T03:00")
    user.gateway.back()
    await user.until("2026-04-01T04:10")
    (renewal, upgrade, _) = await user.payments()
    assert (renewal.status, upgrade.status) == (PaymentStatus.PAID, PaymentStatus.REVIEW)
    assert (await user.seen()).state == "active lite 2026-04-01..2026-05-01"
    assert (await user.subscription()).next_step_at == moment("2026-05-01")


async def test_a_start_under_review_expires_in_its_time(service: TestService) -> None:
    user = await Subscriber.begin(service, "2026-03-01")
    wrong = Wrong()
    service.use_gateways(wrong)
    service.gateway = user.gateway = wrong
    user.save_card()
    await user.subscribe("pro")
    assert (await user.seen()).state.endswith("in review")
    await user.until("2026-03-03")
    assert (await user.seen()).state.startswith("expired pro")
    (payment,) = await user.payments()
    assert payment.status is PaymentStatus.REVIEW
    assert wrong.states[payment.id].state is GatewayState.PAID


async def test_what_was_paid_elsewhere_and_then_here_after_a_cancellation_is_looked_at(
    service: TestService,
) -> None:
    user = await Subscriber.begin(service, "2026-03-01")
    payment = (await user.subscribe("pro")).payment
    assert payment is not None
    gateway = user.gateway
    other = {"session_id": "cs_other", "reference": "ref_other"}
    gateway.says(payment, GatewayState.PAID, payment.price, **other)
    await service.hear(payment, session_id="cs_other")
    await user.cancel(now=True)
    for _ in range(2):
        gateway.says(payment, GatewayState.PAID, payment.price)
        await service.hear(payment)
    seen = await user.seen()
    assert (seen.state, seen.grants) == ("cancelled pro 2026-03-01..2026-04-01", "")
    (payment,) = await user.payments()
    assert payment.status is PaymentStatus.REVIEW
    assert payment.review_reason == f"paid once more, ref_{payment.id}"
    assert {payment.reference, payment.surplus_reference} == {"ref_other", f"ref_{payment.id}"}
