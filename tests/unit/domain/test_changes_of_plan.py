"""Changes of plan over a year. Shares, dates and credits were reckoned by hand."""

import pytest

from shothik_payment.domain.errors import SubscriptionPaymentOpen
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import PaymentStatus
from shothik_payment.domain.model.time import MINUTE
from shothik_payment.domain.use_cases.offers import Choice
from tests.support.service import TestService
from tests.support.subscriber import SLIDE, Seen, Subscriber, moment
from tests.support.subscription_laws import Laws


async def test_up_in_mid_period_down_at_its_end_and_to_another_interval(
    service: TestService,
) -> None:
    user = await Subscriber.begin(service, "2026-04-01")
    await user.bought("lite")
    # Half of April's 30 days are left: half of 30 - 10 dollars, half of 2,000 - 500 credits.
    await user.until("2026-04-16")
    await user.change("pro")
    assert await user.seen() == Seen(
        "active pro 2026-04-01..2026-05-01",
        1250,
        "500 to 2026-05-01, 750 to 2026-05-01",
        told="paid 1000, changed:upgraded, +750",
        charged="1000",
    )
    await user.until("2026-04-20")
    await user.change("lite")
    assert await user.seen() == Seen(
        "active pro 2026-04-01..2026-05-01 then lite",
        1250,
        "500 to 2026-05-01, 750 to 2026-05-01",
        told="changed:change_planned",
    )
    await user.until("2026-05-01")
    assert await user.seen() == Seen(
        "active lite 2026-05-01..2026-06-01",
        500,
        "500 to 2026-06-01",
        told="paid 1000, changed:renewed, -500 expire, -750 expire, +500",
        charged="1000",
    )
    # Half of May's 31 days are left. Of the month that was paid 5 dollars count for the year.
    await user.until("2026-05-16T12:00")
    await user.change("pro_yearly")
    assert await user.seen() == Seen(
        "active pro_yearly 2026-05-16T12:00..2027-05-16T12:00",
        24_000,
        "24000 to 2027-05-16T12:00",
        told="paid 29500, changed:upgraded, -500 expire, +24000",
        charged="29500",
    )
    await user.until("2026-06-02")
    assert (await user.seen()).told == ""
    # The month is dearer than a twelfth of the year, but what is paid of the year is not lost.
    await user.change("pro")
    await user.until("2027-05-16T12:00")
    assert await user.seen() == Seen(
        "active pro 2027-05-16T12:00..2027-06-16T12:00",
        2500,
        "500 to 2027-06-16T12:00, 2000 to 2027-06-16T12:00",
        told="changed:change_planned, paid 3000, changed:renewed, -23500 expire, +2000",
        charged="3000",
    )


async def test_a_plan_with_fewer_services_stops_the_others_and_back_again(
    service: TestService,
) -> None:
    user = await Subscriber.begin(service, "2026-01-31")
    await user.bought("pro")
    await user.change("slides")
    await user.until("2026-02-28")
    assert await user.seen() == Seen(
        "active slides 2026-02-28..2026-03-31",
        100,
        "100 to 2026-03-31",
        told="changed:change_planned, paid 500, changed:renewed, -2000 expire, +100, "
        "stop paraphrase",
        charged="500",
        stopped="subscription_lapsed paraphrase",
    )
    assert await user.refused(1) == "service_not_in_plan"
    assert await user.refused(1, SLIDE) == ""
    # A quarter of March is left of 31 days: 23 March, 6:00. (30 - 5) / 4 dollars, 1,900 / 4.
    await user.until("2026-03-23T06:00")
    await user.change("pro")
    assert await user.seen() == Seen(
        "active pro 2026-02-28..2026-03-31",
        99 + 475,
        "99 to 2026-03-31, 475 to 2026-03-31",
        usage="slide 1/1",
        told="-1 deduct, paid 625, changed:upgraded, +475, resume paraphrase",
        charged="625",
    )


