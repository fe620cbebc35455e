from __future__ import annotations

import asyncio
from dataclasses import replace

from shothik_payment.domain.model.time import MINUTE, Millis
from shothik_payment.domain.ports.gateway import Notification
from shothik_payment.domain.ports.webhook_inbox import Webhook
from tests.contracts.bindings import Stores
from tests.contracts.book import NOW, in_days

LATER = in_days(9)


def after(minutes: int) -> Millis:
    return Millis(NOW + minutes * MINUTE)


def webhook(event_id: str, gateway: str = "stripe", at: Millis = NOW) -> Webhook:
    return Webhook(gateway, Notification(event_id, "paid", session_id="s1"), at)


async def ids(stores: Stores, at: Millis = LATER, limit: int = 100) -> list[str]:
    return [w.notification.event_id for w in await stores.theirs.inbox.due(at, limit)]


async def test_what_was_added_is_due_at_once_and_as_it_was(stores: Stores) -> None:
    full = Webhook("bkash", Notification("e1", "Completed", "pay_1", "s/1", "trx-\u09e7"), NOW)
    bare = Webhook("bkash", Notification("e2/\u00e9", "", reference="r"), after(1), attempts=3)
    assert await stores.ours.inbox.due(LATER, 10) == []
    assert await stores.ours.inbox.add(full)
    assert await stores.ours.inbox.add(bare)
    assert await stores.theirs.inbox.due(Millis(NOW - 1), 10) == []
    assert await stores.theirs.inbox.due(NOW, 10) == [full]
    assert await stores.theirs.inbox.due(after(1), 10) == [full, bare]


async def test_a_copy_changes_nothing(stores: Stores) -> None:
    first = webhook("e1")
    assert await stores.ours.inbox.add(first)
    copy = Webhook("stripe", Notification("e1", "failed", reference="r2"), in_days(-1))
    assert not await stores.theirs.inbox.add(copy)
    assert await stores.ours.inbox.due(LATER, 10) == [first]


async def test_event_ids_of_gateways_are_apart(stores: Stores) -> None:
    one, other = webhook("e1", "stripe"), webhook("e1", "bkash", after(1))
    assert await stores.ours.inbox.add(one)
    assert await stores.ours.inbox.add(other)
    await stores.ours.inbox.handled(one, "settled", NOW)
    assert await stores.theirs.inbox.due(LATER, 10) == [other]


async def test_one_of_many_that_add_it_at_once_is_the_first(stores: Stores) -> None:
    copies = [webhook("e1", at=after(n)) for n in range(10)]
    inboxes = (stores.ours.inbox, stores.theirs.inbox)
    added = await asyncio.gather(*(inboxes[n % 2].add(copy) for n, copy in enumerate(copies)))
    assert sorted(added) == [False] * 9 + [True]
    assert await stores.ours.inbox.due(LATER, 10) == [copies[added.index(True)]]


async def test_who_waits_longest_comes_first(stores: Stores) -> None:
    for minutes in (3, 1, 2, 9):
        await stores.ours.inbox.add(webhook(f"e{minutes}", at=after(minutes)))
    assert await ids(stores, after(3)) == ["e1", "e2", "e3"]
    assert await ids(stores, after(3), 2) == ["e1", "e2"]


async def test_what_is_postponed_is_due_again_then(stores: Stores) -> None:
    late, other = webhook("e1"), webhook("e2", at=after(1))
    for one in (late, other):
        await stores.ours.inbox.add(one)
    await stores.ours.inbox.postpone(late, after(5))
    assert await stores.theirs.inbox.due(after(4), 10) == [other]
    assert await stores.theirs.inbox.due(after(5), 10) == [other, replace(late, attempts=1)]
    assert not await stores.ours.inbox.add(late)
    # Whoever saw it earlier counts on from what is stored.
    await stores.theirs.inbox.postpone(late, after(6))
    assert await stores.ours.inbox.due(LATER, 10) == [other, replace(late, attempts=2)]


async def test_what_is_handled_is_due_no_more(stores: Stores) -> None:
    done = webhook("e1")
    await stores.ours.inbox.add(done)
    await stores.ours.inbox.handled(done, "settled", after(1))
    await stores.theirs.inbox.postpone(done, after(2))
    await stores.theirs.inbox.handled(done, "again", after(3))
    assert await ids(stores) == []
    assert not await stores.theirs.inbox.add(done)
    assert await ids(stores) == []


async def test_handled_wins_whoever_is_faster(stores: Stores) -> None:
    hooks = [webhook(f"e{n}") for n in range(10)]
    for hook in hooks:
        await stores.ours.inbox.add(hook)
    await asyncio.gather(
        *(stores.ours.inbox.postpone(hook, NOW) for hook in hooks),
        *(stores.theirs.inbox.handled(hook, "settled", NOW) for hook in hooks),
        *(stores.theirs.inbox.postpone(hook, NOW) for hook in hooks),
    )
    assert await ids(stores) == []


async def test_what_nobody_added_is_neither_postponed_nor_handled(stores: Stores) -> None:
    await stores.ours.inbox.postpone(webhook("e1"), NOW)
    await stores.ours.inbox.handled(webhook("e1"), "settled", NOW)
    assert await ids(stores) == []
    assert await stores.ours.inbox.add(webhook("e1"))


async def test_old_ones_that_are_handled_are_forgotten(stores: Stores) -> None:
    inbox = stores.ours.inbox
    hooks = [webhook(f"e{day}", at=in_days(day)) for day in range(5)]
    for hook in hooks:
        await inbox.add(hook)
    for hook in hooks[1:]:
        await inbox.handled(hook, "settled", LATER)
    assert await inbox.prune(in_days(1), 10) == 0
    assert [await inbox.prune(in_days(4), 2) for _ in range(3)] == [2, 1, 0]
    assert await ids(stores) == ["e0"]
    assert [await inbox.add(hook) for hook in hooks] == [False, True, True, True, False]
