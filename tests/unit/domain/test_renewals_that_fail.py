"""Renewals that fail, recover or do not, and what comes afterwards. The times by hand: tries at
once and after 4, 20, 72 and 168 hours; 24 hours of grace."""

from tests.support.service import TestService
from tests.support.subscriber import Seen, Subscriber, moment


async def test_it_recovers_on_the_third_try(service: TestService) -> None:
    user = await Subscriber.begin(service, "2026-02-01")
    await user.bought("pro")
    await user.spend(1900)
    user.gateway.declines[user.user] = 2
    await user.until("2026-03-01")
    in_grace = Seen(
        "past_due pro 2026-02-01..2026-03-01",
        100,
        "100 to 2026-03-02",
        usage="paraphrase 1/1900",
        told="-1900 deduct, payment.failed, changed:renewal_failed",
    )
    assert await user.seen() == in_grace
    await user.until("2026-03-01T03:59")
    assert (await user.seen()).told == ""
    await user.until("2026-03-01T04:00")
    in_grace.told = "payment.failed, changed:renewal_failed"
    assert await user.seen() == in_grace
    await user.spend(40)
    await user.until("2026-03-01T20:00")
    # The period is March's, as if it had been paid at once; the old period's use ends.
    assert await user.seen() == Seen(
        "active pro 2026-03-01..2026-04-01",
        2060,
        "60 to 2026-04-01, 2000 to 2026-04-01",
        told="-40 deduct, paid 3000, changed:renewed, +2000",
        charged="3000",
    )


async def test_it_never_recovers_expires_and_comes_back(service: TestService) -> None:
    user = await Subscriber.begin(service, "2026-03-01")
    await user.bought("pro")
    user.gateway.declines[user.user] = 5
    await user.until("2026-04-01T23:59")
    assert await user.seen() == Seen(
        "past_due pro 2026-03-01..2026-04-01",
        2000,
        "2000 to 2026-04-02",
        told=", ".join(["payment.failed, changed:renewal_failed"] * 3),
    )
    await user.until("2026-04-02")
    assert await user.seen() == Seen(
        "past_due pro 2026-03-01..2026-04-01",
        told="-2000 expire, exceeded all, stop paraphrase, stop slide",
        stopped="credits_gone all",
    )
    await user.until("2026-04-04")
    assert (await user.seen()).told == "payment.failed, changed:renewal_failed"
    await user.until("2026-04-08")
    assert await user.seen() == Seen(
        "expired pro 2026-03-01..2026-04-01",
        told="payment.failed, expired:renewal_not_paid",
        stopped="credits_gone all",
    )
    await user.until("2026-04-10")
    await user.subscribe("lite")
    assert await user.seen() == Seen(
        "active lite 2026-04-10..2026-05-10",
        500,
        "500 to 2026-05-10",
        told="created, paid 1000, changed:started, +500, reset all, resume paraphrase, "
        "resume slide",
        charged="1000",
    )
    assert [(s.kind.value, s.plan) for s in await user.steps()] == [
        ("created", "pro"), ("started", "pro"),
        ("renewal_failed", "pro"), ("renewal_failed", "pro"), ("renewal_failed", "pro"),
        ("lapsed", "pro"), ("renewal_failed", "pro"), ("expired", "pro"),
        ("created", "lite"), ("started", "lite"),
    ]  # fmt: skip


async def test_without_a_method_the_payer_gets_a_link_and_pays_after_the_grace(
    service: TestService,
) -> None:
    user = await Subscriber.begin(service, "2026-03-01")
    await user.bought("pro")
    user.gateway.on_file.clear()
    await user.until("2026-04-01")
    assert await user.seen() == Seen(
        "past_due pro 2026-03-01..2026-04-01 link",
        2000,
        "2000 to 2026-04-02",
        told="changed:payment_due",
    )
    await user.until("2026-04-03")
    await user.seen()
    await user.pay()
    assert await user.seen() == Seen(
        "active pro 2026-04-01..2026-05-01",
        2000,
        "2000 to 2026-05-01",
        told="paid 3000, changed:renewed, +2000, reset all, resume paraphrase, resume slide",
        charged="3000",
    )


async def test_what_is_paid_after_all_takes_an_expired_subscription_up_again(
    service: TestService,
) -> None:
    user = await Subscriber.begin(service, "2026-03-01")
    view = await user.subscribe("pro")
    await user.until("2026-03-02")
    assert await user.seen() == Seen(
        "expired pro 2026-03-01..2026-04-01", told="created, expired:not_paid_in_time"
    )
    await user.until("2026-03-03")
    await user.pay(view)
    assert await user.seen() == Seen(
        "active pro 2026-03-03..2026-04-03",
        2000,
        "2000 to 2026-04-03",
        told="paid 3000, changed:started, +2000",
        charged="3000",
    )


