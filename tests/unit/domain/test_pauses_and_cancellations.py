"""Pausing, cancelling, undoing it, coming back, and what admins give; reckoned by hand."""

from collections.abc import Awaitable, Callable

import pytest

from shothik_payment.domain.errors import NoSubscription, NotInThisStatus
from tests.support.service import TestService
from tests.support.subscriber import Seen, Subscriber, moment


async def test_a_year_of_pause_cancellation_undoing_and_coming_back(
    service: TestService,
) -> None:
    user = await Subscriber.begin(service, "2026-01-31")
    await user.bought("pro")
    await user.pause()
    await user.until("2026-02-10")
    await user.resume()  # before it has begun: it is taken back
    assert await user.seen() == Seen(
        "active pro 2026-01-31..2026-02-28",
        2000,
        "2000 to 2026-02-28",
        told="changed:pause_planned, changed:kept",
    )
    await user.pause()
    await user.until("2026-02-28")
    assert await user.seen() == Seen(
        "paused pro 2026-01-31..2026-02-28",
        told="changed:pause_planned, changed:paused, -2000 expire, exceeded all, "
        "stop paraphrase, stop slide",
        stopped="credits_gone all",
    )
    await user.until("2026-06-15")
    assert (await user.seen()).told == ""
    await user.resume()
    assert await user.seen() == Seen(
        "active pro 2026-06-15..2026-07-15",
        2000,
        "2000 to 2026-07-15",
        told="paid 3000, changed:started, +2000, reset all, resume paraphrase, resume slide",
        charged="3000",
    )
    await user.cancel()
    await user.until("2026-07-01")
    assert (await user.seen()).state == "active pro 2026-06-15..2026-07-15 then cancelled"
    await user.keep()
    await user.until("2026-07-15")
    assert await user.seen() == Seen(
        "active pro 2026-07-15..2026-08-15",
        2500,
        "500 to 2026-08-15, 2000 to 2026-08-15",
        told="changed:kept, paid 3000, changed:renewed, -1500 expire, +2000",
        charged="3000",
    )
    await user.cancel()
    await user.until("2026-08-15")
    assert await user.seen() == Seen(
        "cancelled pro 2026-07-15..2026-08-15",
        told="changed:cancel_planned, cancelled:cancelled_at_period_end, -500 expire, "
        "-2000 expire, exceeded all, stop paraphrase, stop slide",
        stopped="credits_gone all",
    )
    with pytest.raises(NoSubscription):
        await user.keep()
    await user.until("2026-12-31")
    await user.subscribe("lite")
    assert await user.seen() == Seen(
        "active lite 2026-12-31..2027-01-31",
        500,
        "500 to 2027-01-31",
        told="created, paid 1000, changed:started, +500, reset all, resume paraphrase, "
        "resume slide",
        charged="1000",
    )
    await user.cancel(now=True)
    assert await user.seen() == Seen(
        "cancelled lite 2026-12-31..2027-01-31",
        told="cancelled:cancelled, -500 expire, exceeded all, stop paraphrase, stop slide",
        stopped="credits_gone all",
    )


async def test_a_trial_becomes_a_month_and_comes_once(service: TestService) -> None:
    user = await Subscriber.begin(service, "2026-01-17")
    user.save_card()
    await user.subscribe("trial")
    assert await user.seen() == Seen(
        "trialing trial 2026-01-17..2026-01-31", 20, "20 to 2026-01-31", told="created, +20"
    )
    await user.until("2026-01-31")
    assert await user.seen() == Seen(
        "active trial 2026-01-31..2026-02-28",
        2000,
        "2000 to 2026-02-28",
        told="paid 3000, changed:trial_ended, -20 expire, +2000",
        charged="3000",
    )
    await user.until("2026-03-31")
    assert (await user.seen()).state == "active trial 2026-03-31..2026-04-30"
    await user.cancel(now=True)
    await user.subscribe("trial")
    assert await user.seen() == Seen(
        "active trial 2026-03-31..2026-04-30",
        2000,
        "2000 to 2026-04-30",
        told="cancelled:cancelled, -2000 expire, exceeded all, stop paraphrase, stop slide, "
        "created, paid 3000, changed:started, +2000, reset all, resume paraphrase, resume slide",
        charged="3000",
    )


async def test_a_free_plan_brings_its_credits_once_a_period(service: TestService) -> None:
    user = await Subscriber.begin(service, "2026-01-31")
    await user.subscribe("gift")
    assert await user.seen() == Seen(
        "active gift 2026-01-31..2026-02-28", 30, "30 to 2026-02-28", told="created, +30"
    )
    await user.cancel(now=True)
    await user.subscribe("gift")
    assert (await user.seen()).balance == 0
    await user.until("2026-02-28")
    assert await user.seen() == Seen(
        "active gift 2026-02-28..2026-03-31",
        30,
        "30 to 2026-03-31",
        told="changed:renewed, +30, reset all, resume paraphrase, resume slide",
    )
    # What a renewal has brought counts as well.
    await user.spend(30)
    await user.until("2026-03-01")
    await user.cancel(now=True)
    await user.subscribe("gift")
    assert (await user.seen()).balance == 0
    await user.until("2026-04-01")
    assert await user.seen() == Seen(
        "active gift 2026-04-01..2026-05-01",
        30,
        "30 to 2026-05-01",
        told="changed:renewed, +30, reset all, resume paraphrase, resume slide",
    )
    assert user.gateway.charged == []


