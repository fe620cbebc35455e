"""When a user is stopped for services and resumed, and how often that is told."""

import pytest

from shothik_payment.domain import events as e
from shothik_payment.domain.errors import InsufficientCredits
from shothik_payment.domain.ledger import commands as c
from shothik_payment.domain.model.grant import GrantSource
from shothik_payment.domain.model.stop import StopCause
from shothik_payment.domain.model.time import HOUR, MINUTE
from tests.support.world import PARAPHRASE, RESUME_ALL, SLIDE, STOP_ALL, T0, World

EXCEEDED = "usage.limit_exceeded"
RESET = "usage.limit_reset"


@pytest.fixture
def world() -> World:
    return World()


# Credits gone and back


def test_the_last_credit_tells_the_limit_and_stops_every_active_service(world: World) -> None:
    world.grant(10)
    world.deduct(4)
    world.heard()
    world.deduct(6)
    heard = world.heard()
    assert [event.data.routing_key() for event in heard] == ["credit.deducted", EXCEEDED, *STOP_ALL]
    assert heard[1].data == e.UsageLimitExceeded(None, "credits", used=10, allowed=10)
    stop = heard[2].data
    assert stop == e.ServiceStopUser(PARAPHRASE, StopCause.CREDITS_GONE, [StopCause.CREDITS_GONE])
    assert [event.sequence for event in heard] == [3, 4, 5, 6]


def test_the_limit_is_told_once_per_occasion_and_not_per_refused_call(world: World) -> None:
    world.grant(1)
    world.deduct(1)
    world.heard()
    for _ in range(3):
        world.refusal(InsufficientCredits, c.Deduct, amount=1, service=PARAPHRASE)
    assert world.heard() == []
    world.grant(1)
    assert world.told() == ["credit.added", RESET, *RESUME_ALL]
    world.deduct(1)
    assert world.told() == ["credit.deducted", EXCEEDED, *STOP_ALL]


def test_a_refused_call_with_credits_left_tells_nothing(world: World) -> None:
    world.grant(1)
    world.heard()
    world.refusal(InsufficientCredits, c.Deduct, amount=2, service=PARAPHRASE)
    assert world.heard() == []


def test_a_user_who_never_had_credits_is_not_stopped(world: World) -> None:
    world.refusal(InsufficientCredits, c.Deduct, amount=1, service=PARAPHRASE)
    world.claw_back(3, "pay_1")
    world.grant(3)
    assert world.told() == ["credit.added"]
    assert world.wallet.stops == []


def test_held_credits_still_count(world: World) -> None:
    world.grant(5)
    hold = world.hold(5)
    assert world.told() == ["credit.added"]
    world.capture(hold)
    assert world.told() == ["credit.deducted", EXCEEDED, *STOP_ALL]


@pytest.mark.parametrize("how", ["expire", "adjust", "clawback", "release"])
def test_however_the_last_credit_goes_the_user_is_stopped(world: World, how: str) -> None:
    world.grant(5, payment_id="pay_1", expires_at=T0 + MINUTE)
    hold = world.hold(5, ttl_ms=HOUR) if how == "release" else None
    world.heard()
    if how == "adjust":
        world.adjust(-5)
    elif how == "clawback":
        world.claw_back(5, "pay_1")
    else:
        world.now = T0 + MINUTE
        if hold is not None:
            world.release(hold)
        else:
            world.expire()
    assert world.told() == ["credit.deducted", EXCEEDED, *STOP_ALL]


def test_a_release_that_pays_nothing_but_debt_stops_the_user(world: World) -> None:
    world.grant(5)
    hold = world.hold(5)
    world.claw_back(5, "pay_other")
    world.heard()
    world.release(hold)
    assert world.told() == [EXCEEDED, *STOP_ALL]


def test_a_reversal_brings_the_user_back(world: World) -> None:
    world.grant(5)
    row = world.deduct(5)
    world.heard()
    world.reverse(row, 1)
    heard = world.heard()
    assert [event.data.routing_key() for event in heard] == ["credit.refunded", RESET, *RESUME_ALL]
    assert heard[2].data == e.ServiceResumeUser(PARAPHRASE, StopCause.CREDITS_GONE)


def test_a_reversal_that_pays_debt_only_resumes_nobody(world: World) -> None:
    world.grant(5, payment_id="pay_1")
    row = world.deduct(5)
    world.claw_back(5, "pay_1")
    world.heard()
    world.reverse(row)
    assert world.told() == ["credit.refunded"]


def test_a_reversal_that_expires_at_once_resumes_nobody(world: World) -> None:
    world.grant(3, expires_at=T0 + MINUTE)
    row = world.deduct(3)
    world.now = T0 + MINUTE
    world.reverse(row)
    again = world.deduct(3)
    world.now += 100 * HOUR
    world.heard()
    world.reverse(again)
    assert world.told() == ["credit.refunded", "credit.deducted"]


def test_a_periods_end_and_the_next_grant_in_one_command_stop_nobody(world: World) -> None:
    world.grant(5, expires_at=T0 + HOUR, source=GrantSource.SUBSCRIPTION)
    world.heard()
    world.now = T0 + HOUR
    world.grant(5, expires_at=T0 + 2 * HOUR, source=GrantSource.SUBSCRIPTION)
    assert world.told() == ["credit.deducted", "credit.added"]
    assert world.wallet.stops == []