async def test_a_limit_that_was_reached_stops_nobody_once_the_plan_has_lapsed(
    service: TestService,
) -> None:
    user = await Subscriber.begin(service, "2026-03-01")
    await user.bought("lite")
    await service.admin.adjust(user.user, 50, "for good")
    await user.spend(100)
    user.gateway.declines[user.user] = 5
    await user.until("2026-04-01")
    assert (await user.seen()).stopped == "limit_reached paraphrase"
    await user.until("2026-04-02")
    lapsed = await user.seen()
    assert (lapsed.told, lapsed.stopped, lapsed.usage) == (
        "payment.failed, changed:renewal_failed, payment.failed, changed:renewal_failed, "
        "-400 expire, reset paraphrase, resume paraphrase",
        "",
        "",
    )


async def test_a_renewal_whose_money_is_on_its_way_stops_nobody(service: TestService) -> None:
    user = await Subscriber.begin(service, "2026-03-01")
    await user.bought("pro")
    user.gateway.away()
    await user.until("2026-04-03")
    assert await user.seen() == Seen(
        "active pro 2026-03-01..2026-04-01 charging", 2000, "2000 to 2026-04-03T06:00"
    )
    user.gateway.back()
    await user.until("2026-04-04")
    assert await user.seen() == Seen(
        "active pro 2026-04-01..2026-05-01",
        2500,
        "500 to 2026-05-01, 2000 to 2026-05-01",
        told="paid 3000, changed:renewed, -1500 expire, +2000",
        charged="3000",
    )


async def test_the_last_try_is_waited_for_beyond_the_last_moment(service: TestService) -> None:
    user = await Subscriber.begin(service, "2026-03-01")
    await user.bought("pro")
    user.gateway.declines[user.user] = 4
    await user.until("2026-04-07")
    await user.seen()
    user.gateway.away()
    await user.until("2026-04-10")
    assert (await user.seen()).state == "past_due pro 2026-03-01..2026-04-01 charging"
    user.gateway.back()
    await user.until("2026-04-11")
    assert await user.seen() == Seen(
        "active pro 2026-04-01..2026-05-01",
        2000,
        "2000 to 2026-05-01",
        told="paid 3000, changed:renewed, +2000, reset all, resume paraphrase, resume slide",
        charged="3000",
    )


async def test_after_downtime_a_try_that_was_due_comes_before_the_end_of_the_grace(
    service: TestService,
) -> None:
    user = await Subscriber.begin(service, "2026-03-01")
    await user.bought("pro")
    user.gateway.declines[user.user] = 2
    await user.until("2026-04-01T12:00")
    await user.seen()
    service.clock.time = moment("2026-04-03")
    await service.do_due()
    assert await user.seen() == Seen(
        "active pro 2026-04-01..2026-05-01",
        2500,
        "500 to 2026-05-01, 2000 to 2026-05-01",
        told="paid 3000, changed:renewed, -1500 expire, +2000",
        charged="3000",
    )


async def test_asking_twice_gives_the_same_link(service: TestService) -> None:
    user = await Subscriber.begin(service, "2026-03-01")
    first, second = await user.subscribe("pro"), await user.subscribe("pro")
    assert first.payment is not None
    assert second.payment == first.payment
    # Another plan takes its place, and money for the one before is looked at.
    await user.subscribe("lite")
    await user.pay(first)
    assert await user.seen() == Seen(
        "incomplete lite 2026-03-01..2026-04-01 link",
        told="created, expired:replaced, created",
        charged="3000",
    )


async def test_a_method_that_is_gone_when_it_is_charged_leaves_a_link(
    service: TestService,
) -> None:
    user = await Subscriber.begin(service, "2026-03-01")
    await user.bought("lite")
    user.gateway.forgets = True
    await user.until("2026-03-29T12:00")
    view = await user.change("pro")
    assert view.payment is not None
    assert (view.payment.off_session, view.payment.payment_url is None) == (False, False)
    # Nothing is under way: the period ends as it would have, and the offer with it.
    await user.cancel()
    await user.until("2026-04-01")
    assert (await user.seen()).state == "cancelled lite 2026-03-01..2026-04-01"
    assert "change_dropped" in [step.kind.value for step in await user.steps()]


async def test_a_trial_whose_first_charge_is_declined_has_ended_when_it_is_paid(
    service: TestService,
) -> None:
    user = await Subscriber.begin(service, "2026-01-17")
    user.save_card()
    await user.subscribe("trial")
    user.gateway.declines[user.user] = 1
    await user.until("2026-01-31T01:00")
    assert (await user.seen()).state == "past_due trial 2026-01-17..2026-01-31"
    await user.until("2026-01-31T04:00")
    assert await user.seen() == Seen(
        "active trial 2026-01-31..2026-02-28",
        2000,
        "2000 to 2026-02-28",
        told="paid 3000, changed:trial_ended, -20 expire, +2000",
        charged="3000",
    )
    await user.until("2026-02-28")
    assert (await user.seen()).told == "paid 3000, changed:renewed, -2000 expire, +2000"