async def test_a_plan_that_was_given_cannot_be_kept(service: TestService) -> None:
    user = await Subscriber.begin(service, "2026-01-31")
    await user.give("pro")
    given = Seen(
        "active pro 2026-01-31..2026-02-28 then cancelled",
        2000,
        "2000 to 2026-02-28",
        told="created, +2000",
    )
    assert await user.seen() == given
    given.told = ""
    await user.keep()
    await user.change("pro")
    with pytest.raises(NotInThisStatus):
        await user.pause()
    assert await user.seen() == given
    await user.change("gift")
    assert (await user.seen()).state == "active pro 2026-01-31..2026-02-28 then gift"
    await user.keep()
    given.told = "changed:kept"
    assert await user.seen() == given
    await user.until("2026-02-28")
    assert (await user.seen()).state == "cancelled pro 2026-01-31..2026-02-28"


async def test_after_a_given_time_the_planned_plan_follows_without_a_gap(
    service: TestService,
) -> None:
    user = await Subscriber.begin(service, "2026-01-31")
    await user.give("pro", moment("2026-02-10"))
    await user.change("gift")
    await user.seen()
    await user.until("2026-02-10")
    assert await user.seen() == Seen(
        "active gift 2026-02-10..2026-03-10",
        30,
        "30 to 2026-03-10",
        told="changed:renewed, -2000 expire, +30",
    )


async def test_an_extended_period_is_followed_by_one_that_begins_there(
    service: TestService,
) -> None:
    user = await Subscriber.begin(service, "2026-01-31")
    await user.bought("lite")
    await service.subscriptions.extend(user.user, 10, "sorry")
    assert await user.seen() == Seen(
        "active lite 2026-01-31..2026-03-10", 500, "500 to 2026-03-10", told="changed:extended"
    )
    await user.until("2026-03-10")
    assert await user.seen() == Seen(
        "active lite 2026-03-10..2026-04-10",
        500,
        "500 to 2026-04-10",
        told="paid 1000, changed:renewed, -500 expire, +500",
        charged="1000",
    )
    # Lapsed, and let on by an admin: the plan is in force, its credits were over.
    user.gateway.declines[user.user] = 5
    await user.until("2026-04-11")
    await user.seen()
    await service.subscriptions.extend(user.user, 7, "sorry")
    assert (await user.seen()).state == "active lite 2026-03-10..2026-04-18"


async def test_another_plan_in_the_trial_takes_a_cancellation_back(service: TestService) -> None:
    user = await Subscriber.begin(service, "2026-01-17")
    user.save_card()
    await user.subscribe("trial")
    await user.cancel()
    await user.change("pro")
    assert (await user.seen()).state == "trialing pro 2026-01-17..2026-01-31"
    await user.until("2026-01-31")
    seen = await user.seen()
    assert (seen.state, seen.charged) == ("active pro 2026-01-31..2026-02-28", "3000")


async def _incomplete(user: Subscriber) -> None:
    await user.subscribe("pro")


async def _past_due(user: Subscriber) -> None:
    await user.bought("pro")
    user.gateway.on_file.clear()
    await user.until("2026-03-01")


async def _paused(user: Subscriber) -> None:
    await user.bought("pro")
    await user.pause()
    await user.until("2026-03-01")


@pytest.mark.parametrize("stage", [_incomplete, _past_due, _paused])
async def test_what_would_end_at_once_is_not_cancelled_by_who_wants_it_at_the_end_alone(
    service: TestService, stage: Callable[[Subscriber], Awaitable[None]]
) -> None:
    user = await Subscriber.begin(service, "2026-01-31")
    await stage(user)
    before = await user.seen()
    with pytest.raises(NotInThisStatus):
        await service.subscriptions.cancel(user.user, now=False, only_at_end=True)
    after = await user.seen()
    assert (after.state, after.balance, after.told) == (before.state, before.balance, "")
    await user.cancel()
    assert (await user.seen()).state.startswith("cancelled")


async def test_what_lasts_is_cancelled_at_the_end_alone(service: TestService) -> None:
    user = await Subscriber.begin(service, "2026-01-31")
    await user.bought("pro")
    for _ in range(2):
        await service.subscriptions.cancel(user.user, now=False, only_at_end=True)
    seen = await user.seen()
    assert seen.state == "active pro 2026-01-31..2026-02-28 then cancelled"
    assert seen.told == "changed:cancel_planned"
