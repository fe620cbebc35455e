from __future__ import annotations

import pytest

from shothik_payment.adapters.memory import (
    MemoryKeyUsage,
    MemoryPruning,
    MemoryState,
    MemoryWebhookInbox,
    MemoryWebSessions,
)
from shothik_payment.domain.model.time import DAY, Millis
from shothik_payment.domain.ports.gateway import Notification
from shothik_payment.domain.ports.ledger_store import RequestRecord
from shothik_payment.domain.ports.webhook_inbox import Webhook
from shothik_payment.domain.use_cases.prune import PRUNE_BATCH, Prune

NOW = Millis(1_800_000_000_000)


class Today:
    def now(self) -> Millis:
        return NOW


@pytest.fixture
def state() -> MemoryState:
    return MemoryState()


@pytest.fixture
def prune(state: MemoryState) -> Prune:
    return Prune(
        MemoryPruning(state),
        MemoryWebhookInbox(state),
        MemoryWebSessions(state),
        MemoryKeyUsage(state),
        Today(),
    )


async def handled(state: MemoryState, event_id: str, at: Millis) -> None:
    inbox = MemoryWebhookInbox(state)
    webhook = Webhook("sandbox", Notification(event_id, "paid", "pay_1"), at)
    await inbox.add(webhook)
    await inbox.handled(webhook, "settled", at)


async def test_what_is_older_than_thirty_days_goes(state: MemoryState, prune: Prune) -> None:
    limit = Millis(NOW - 30 * DAY)
    for name, at in (("old", Millis(limit - 1)), ("young", limit)):
        await handled(state, name, at)
        state.requests["u1", name] = RequestRecord("u1", name, b"", "pay_1", at)
    await MemoryWebhookInbox(state).add(Webhook("sandbox", Notification("due", "paid"), Millis(0)))
    assert not await prune.run()
    assert set(state.webhooks) == {("sandbox", "young"), ("sandbox", "due")}
    assert set(state.requests) == {("u1", "young")}


async def test_usage_of_keys_goes_after_four_hundred_days(state: MemoryState, prune: Prune) -> None:
    limit = Millis(NOW - 400 * DAY)
    for hour in (Millis(limit - 1), limit):
        state.key_usage["key_1", hour, "POST /deduct", 200] = 1
    assert not await prune.run()
    assert list(state.key_usage) == [("key_1", limit, "POST /deduct", 200)]


async def test_a_full_batch_of_webhooks_says_that_more_may_wait(
    state: MemoryState, prune: Prune
) -> None:
    for n in range(PRUNE_BATCH + 1):
        await handled(state, f"e{n}", Millis(0))
    assert [await prune.run(), await prune.run()] == [True, False]
    assert state.webhooks == {}