async def test_what_costs_too_little_to_be_charged_brings_no_credits(
    service: TestService,
) -> None:
    user = await Subscriber.begin(service, "2026-04-01")
    await user.bought("lite")
    await user.until("2026-04-30")  # 20 dollars for a thirtieth: 66 cents
    await user.change("pro")
    assert await user.seen() == Seen(
        "active pro 2026-04-01..2026-05-01", 500, "500 to 2026-05-01", told="changed:upgraded"
    )


async def test_an_upgrade_by_link_that_nobody_pays_is_dropped(service: TestService) -> None:
    user = await Subscriber.begin(service, "2026-04-01")
    await user.bought("lite")
    user.gateway.on_file.clear()
    await user.until("2026-04-16")
    view = await user.change("pro")
    assert await user.seen() == Seen(
        "active lite 2026-04-01..2026-05-01 link", 500, "500 to 2026-05-01"
    )
    assert (await user.change("pro")).payment == view.payment
    with pytest.raises(SubscriptionPaymentOpen):
        await user.change("pro_yearly")
    await user.keep()
    assert (await user.seen()).told == "changed:kept"
    # What is paid for nothing any more is looked at by an admin.
    await user.pay(view)
    assert (await user.payments())[0].status.value == "review"
    assert await user.seen() == Seen(
        "active lite 2026-04-01..2026-05-01", 500, "500 to 2026-05-01", charged="1000"
    )


async def test_an_upgrade_whose_card_is_declined_is_paid_by_link(service: TestService) -> None:
    user = await Subscriber.begin(service, "2026-04-01")
    await user.bought("lite")
    await user.until("2026-04-16")
    user.gateway.declines[user.user] = 1
    view = await user.change("pro")
    assert await user.seen() == Seen(
        "active lite 2026-04-01..2026-05-01 link",
        500,
        "500 to 2026-05-01",
        told="payment.failed",
    )
    await user.pay(view)
    assert await user.seen() == Seen(
        "active pro 2026-04-01..2026-05-01",
        1250,
        "500 to 2026-05-01, 750 to 2026-05-01",
        told="paid 1000, changed:upgraded, +750",
        charged="1000",
    )


async def test_a_preview_says_what_the_change_then_does(service: TestService) -> None:
    user = await Subscriber.begin(service, "2026-04-01")
    await user.bought("lite")
    await user.until("2026-04-16")
    up, year, down = [
        await service.subscriptions.preview(user.user, plan, Choice())
        for plan in ("pro", "pro_yearly", "slides")
    ]
    may = moment("2026-05-01")
    assert (up.due, up.credits, up.effective_at, up.renews_at, up.renewal) == (
        Money(1000, "USD"), 750, moment("2026-04-16"), may, Money(3000, "USD"),
    )  # fmt: skip
    assert (year.due, year.credits) == (Money(29_500, "USD"), 24_000)
    assert (down.due, down.credits, down.effective_at, down.renews_at, down.renewal) == (
        None, 0, may, may, Money(500, "USD"),
    )  # fmt: skip
    # Nothing has come of the looking.
    assert await user.seen() == Seen("active lite 2026-04-01..2026-05-01", 500, "500 to 2026-05-01")


async def test_an_upgrade_that_is_declined_as_the_period_ends_does_not_put_off_the_renewal(
    service: TestService,
) -> None:
    user = await Subscriber.begin(service, "2026-04-01")
    await user.bought("lite")
    await user.until("2026-04-26")
    user.gateway.away()
    await user.change("pro")  # nobody knows yet what came of the charge
    await user.until("2026-05-01T00:01")
    assert (await user.seen()).state == "active lite 2026-04-01..2026-05-01 charging"
    user.gateway.back()
    user.gateway.declines[user.user] = 1
    await user.until("2026-05-01T01:02")
    assert await user.seen() == Seen(
        "active lite 2026-05-01..2026-06-01",
        500,
        "500 to 2026-06-01",
        told="payment.failed, paid 1000, changed:renewed, -500 expire, +500",
        charged="1000",
    )


