from __future__ import annotations

import pytest

from shothik_payment.domain.ledger.payment_commands import ClosePayment
from shothik_payment.domain.model.payment import PaymentStatus
from shothik_payment.domain.model.time import DAY, Millis
from shothik_payment.domain.ports.event_log import PARTITIONS, START
from shothik_payment.domain.ports.ledger_store import Needs
from shothik_payment.domain.use_cases.verify import Verify
from tests.contracts.bindings import Stores
from tests.contracts.book import NOW, Book, binding, deducting, fresh, granting, in_days, opening

ALL = range(PARTITIONS)


async def filled(book: Book, stores: Stores) -> None:
    """For u1 and u2 four events each, a day apart; all published."""
    for days in range(4):
        for user in ("u1", "u2"):
            await book.do(granting(user, at=in_days(days)))
    await publish(stores)


async def publish(stores: Stores) -> None:
    events = stores.ours.events
    await events.mark(await events.unpublished(ALL, 10_000), [], NOW)


async def kept(stores: Stores, user: str) -> list[int]:
    return [e.sequence for e in await stores.theirs.events.read(START, 10_000, user)]


async def marks(stores: Stores) -> dict[str, int]:
    return {u.wallet.user_id: u.pruned_through async for u, _ in stores.theirs.audit.users()}


async def differences(stores: Stores) -> list[str]:
    return [str(d) async for p in Verify(stores.ours.audit).run() for d in p.differences]


async def test_published_events_go_when_they_are_old(book: Book, stores: Stores) -> None:
    await filled(book, stores)
    pruning = stores.ours.pruning
    assert await pruning.prune_events(NOW, 100) == 0
    assert await marks(stores) == {"u1": 0, "u2": 0}
    assert await pruning.prune_events(in_days(2), 100) == 4
    assert await pruning.prune_events(in_days(2), 100) == 0
    assert [await kept(stores, user) for user in ("u1", "u2")] == [[3, 4], [3, 4]]
    assert await marks(stores) == {"u1": 2, "u2": 2}
    assert await differences(stores) == []


async def test_what_is_not_published_stays_with_what_follows(book: Book, stores: Stores) -> None:
    for user in ("u1", "u2", "u3"):
        await book.do(*(granting(user) for _ in range(4)))
    log = stores.ours.events
    events = await log.read(START, 100)
    waiting = [e for e in events if (e.user_id, e.sequence) == ("u1", 3)]
    unwanted = [e for e in events if (e.user_id, e.sequence) == ("u2", 2)]
    await log.mark([e for e in events if e not in waiting + unwanted], unwanted, NOW)
    assert await stores.ours.pruning.prune_events(in_days(1), 100) == 2 + 1 + 4
    assert [await kept(stores, user) for user in ("u1", "u2", "u3")] == [[3, 4], [2, 3, 4], []]
    assert await log.unpublished(ALL, 100) == waiting
    assert await log.unwanted(ALL, 100) == unwanted
    assert await differences(stores) == []
    await log.mark(waiting + unwanted, [], NOW)
    assert await stores.ours.pruning.prune_events(in_days(1), 100) == 5
    assert await marks(stores) == {"u1": 4, "u2": 4, "u3": 4}
    assert await differences(stores) == []


async def test_no_more_go_than_were_asked_for(book: Book, stores: Stores) -> None:
    await filled(book, stores)
    pruned = [await stores.ours.pruning.prune_events(in_days(9), 3) for _ in range(4)]
    assert pruned == [3, 3, 2, 0]
    assert await kept(stores, "u1") == await kept(stores, "u2") == []


async def test_each_users_oldest_go_first(book: Book, stores: Stores) -> None:
    await filled(book, stores)
    for _ in range(8):
        assert await stores.ours.pruning.prune_events(in_days(9), 1) == 1
        for user in ("u1", "u2"):
            rest = await kept(stores, user)
            assert rest == list(range(5 - len(rest), 5))
        assert await differences(stores) == []


async def test_the_outbox_goes_on_after_pruning(book: Book, stores: Stores) -> None:
    await filled(book, stores)
    last = (await stores.ours.events.read(START, 100))[-1].position
    await stores.ours.pruning.prune_events(in_days(9), 100)
    assert await stores.ours.events.read(last, 100) == []
    await book.do(deducting("u1"))
    (event,) = await stores.ours.events.read(last, 100)
    assert (event.sequence, await stores.ours.events.unpublished(ALL, 100)) == (5, [event])
    assert await differences(stores) == []
    await publish(stores)
    await stores.ours.pruning.prune_events(in_days(9), 100)
    assert await marks(stores) == {"u1": 5, "u2": 4}


async def test_many_events_that_stay_hold_up_no_others(book: Book, stores: Stores) -> None:
    await book.do(granting("u1"))
    (first,) = await stores.ours.events.read(START, 100)
    await book.do(granting("u1", 5000), *(deducting("u1") for _ in range(1200)))
    await book.do(granting("u2"))
    log = stores.ours.events
    await log.mark((await log.unpublished(ALL, 10_000))[1:], [], NOW)
    assert await stores.ours.pruning.prune_events(in_days(1), 2) == 1
    assert await kept(stores, "u2") == []
    assert len(await kept(stores, "u1")) == 1202
    await log.mark([first], [], NOW)
    assert await stores.ours.pruning.prune_events(in_days(1), 10_000) == 1202


@pytest.mark.parametrize("days", [0, 1])
async def test_young_events_stay(book: Book, stores: Stores, days: int) -> None:
    """One clock may be ahead of another: a young event can come before an old one."""
    await book.do(granting("u1", at=in_days(1)))
    await book.do(granting("u2", at=NOW))
    await publish(stores)
    pruned = await stores.ours.pruning.prune_events(Millis(NOW + days * DAY), 100)
    assert (pruned, await kept(stores, "u1")) == (days, [1])


async def test_an_old_event_after_a_young_one_of_its_user_stays(book: Book, stores: Stores) -> None:
    payment = await book.payment("u1")
    failing = ClosePayment(
        id=fresh(),
        user_id="u1",
        at=in_days(1),
        payment_id=payment.id,
        status=PaymentStatus.FAILED,
    )
    await book.do(failing)
    await book.do(granting("u1"))
    await publish(stores)
    events = await stores.ours.events.read(START, 100)
    assert [event.at for event in events] == [in_days(1), NOW]
    assert await stores.ours.pruning.prune_events(in_days(1), 100) == 0
    assert await stores.ours.pruning.prune_events(in_days(2), 100) == 2


async def test_request_records_go_when_they_are_old(book: Book, stores: Stores) -> None:
    for n in range(5):
        payment = opening("u1", binding(f"r{n}"))
        payment.at = in_days(n)
        await book.do(payment)
    await book.do(granting("u1"), deducting("u1", 1, binding("row")))
    pruning = stores.ours.pruning
    assert await pruning.prune_requests(NOW, 100) == 0
    assert [await pruning.prune_requests(in_days(3), 2) for _ in range(3)] == [2, 1, 0]
    keys = [binding(f"r{n}").key for n in range(5)]
    snapshot = await book.load(Needs("u1", [*keys, binding("row").key]))
    assert snapshot.done.keys() == {*keys[3:], binding("row").key}
    assert await differences(stores) == []
