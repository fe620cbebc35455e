"""Users that admins freeze and let on again."""

from __future__ import annotations

import logging

import pytest

from shothik_payment.domain.errors import Conflict, IdempotencyKeyReused, UserFrozen
from shothik_payment.domain.model.stop import StopCause
from shothik_payment.domain.use_cases.user_admin import UserAdmin
from tests.support.service import TestService
from tests.support.world import key


@pytest.fixture
async def users(service: TestService) -> UserAdmin:
    await service.admin.adjust("u1", 100, "welcome")
    return UserAdmin(service.writer, service.views, service.clock, service.ids)


async def test_a_frozen_user_spends_nothing_until_let_on(
    service: TestService, users: UserAdmin
) -> None:
    wallet, before = await users.freeze("u1", "fraud", actor="boss")
    assert (wallet.frozen, wallet.available, before) == (True, 100, False)
    with pytest.raises(UserFrozen):
        await service.spend.deduct(service.caller(), "u1", amount=1, units=None)
    wallet, before = await users.unfreeze("u1", "cleared", actor="boss")
    assert (wallet.stops, before) == ([], False)
    await service.spend.deduct(service.caller(), "u1", amount=1, units=None)


async def test_another_cause_outlives_the_end_of_a_freeze(
    service: TestService, users: UserAdmin
) -> None:
    await service.spend.deduct(service.caller(), "u1", amount=100, units=None)
    frozen, _ = await users.freeze("u1", "fraud", actor="boss")
    assert [stop.cause for stop in frozen.stops] == [StopCause.CREDITS_GONE, StopCause.FROZEN]
    let_on, _ = await users.unfreeze("u1", "cleared", actor="boss")
    assert [stop.cause for stop in let_on.stops] == [StopCause.CREDITS_GONE]


async def test_a_user_never_seen_may_be_frozen(users: UserAdmin) -> None:
    wallet, _ = await users.freeze("u2", "known from elsewhere", actor="boss")
    assert (wallet.user_id, wallet.frozen, wallet.available) == ("u2", True, 0)


async def test_what_is_so_already_is_refused(users: UserAdmin) -> None:
    with pytest.raises(Conflict, match="not frozen"):
        await users.unfreeze("u1", "cleared", actor="boss")
    await users.freeze("u1", "fraud", actor="boss")
    with pytest.raises(Conflict, match="frozen already"):
        await users.freeze("u1", "fraud", actor="boss")


async def test_a_repeat_does_nothing_and_tells_the_user_as_now(
    service: TestService, users: UserAdmin
) -> None:
    await users.freeze("u1", "fraud", actor="boss", request=key("r1"))
    await users.unfreeze("u1", "cleared", actor="boss")
    written = len(service.state.events)
    again, before = await users.freeze("u1", "fraud", actor="boss", request=key("r1"))
    assert (again.frozen, before) == (False, True)
    assert len(service.state.events) == written
    with pytest.raises(IdempotencyKeyReused):
        await users.freeze("u1", "theft", actor="boss", request=key("r1", b"another body"))


async def test_who_did_it_and_why_is_in_the_log_once(
    users: UserAdmin, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for _ in range(2):
        await users.freeze("u1", "three cards", actor="boss", request=key("r1"))
    assert [record.getMessage() for record in caplog.records if "u1" in record.getMessage()] == [
        "freeze of user u1 by boss: three cards"
    ]
