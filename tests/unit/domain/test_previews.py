"""A preview says what the request would then do: what is due, from when the plan holds."""

import pytest

from shothik_payment.domain.errors import SubscriptionPaymentOpen
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.use_cases.offers import Choice
from shothik_payment.domain.use_cases.subscription_preview import Preview
from tests.support.service import TestService
from tests.support.subscriber import Subscriber, moment, written


async def foreseen(user: Subscriber, plan: str) -> Preview:
    return await user.service.subscriptions.preview(user.user, plan, Choice())


async def said(user: Subscriber, plan: str) -> str:
    """Due for credits, from when, and when it renews."""
    preview = await foreseen(user, plan)
    due = f"{preview.due.amount_minor} for " if preview.due is not None else ""
    times = f"{written(preview.effective_at)}, renews {written(preview.renews_at)}"
    return f"{due}{preview.credits} from {times}"


async def test_an_upgrade_is_at_once_whatever_was_planned_for_the_period_s_end(
    service: TestService,
) -> None:
    user = await Subscriber.begin(service, "2026-04-01")
    await user.bought("lite")
    await user.change("free")
    await user.until("2026-04-16")
    assert await said(user, "free") == "0 from 2026-05-01, renews 2026-05-01"
    assert await said(user, "pro") == "1000 for 750 from 2026-04-16, renews 2026-05-01"
    assert await said(user, "pro_yearly") == "29500 for 24000 from 2026-04-16, renews 2027-04-16"
    assert await said(user, "lite") == "0 from 2026-04-16, renews 2026-05-01"


async def test_what_an_open_link_asks_for_is_due(service: TestService) -> None:
    user = await Subscriber.begin(service, "2026-04-01")
    await user.subscribe("gift")
    await user.change("lite")
    await user.until("2026-04-02")
    assert await said(user, "lite") == "1000 for 500 from 2026-04-02, renews 2026-05-02"
    with pytest.raises(SubscriptionPaymentOpen):
        await foreseen(user, "pro")
    assert (await user.seen()).state == "active gift 2026-04-01..2026-05-01 link"
    await user.pay()
    assert await said(user, "lite") == "0 from 2026-04-02, renews 2026-05-02"

    user.gateway.on_file.clear()
    await user.until("2026-04-17")
    await user.change("pro")
    assert await said(user, "pro") == "1000 for 750 from 2026-04-17, renews 2026-05-02"
    # It does not matter to what is planned for the period's end.
    assert await said(user, "slides") == "0 from 2026-05-02, renews 2026-05-02"


async def test_a_subscription_that_waits_for_its_first_payment_is_paid_or_replaced(
    service: TestService,
) -> None:
    user = await Subscriber.begin(service, "2026-04-01")
    await user.subscribe("lite")
    await user.until("2026-04-01T06:00")
    before = await user.seen()
    assert await said(user, "lite") == (
        "1000 for 500 from 2026-04-01T06:00, renews 2026-05-01T06:00"
    )
    assert await said(user, "pro") == (
        "3000 for 2000 from 2026-04-01T06:00, renews 2026-05-01T06:00"
    )
    assert (await foreseen(user, "pro")).renewal == Money(3000, "USD")
    assert await said(user, "gift") == "30 from 2026-04-01T06:00, renews 2026-05-01T06:00"
    assert await said(user, "trial") == "20 from 2026-04-01T06:00, renews 2026-04-15T06:00"
    after = await user.seen()
    assert (after.state, after.told) == (before.state, "")  # nothing has come of the looking
    await user.subscribe("pro")
    await user.pay()
    assert (await user.subscription()).period_end == moment("2026-05-01T06:00")


async def test_a_renewal_that_is_due_is_not_the_price_of_keeping_the_plan(
    service: TestService,
) -> None:
    user = await Subscriber.begin(service, "2026-04-01")
    await user.bought("lite")
    user.gateway.on_file.clear()
    await user.until("2026-05-01T01:00")
    assert (await user.seen()).state == "past_due lite 2026-04-01..2026-05-01 link"
    assert (await foreseen(user, "lite")).due is None
