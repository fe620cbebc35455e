"""When a subscription's credits end that are given back: with the others of their period, however
many of them had been spent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shothik_payment.domain.model.payment import RefundState
from tests.support.service import TestService
from tests.support.subscriber import PARAPHRASE, SLIDE, Subscriber

DAY = 86_400
ALL = pytest.mark.parametrize("rest", [0, 1], ids=["all spent", "one left"])


async def _spent(service: TestService, rest: int) -> tuple[Subscriber, str]:
    user = await Subscriber.begin(service, "2026-01-01")
    await service.admin.adjust(user.user, 1, "so that the wallet is never empty")
    await user.bought("pro")
    return user, await user.spend(2000 - rest)


async def _grants(user: Subscriber) -> str:
    return (await user.seen()).grants.removesuffix("1 to never").removesuffix(", ")


@ALL
async def test_after_a_cancellation_they_have_the_days_of_grace(
    service: TestService, rest: int
) -> None:
    user, row = await _spent(service, rest)
    await user.cancel(now=True)
    await user.reverse(row, amount=1000)
    await user.days(1)
    await user.reverse(row)
    assert await _grants(user) == f"1000 to 2026-01-04, {1000 - rest} to 2026-01-05"


@ALL
async def test_after_a_lapse_as_well(service: TestService, rest: int) -> None:
    user, row = await _spent(service, rest)
    user.gateway.declines[user.user] = 9
    await user.until("2026-02-02T01:00")
    await user.reverse(row)
    assert await _grants(user) == f"{2000 - rest} to 2026-02-05T01:00"


@ALL
async def test_in_the_grace_of_a_renewal_they_live_on_with_the_others(
    service: TestService, rest: int
) -> None:
    user, row = await _spent(service, rest)
    user.gateway.declines[user.user] = 1
    await user.until("2026-02-01T01:00")
    await user.reverse(row)
    assert await _grants(user) == "2000 to 2026-02-02"
    await user.until("2026-02-01T04:00")
    assert await _grants(user) == "500 to 2026-03-01, 2000 to 2026-03-01"


@ALL
async def test_what_was_spent_in_the_grace_has_ended_with_the_renewal(
    service: TestService, rest: int
) -> None:
    user = await Subscriber.begin(service, "2026-01-01")
    await user.bought("lite")
    user.gateway.declines[user.user] = 1
    await user.until("2026-02-01T01:00")
    row = await user.spend(100 - rest)
    second = await user.spend(400, SLIDE)
    await user.until("2026-02-01T04:00")
    await user.reverse(row)
    await user.reverse(second, SLIDE)
    assert await _grants(user) == (
        f"{100 - rest} to 2026-02-04T04:00, 400 to 2026-02-04T04:00, 500 to 2026-03-01"
    )


@ALL
async def test_they_end_with_a_period_that_was_extended(service: TestService, rest: int) -> None:
    user, row = await _spent(service, rest)
    await service.subscriptions.extend(user.user, 10, "sorry")
    await user.until("2026-02-05")
    await user.reverse(row)
    assert await _grants(user) == "2000 to 2026-02-11"


@ALL
async def test_and_are_over_once_another_interval_has_begun(
    service: TestService, rest: int
) -> None:
    user = await Subscriber.begin(service, "2026-01-01")
    await user.bought("lite")
    row = await user.spend(500 - rest, SLIDE)
    await user.until("2026-01-02")
    await user.change("pro_yearly")
    await user.reverse(row, SLIDE)
    assert await _grants(user) == f"{500 - rest} to 2026-01-05, 24000 to 2027-01-02"


@ALL
async def test_what_has_gone_on_into_the_next_period_goes_back_to_it(
    service: TestService, rest: int
) -> None:
    user, _ = await _spent(service, 500)
    await user.until("2026-02-02")
    assert await _grants(user) == "500 to 2026-03-01, 2000 to 2026-03-01"
    row = await user.spend(500 - rest)
    await user.reverse(row)
    assert await _grants(user) == "500 to 2026-03-01, 2000 to 2026-03-01"


async def test_what_only_a_refund_keeps_after_a_lapse_stays_ended(service: TestService) -> None:
    """Also while the gateway owes the answer to the last try."""
    user, _ = await _spent(service, 300)
    (bought,) = await user.payments()
    user.gateway.refund_state = RefundState.PENDING
    await user.refund(bought)
    user.gateway.declines[user.user] = 4
    await user.until("2026-02-07")
    assert (await user.seen()).grants == "0 to 2026-02-02, 1 to never"
    user.gateway.away()
    await user.until("2026-02-09T01:00")
    assert "charging" in (seen := await user.seen()).state
    assert seen.grants == "0 to 2026-02-02, 1 to never"
    user.gateway.back()
    ((asked, refund),) = user.gateway.refunded.items()
    user.gateway.refunded[asked] = replace(refund, state=RefundState.FAILED)
    await service.hear(bought)
    seen = await user.seen()
    assert (seen.balance, seen.grants) == (1, "1 to never")


async def test_nor_does_an_extended_period_bring_it_back(service: TestService) -> None:
    user, _ = await _spent(service, 800)
    await user.until("2026-01-31T23:00")
    caller = service.caller(PARAPHRASE)
    held = await service.spend.hold(caller, user.user, amount=800, units=None, ttl_seconds=DAY)
    assert held.hold is not None
    await user.until("2026-02-01T01:00")
    await service.subscriptions.extend(user.user, 5, "sorry")
    await service.spend.release(caller, held.hold.id)
    assert (await user.seen()).balance == 2001