async def test_an_upgrade_that_is_paid_after_the_period_has_its_credits_and_is_renewed(
    service: TestService,
) -> None:
    user = await Subscriber.begin(service, "2026-04-01")
    await user.bought("lite")
    await user.until("2026-04-26")
    user.gateway.away()
    await user.change("pro")  # a sixth of 20 dollars and of 1,500 credits
    await user.until("2026-05-01T00:01")
    user.gateway.back()
    await user.until("2026-05-01T01:02")
    assert await user.seen() == Seen(
        "active pro 2026-05-01..2026-06-01",
        2750,
        "500 to 2026-06-01, 2000 to 2026-06-01, 250 to never",
        told="paid 333, changed:upgraded, +250, paid 3000, changed:renewed, +2000",
        charged="333 3000",
    )
    (_, upgrade, _) = await user.payments()
    assert upgrade.credits_expire_at is None
    await Laws(user).check()


async def test_a_link_for_an_upgrade_does_not_outlive_the_period(service: TestService) -> None:
    """It took the place of a charge for which the period's end had been put off."""
    user = await Subscriber.begin(service, "2026-04-01")
    await user.bought("lite")
    await user.until("2026-04-29")
    user.gateway.away()
    await user.change("pro")
    await user.until("2026-05-01T02:00")
    user.gateway.back()
    user.gateway.on_file.clear()
    await service.payment_checks.check_due()
    while not (await user.payments())[0].payment_url:
        service.clock.advance(MINUTE)
        await service.payment_checks.check_due()
    user.save_card()
    await user.pay()
    (_, link, _) = await user.payments()
    assert link.status is PaymentStatus.REVIEW
    await service.do_due()
    seen = await user.seen()
    assert (seen.state, seen.grants, seen.charged) == (
        "active lite 2026-05-01..2026-06-01", "500 to 2026-06-01", "133 1000",
    )  # fmt: skip


async def test_the_end_of_a_period_is_looked_at_soon_after_it(service: TestService) -> None:
    user = await Subscriber.begin(service, "2026-04-01")
    await user.bought("lite")
    await user.until("2026-04-26")
    user.gateway.away()
    await user.change("pro")
    await user.until("2026-05-01T00:01")
    assert (await user.subscription()).next_step_at == moment("2026-05-01T00:05")


@pytest.mark.parametrize("charging", [False, True])
async def test_a_planned_change_is_not_taken_back_while_its_first_period_is_being_paid(
    service: TestService, charging: bool
) -> None:
    user = await Subscriber.begin(service, "2026-04-01")
    await user.bought("pro")
    await user.change("lite")
    if charging:
        user.gateway.away()
    else:
        user.gateway.on_file.clear()
    await user.until("2026-05-01T01:00")
    assert "then lite" in (await user.seen()).state
    for take_back in (lambda: user.change("pro"), user.keep):
        with pytest.raises(SubscriptionPaymentOpen):
            await take_back()
    assert (await user.seen()).told == ""
    user.gateway.back()
    if not charging:
        await user.pay()
    await user.until("2026-05-01T03:00")
    assert (await user.seen()).state == "active lite 2026-05-01..2026-06-01"


async def test_between_two_tries_it_is_taken_back_and_the_old_plan_is_charged(
    service: TestService,
) -> None:
    user = await Subscriber.begin(service, "2026-04-01")
    await user.bought("pro")
    await user.change("lite")
    user.gateway.declines[user.user] = 1
    await user.until("2026-05-01T01:00")
    await user.change("pro")
    assert (await user.seen()).state == "past_due pro 2026-04-01..2026-05-01"
    await user.until("2026-05-01T04:00")
    seen = await user.seen()
    assert (seen.state, seen.charged) == ("active pro 2026-05-01..2026-06-01", "3000")