def test_one_batch_stops_and_resumes_command_by_command(world: World) -> None:
    grant = {"amount": 1, "source": GrantSource.PROMOTION}
    deduct = {"amount": 1, "service": PARAPHRASE}
    world.batch(
        world.command(c.GrantCredits, **grant),
        world.command(c.Deduct, **deduct),
        world.command(c.GrantCredits, **grant),
        world.command(c.Deduct, **deduct),
    )
    stopped = ["credit.deducted", EXCEEDED, *STOP_ALL]
    assert world.told() == [
        "credit.added",
        *stopped,
        "credit.added",
        RESET,
        *RESUME_ALL,
        *stopped,
    ]


def test_used_and_allowed_count_from_the_last_time_the_credits_were_gone(world: World) -> None:
    world.grant(10)
    world.deduct(10)
    world.grant(4)
    world.reverse(world.deduct(3), 1)
    world.capture(world.hold(2))
    (exceeded,) = [ev.data for ev in world.heard()[4:] if isinstance(ev.data, e.UsageLimitExceeded)]
    assert (exceeded.used, exceeded.allowed) == (4, 4)


def test_what_goes_to_the_debt_is_not_counted_as_come_in(world: World) -> None:
    world.grant(10, payment_id="pay_1")
    row = world.deduct(10)
    world.claw_back(10, "pay_1")
    world.reverse(row)
    world.grant(5)
    world.heard()
    world.deduct(5)
    data = world.heard()[1].data
    assert data == e.UsageLimitExceeded(None, "credits", used=5, allowed=5)


# Causes


def test_freezing_stops_and_unfreezing_resumes_every_active_service(world: World) -> None:
    world.grant(1)
    world.heard()
    world.freeze()
    heard = world.heard()
    assert [event.data.routing_key() for event in heard] == STOP_ALL
    assert heard[0].data == e.ServiceStopUser(PARAPHRASE, StopCause.FROZEN, [StopCause.FROZEN])
    world.unfreeze()
    heard = world.heard()
    assert [event.data.routing_key() for event in heard] == RESUME_ALL
    assert heard[0].data == e.ServiceResumeUser(PARAPHRASE, StopCause.FROZEN)


@pytest.mark.parametrize("last", ["frozen", "credits_gone"])
def test_of_two_causes_the_first_stops_and_only_the_end_of_the_last_resumes(
    world: World, last: str
) -> None:
    world.grant(5, payment_id="pay_1")
    world.freeze()
    world.heard()
    world.adjust(-5)
    assert world.told() == ["credit.deducted", EXCEEDED]
    assert world.wallet.causes(PARAPHRASE) == [StopCause.FROZEN, StopCause.CREDITS_GONE]
    if last == "frozen":
        world.grant(1)
        assert world.told() == ["credit.added", RESET]
        world.unfreeze()
        assert world.told() == RESUME_ALL
    else:
        world.unfreeze()
        assert world.told() == []
        world.grant(1)
        resumed = world.heard()
        assert [ev.data.routing_key() for ev in resumed] == ["credit.added", RESET, *RESUME_ALL]
        assert resumed[-1].data == e.ServiceResumeUser(SLIDE, StopCause.CREDITS_GONE)
    assert world.wallet.stops == []


def test_what_pays_a_debt_is_not_counted_as_come_in_either(world: World) -> None:
    world.claw_back(4, "pay_1")
    world.grant(10)
    world.deduct(6)
    (exceeded,) = [ev.data for ev in world.heard() if isinstance(ev.data, e.UsageLimitExceeded)]
    assert (exceeded.used, exceeded.allowed) == (6, 6)


def test_what_comes_back_after_its_use_was_told_counts_as_come_in(world: World) -> None:
    world.grant(10)
    row = world.deduct(10)
    world.reverse(row, 3)
    world.deduct(3)
    data = [ev.data for ev in world.heard() if isinstance(ev.data, e.UsageLimitExceeded)]
    assert [(told.used, told.allowed) for told in data] == [(10, 10), (3, 3)]


def test_two_causes_that_come_in_one_command_stop_once(world: World) -> None:
    world.grant(5, expires_at=T0 + HOUR)
    world.heard()
    world.now = T0 + HOUR
    world.freeze()
    heard = world.heard()
    assert [ev.data.routing_key() for ev in heard] == ["credit.deducted", EXCEEDED, *STOP_ALL]
    causes = [StopCause.FROZEN, StopCause.CREDITS_GONE]
    assert heard[-1].data == e.ServiceStopUser(SLIDE, StopCause.FROZEN, causes)


def test_one_cause_that_takes_the_place_of_another_is_told_to_nobody(world: World) -> None:
    world.grant(5, expires_at=T0 + HOUR)
    world.freeze()
    world.heard()
    world.now = T0 + HOUR
    world.unfreeze()
    assert world.told() == ["credit.deducted", EXCEEDED]
    assert world.wallet.causes(SLIDE) == [StopCause.CREDITS_GONE]


def test_services_are_told_in_the_catalogs_order() -> None:
    world = World(services=("zebra", "alpha", "middle"))
    world.freeze()
    assert [event.data.service for event in world.heard()] == ["zebra", "alpha", "middle"]


def test_without_an_active_service_the_stop_stands_and_nobody_is_told() -> None:
    world = World(services=())
    world.grant(1)
    world.deduct(1)
    assert world.told() == ["credit.added", "credit.deducted", EXCEEDED]
    assert world.wallet.causes(PARAPHRASE) == [StopCause.CREDITS_GONE]
