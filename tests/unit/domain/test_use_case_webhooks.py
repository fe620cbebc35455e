"""Webhooks: stored before they are acknowledged, handled until it works, each once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from shothik_payment.adapters.memory.webhook_inbox import MemoryWebhookInbox
from shothik_payment.domain.errors import Unavailable
from shothik_payment.domain.model.payment import Payment, PaymentStatus
from shothik_payment.domain.model.time import DAY, HOUR, SECOND
from shothik_payment.domain.ports.gateway import GatewayReport, GatewayState, Notification
from shothik_payment.domain.ports.webhook_inbox import Webhook
from tests.support.checkouts import PRICE, initiate, stored
from tests.support.service import ScriptedGateway, TestService

PROMPT = 3 * SECOND


async def paid(service: TestService) -> Payment:
    payment = await initiate(service)
    service.gateway.says(payment, GatewayState.PAID, PRICE)
    return payment


def results(service: TestService) -> list[str | None]:
    """Of the webhooks, in the order of their arrival; None: not handled yet."""
    return [kept.result for kept in service.state.webhooks.values()]


async def test_a_repeated_event_id_is_handled_once(service: TestService) -> None:
    payment = await paid(service)
    body = service.gateway.notification(payment)
    await asyncio.gather(*(service.webhooks.hear("sandbox", body, {}) for _ in range(5)))
    assert service.gateway.looked_up == [payment.id]
    assert results(service) == ["settled"]


async def test_it_is_stored_although_the_gateway_cannot_be_asked_and_handled_later(
    service: TestService,
) -> None:
    payment = await paid(service)
    service.gateway.away()
    await service.hear(payment)
    assert results(service) == [None]
    assert (await stored(service, payment)).status is PaymentStatus.PENDING
    service.gateway.back()
    assert await service.webhooks.handle_due() == 0
    service.clock.advance(5 * SECOND + PROMPT)
    assert await service.webhooks.handle_due() == 1
    assert results(service) == ["settled"]
    assert (await stored(service, payment)).status is PaymentStatus.PAID
    service.clock.advance(DAY)
    assert await service.webhooks.handle_due() == 0


async def due_times(service: TestService, until: Callable[[], bool]) -> list[int]:
    """The pauses between attempts, on a clock that moves by a second."""
    pauses, last = [], service.clock.now()
    while not until():
        (kept,) = service.state.webhooks.values()
        assert kept.due_at is not None
        service.clock.time = kept.due_at
        service.clock.advance(PROMPT)
        pauses.append((kept.due_at - last) // SECOND)
        assert await service.webhooks.handle_due() == 1
        last = service.clock.now()
    return pauses


async def test_one_that_fails_is_tried_again_with_growing_pauses_and_given_up_after_three_days(
    service: TestService,
) -> None:
    payment = await paid(service)
    heard_at = service.clock.now()
    service.gateway.away()
    await service.hear(payment)
    pauses = await due_times(service, lambda: results(service) != [None])
    assert pauses[:5] == [5, 10, 20, 40, 80]
    assert pauses == sorted(pauses)
    assert pauses[-1] == HOUR // SECOND
    assert 3 * DAY <= service.clock.now() - heard_at <= 3 * DAY + 2 * HOUR
    assert results(service) == ["given up: The gateway is away."]
    service.clock.advance(DAY)
    assert await service.webhooks.handle_due() == 0


async def test_what_went_wrong_is_told_without_what_may_be_secret(service: TestService) -> None:
    payment = await paid(service)
    service.gateway.look_up_fails = RuntimeError("sk_live_planted")
    await service.hear(payment)
    service.clock.advance(4 * DAY)
    await service.webhooks.handle_due()
    assert results(service) == ["given up: RuntimeError"]


async def test_a_worker_handles_what_a_killed_process_left(service: TestService) -> None:
    payment = await paid(service)
    left = Webhook("sandbox", Notification("evt_x", "paid", payment.id), service.clock.now())
    assert await service.inbox.add(left)
    # For a moment it is the one's who has received it.
    assert await service.webhooks.handle_due() == 0
    service.clock.advance(PROMPT)
    assert await service.webhooks.handle_due() == 1
    assert (await stored(service, payment)).status is PaymentStatus.PAID


async def test_one_that_fails_holds_up_no_other(service: TestService) -> None:
    payment = await paid(service)
    strange = Notification("evt_0", "paid", payment.id)
    for name in ("gone", "sandbox"):
        await service.inbox.add(Webhook(name, strange, service.clock.now()))
    service.clock.advance(PROMPT)
    assert await service.webhooks.handle_due() == 2
    assert results(service) == [None, "settled"]


async def test_what_is_not_ours_is_handled_and_done(service: TestService) -> None:
    payment = await initiate(service)
    await service.hear(payment, payment_id=None, session_id=None, reference="theirs")
    await service.hear(payment, payment_id="pay_nope")
    assert results(service) == ["not one of ours"] * 2
    assert service.gateway.looked_up == []


async def test_what_is_of_no_interest_is_not_kept(service: TestService) -> None:
    class Bored(ScriptedGateway):
        async def read_notification(self, body: bytes, headers: dict[str, str]) -> None:
            return None

    service.use_gateways(Bored())
    await service.webhooks.hear("sandbox", b"{}", {})
    assert results(service) == []


async def test_what_cannot_be_stored_is_not_acknowledged(service: TestService) -> None:
    class Away(MemoryWebhookInbox):
        async def add(self, webhook: Webhook) -> bool:
            raise Unavailable("The store is away.")

    payment = await paid(service)
    service.inbox = Away(service.state)
    service.use_gateways(service.gateway)
    with pytest.raises(Unavailable, match="store"):
        await service.hear(payment)
    assert service.gateway.looked_up == []


async def test_stopped_while_it_is_handled_it_is_handled_by_the_next(service: TestService) -> None:
    payment = await paid(service)
    asked = asyncio.Event()

    class Endless(ScriptedGateway):
        async def look_up(self, payment: Payment) -> GatewayReport:
            asked.set()
            await asyncio.Event().wait()
            raise AssertionError("nobody sets it")

    service.use_gateways(Endless())
    hearing = asyncio.create_task(service.hear(payment))
    await asked.wait()
    await service.webhooks.close()
    await hearing
    assert results(service) == [None]
    service.use_gateways(service.gateway)
    service.clock.advance(PROMPT)
    await service.webhooks.handle_due()
    assert (await stored(service, payment)).status is PaymentStatus.PAID
