"""Who is stopped by a catalog that has been changed since: told once, whoever looks first."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from shothik_payment.domain.model.time import HOUR
from shothik_payment.domain.use_cases.stop_sweep import PAGE
from tests.support.service import TestService, running_service
from tests.support.subscriber import LITTLE_FOR_FREE, PARAPHRASE, SLIDE, Subscriber


@pytest.fixture
async def lapsed() -> AsyncIterator[Subscriber]:
    """Without a subscription there were two slides a month, which are used up, and nothing else."""
    async with running_service(catalog=LITTLE_FOR_FREE) as service:
        user = await Subscriber.begin(service, "2026-01-31")
        await service.admin.adjust(user.user, 1000, "for tests")
        await user.bought("lite")
        await user.cancel(now=True)
        for _ in range(2):
            await user.spend(1, SLIDE)
        assert (await user.seen()).stopped == "subscription_lapsed paraphrase, limit_reached slide"
        assert not await service.stop_sweep.run()
        assert (await user.seen()).told == ""
        yield user


@asynccontextmanager
async def everything_for_free(user: Subscriber) -> AsyncIterator[TestService]:
    """Begun anew, with a catalog whose `free` includes every service without a limit."""
    async with running_service(user.gateway, old=user.service) as service:
        await service.active.refresh()
        user.service = service
        yield service


async def test_services_hear_of_it_though_nobody_touches_the_user(lapsed: Subscriber) -> None:
    user = lapsed
    async with everything_for_free(user) as service:
        answer = await service.views.access(service.caller(PARAPHRASE), user.user, None)
        assert (answer.can_access, answer.causes) == (True, [])
        assert not await service.stop_sweep.run()
        seen = await user.seen()
        assert (seen.told, seen.stopped) == ("reset slide, resume paraphrase, resume slide", "")
        assert (await service.views.blocklist("paraphrase_service", None, 5))[0] == []
        service.clock.advance(HOUR)
        assert not await service.stop_sweep.run()
        await user.spend(1)
        assert (await user.seen()).told == "-1 deduct"


async def test_or_with_the_user_s_next_command(lapsed: Subscriber) -> None:
    user = lapsed
    async with everything_for_free(user) as service:
        await user.spend(1)
        told = "-1 deduct, reset slide, resume paraphrase, resume slide"
        assert (await user.seen()).told == told
        assert not await service.stop_sweep.run()
        assert (await user.seen()).told == ""


async def test_who_is_stopped_while_others_are_restarted_is_found_an_hour_later(
    lapsed: Subscriber,
) -> None:
    user, old = lapsed, lapsed.service
    async with everything_for_free(user) as service:
        assert not await service.stop_sweep.run()
        user.service = old
        await user.subscribe("lite")
        await user.cancel(now=True)
        assert (await user.seen()).stopped == "subscription_lapsed paraphrase"
        user.service = service
        service.clock.advance(HOUR - 1)
        assert not await service.stop_sweep.run()
        assert (await user.seen()).stopped == "subscription_lapsed paraphrase"
        service.clock.advance(1)
        assert not await service.stop_sweep.run()
        assert (await user.seen()).told == "resume paraphrase"


async def test_all_are_looked_at_page_by_page_and_what_is_justified_stays() -> None:
    async with running_service(catalog=LITTLE_FOR_FREE) as service:
        first = await Subscriber.begin(service, "2026-01-31", "u000")
        users = [first, *(Subscriber(service, f"u{n:03}") for n in range(1, PAGE + 1))]
        for user in users:
            await service.admin.adjust(user.user, 1, "for tests")
            await user.give("lite")
            await user.cancel(now=True)
        await first.freeze()
        async with everything_for_free(first) as later:
            assert await later.stop_sweep.run()
            page = await later.wallets.stopped("paraphrase_service", None, 9)
            assert [w.user_id for w in page.wallets] == ["u000", f"u{PAGE:03}"]
            assert not await later.stop_sweep.run()
            page = await later.wallets.stopped("paraphrase_service", None, 9)
            causes = {w.user_id: w.causes("paraphrase_service") for w in page.wallets}
            assert causes == {"u000": ["frozen"]}
