"""Deduct, reverse and holds as a service asks for them."""

import pytest

from shothik_payment.domain.errors import (
    HoldClosed,
    HoldExpired,
    InvalidRequest,
    MissingScope,
    NotFound,
    WrongService,
)
from shothik_payment.domain.model.api_key import Scope
from shothik_payment.domain.model.hold import HoldStatus
from shothik_payment.domain.model.time import MINUTE
from tests.support.service import START, TestService
from tests.support.world import key


@pytest.fixture(autouse=True)
async def credits(service: TestService) -> None:
    await service.admin.adjust("u1", 100, "welcome")


async def test_a_deduction_by_units_charges_by_the_rate_card(service: TestService) -> None:
    done = await service.spend.deduct(service.caller(), "u1", amount=None, units=101)
    assert done.transaction is not None
    assert (done.transaction.amount, done.transaction.new_balance) == (2, 98)
    slides = await service.spend.deduct(service.caller("slide"), "u1", amount=None, units=3)
    assert slides.transaction is not None
    assert (slides.transaction.amount, slides.transaction.service) == (30, "slide_service")


@pytest.mark.parametrize(("amount", "units"), [(None, None), (1, 1)])
async def test_amount_or_units_and_not_both(
    service: TestService, amount: int | None, units: int | None
) -> None:
    for charge in (service.spend.deduct, service.spend.hold):
        with pytest.raises(InvalidRequest, match="amount"):
            await charge(service.caller(), "u1", amount=amount, units=units)


@pytest.mark.parametrize("word", [None, "paraphrase", "paraphrase_service", "humanize"])
async def test_the_service_is_the_keys_by_whichever_name(
    service: TestService, word: str | None
) -> None:
    done = await service.spend.deduct(service.caller(), "u1", amount=1, units=None, service=word)
    assert done.transaction is not None
    assert done.transaction.service == "paraphrase_service"


async def test_another_service_than_the_keys_is_refused(service: TestService) -> None:
    for charge in (service.spend.deduct, service.spend.hold):
        with pytest.raises(WrongService) as wrong:
            await charge(service.caller(), "u1", amount=1, units=None, service="slide")
        assert wrong.value.service == "paraphrase_service"
        with pytest.raises(InvalidRequest, match="service"):
            await charge(service.caller(), "u1", amount=1, units=None, service="nope")


async def test_everything_said_of_a_deduction_is_on_its_row(service: TestService) -> None:
    done = await service.spend.deduct(
        service.caller(),
        "u1",
        amount=1,
        units=None,
        feature="f",
        metadata={"a": 1},
        request=key("r1"),
    )
    row = await service.wallets.transaction(done.transaction.id if done.transaction else "")
    assert row is not None
    assert (row.feature, row.metadata, row.request_id, row.at) == ("f", {"a": 1}, "r1", START)


async def test_a_repeat_after_a_restart_of_the_writer_is_replayed(service: TestService) -> None:
    ask = {"amount": 1, "units": None, "request": key("r1")}
    first = await service.spend.deduct(service.caller(), "u1", **ask)  # type: ignore[arg-type]
    again = await service.spend.deduct(service.caller(), "u1", **ask)  # type: ignore[arg-type]
    assert again.replayed
    assert again.transaction is not None
    assert first.transaction is not None
    assert again.transaction.id == first.transaction.id
    assert (await service.views.wallet("u1")).available == 99


async def test_a_reversal_finds_its_user_by_the_transaction(service: TestService) -> None:
    done = await service.spend.deduct(service.caller(), "u1", amount=5, units=None)
    row_id = done.transaction.id if done.transaction else ""
    back = await service.spend.reverse(service.caller(), row_id, amount=2, reason="bad")
    assert back.transaction is not None
    assert (back.transaction.user_id, back.transaction.reason) == ("u1", "bad")
    with pytest.raises(WrongService):
        await service.spend.reverse(service.caller("slide"), row_id, amount=None)
    with pytest.raises(NotFound):
        await service.spend.reverse(service.caller(), "txn_nope", amount=None)


async def test_a_hold_lives_15_minutes_or_as_long_as_asked(service: TestService) -> None:
    for asked, lives in ((None, 15 * MINUTE), (60, MINUTE)):
        placed = await service.spend.hold(
            service.caller(), "u1", amount=5, units=None, ttl_seconds=asked
        )
        assert placed.hold is not None
        assert placed.hold.expires_at == START + lives


async def test_a_hold_is_captured_and_released_by_its_own_service_only(
    service: TestService,
) -> None:
    placed = await service.spend.hold(service.caller(), "u1", amount=None, units=500)
    assert placed.hold is not None
    assert placed.hold.amount == 5
    other = service.caller("slide")
    with pytest.raises(WrongService):
        await service.spend.own_hold(other, placed.hold.id)
    with pytest.raises(WrongService):
        await service.spend.capture(other, placed.hold.id, amount=None)
    with pytest.raises(WrongService):
        await service.spend.release(other, placed.hold.id)
    with pytest.raises(NotFound):
        await service.spend.release(service.caller(), "hold_nope")
    done = await service.spend.capture(service.caller(), placed.hold.id, amount=3)
    assert done.hold is not None
    assert (done.hold.captured, done.hold.status) == (3, HoldStatus.CAPTURED)
    assert (await service.views.wallet("u1")).available == 97
    with pytest.raises(HoldClosed):
        await service.spend.release(service.caller(), placed.hold.id)


async def test_a_hold_past_its_end_reads_as_expired_before_it_is_booked(
    service: TestService,
) -> None:
    placed = await service.spend.hold(service.caller(), "u1", amount=5, units=None, ttl_seconds=60)
    hold_id = placed.hold.id if placed.hold else ""
    service.clock.advance(MINUTE - 1)
    assert (await service.spend.own_hold(service.caller(), hold_id)).status == "active"
    service.clock.advance(1)
    assert (await service.spend.own_hold(service.caller(), hold_id)).status == "expired"
    with pytest.raises(HoldExpired):
        await service.spend.capture(service.caller(), hold_id, amount=None)


async def test_a_repeated_capture_is_answered_after_the_holds_end(service: TestService) -> None:
    placed = await service.spend.hold(service.caller(), "u1", amount=5, units=None)
    hold_id = placed.hold.id if placed.hold else ""
    first = await service.spend.capture(service.caller(), hold_id, amount=5, request=key("c1"))
    service.clock.advance(100 * MINUTE)
    again = await service.spend.capture(service.caller(), hold_id, amount=5, request=key("c1"))
    assert again.replayed
    assert again.transaction is not None
    assert first.transaction is not None
    assert again.transaction.id == first.transaction.id


def test_a_scope_that_a_key_lacks_is_named(service: TestService) -> None:
    caller = service.caller(scopes=frozenset({Scope.CREDITS_READ}))
    caller.require(Scope.CREDITS_READ)
    with pytest.raises(MissingScope, match="credits:deduct"):
        caller.require(Scope.CREDITS_DEDUCT)


async def test_an_admins_credits_are_never_nothing_and_taken_ones_have_no_end(
    service: TestService,
) -> None:
    with pytest.raises(InvalidRequest, match="amount"):
        await service.admin.adjust("u1", 0, "r")
    with pytest.raises(InvalidRequest, match="expiresAt"):
        await service.admin.adjust("u1", -1, "r", expires_at=START)
    taken = await service.admin.adjust("u1", -10, "r")
    assert taken.transaction is not None
    assert taken.transaction.new_balance == 90
