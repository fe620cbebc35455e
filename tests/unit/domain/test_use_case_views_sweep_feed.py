"""Reading wallets, booking what has ended, publishing what was told."""

import pytest

from shothik_payment.domain.errors import InsufficientCredits, StoreCorrupt
from shothik_payment.domain.ledger.commands import Command
from shothik_payment.domain.ledger.outcome import Outcome
from shothik_payment.domain.ledger.writer import LedgerWriter
from shothik_payment.domain.model.stop import StopCause
from shothik_payment.domain.model.time import HOUR, MINUTE, Millis
from shothik_payment.domain.ports import event_log
from shothik_payment.domain.ports.event_log import PARTITIONS, partition_of
from shothik_payment.domain.use_cases.expiry_sweep import SWEEP_BATCH, ExpirySweep
from tests.support.service import START, TestService


async def give(service: TestService, user: str, amount: int, lives: int | None = None) -> None:
    ends = None if lives is None else Millis(service.clock.now() + lives)
    await service.admin.adjust(user, amount, "r", expires_at=ends)


async def test_a_user_never_seen_reads_as_an_empty_wallet(service: TestService) -> None:
    wallet = await service.views.wallet("nobody")
    assert (wallet.available, wallet.held, wallet.status, wallet.version) == (0, 0, "active", 0)
    assert service.state.wallets == {}


async def test_reads_leave_out_what_is_due_and_write_nothing(service: TestService) -> None:
    await give(service, "u1", 5, MINUTE)
    await give(service, "u1", 7)
    await service.spend.hold(service.caller(), "u1", amount=8, units=None, ttl_seconds=30)
    stored = dict(service.state.wallets)
    service.clock.advance(30_000)
    wallet = await service.views.wallet("u1")
    assert (wallet.available, wallet.held, wallet.holds) == (12, 0, {})
    service.clock.advance(30_000)
    wallet = await service.views.wallet("u1")
    assert (wallet.available, len(wallet.grants)) == (7, 1)
    assert service.state.wallets == stored
    assert len((await service.views.history("u1", None, 10)).transactions) == 3


@pytest.mark.parametrize("slug", ["paraphrase", "slide"])
async def test_access_asks_for_one_credit_or_what_the_units_cost(
    service: TestService, slug: str
) -> None:
    await give(service, "u1", 10)
    caller = service.caller(slug)
    answer = await service.views.access(caller, "u1", None)
    assert (answer.can_access, answer.reason, answer.required) == (True, None, 1)
    assert (answer.plan, answer.plan_status, answer.available) == ("free", "active", 10)
    units = 10 * caller.service.per // caller.service.credits
    assert (await service.views.access(caller, "u1", units)).can_access
    answer = await service.views.access(caller, "u1", units + 1)
    assert (answer.can_access, answer.reason) == (False, "insufficient_credits")


async def test_access_says_why_not(service: TestService) -> None:
    await give(service, "u1", 5, MINUTE)
    await service.spend.hold(service.caller(), "u1", amount=5, units=None)
    answer = await service.views.access(service.caller(), "u1", None)
    assert (answer.can_access, answer.reason, answer.held) == (False, "insufficient_credits", 5)
    assert answer.causes == []
    service.clock.advance(HOUR)
    answer = await service.views.access(service.caller(), "u1", None)
    assert (answer.reason, answer.causes) == ("insufficient_credits", [StopCause.CREDITS_GONE])


async def test_history_is_paged_from_the_newest(service: TestService) -> None:
    for amount in range(1, 6):
        await give(service, "u1", amount)
    first = await service.views.history("u1", None, 2)
    assert [row.amount for row in first.transactions] == [5, 4]
    second = await service.views.history("u1", first.next, 2)
    assert [row.amount for row in second.transactions] == [3, 2]
    third = await service.views.history("u1", second.next, 2)
    assert ([row.amount for row in third.transactions], third.next) == ([1], None)
    assert (await service.views.history("u1", None, 5)).next is None


async def test_the_blocklist_names_cause_time_and_last_event(service: TestService) -> None:
    for user in ("a", "b", "c"):
        await give(service, user, 1)
        service.clock.advance(10)
        await service.spend.deduct(service.caller(), user, amount=1, units=None)
    await give(service, "b", 1)
    users, following = await service.views.blocklist("slide_service", None, 1)
    assert [(u.user_id, u.causes, u.since) for u in users] == [
        ("a", [StopCause.CREDITS_GONE], START + 10)
    ]
    last = (await service.feed.page(event_log.START, 99, "a")).events[-1]
    assert users[0].sequence == last.sequence
    users, following = await service.views.blocklist("slide_service", following, 5)
    assert ([u.user_id for u in users], following) == (["c"], None)


# Sweep


async def test_the_sweep_books_what_nobody_else_touches(service: TestService) -> None:
    await give(service, "u1", 5, MINUTE)
    await give(service, "u2", 5)
    await service.spend.hold(service.caller(), "u2", amount=5, units=None, ttl_seconds=60)
    service.clock.advance(MINUTE - 1)
    assert await service.sweep.run() == 0
    service.clock.advance(1)
    assert await service.sweep.run() == 2
    assert await service.sweep.run() == 0
    assert (await service.wallets.get("u1")).available == 0
    assert (await service.wallets.get("u2")).available == 5
    told = [event.type for event in (await service.feed.page(event_log.START, 99, "u1")).events]
    assert told == ["credit.added", "credit.deducted", "usage.limit_exceeded"]


async def test_the_sweep_goes_batch_by_batch(service: TestService) -> None:
    for number in range(SWEEP_BATCH + 1):
        await give(service, f"u{number}", 1, MINUTE)
    service.clock.advance(MINUTE)
    assert [await service.sweep.run() for _ in range(3)] == [SWEEP_BATCH, 1, 0]


async def test_a_process_with_a_part_of_the_users_sweeps_as_many_as_one_with_all(
    service: TestService,
) -> None:
    users = [f"u{number}" for number in range(SWEEP_BATCH * PARTITIONS)]
    for user in users:
        await give(service, user, 1, MINUTE)
    service.clock.advance(MINUTE)
    assert await service.sweep.run([3]) >= SWEEP_BATCH
    left = {due.user_id for due in await service.wallets.due(service.clock.now(), len(users))}
    assert set(users) - left == {user for user in users if partition_of(user) == 3}


class Picky:
    """A ledger that cannot book for some users."""

    def __init__(self, writer: LedgerWriter, refused: set[str]) -> None:
        self._writer = writer
        self.refused = refused

    async def submit(self, command: Command) -> Outcome:
        if command.user_id in self.refused:
            raise StoreCorrupt("the wallet is none")
        return await self._writer.submit(command)


async def test_users_who_cannot_be_booked_hold_up_nobody(service: TestService) -> None:
    bad = {f"bad{number}" for number in range(SWEEP_BATCH)}
    for user in (*sorted(bad), "good"):
        await give(service, user, 1, MINUTE)
    service.clock.advance(MINUTE)
    picky = Picky(service.writer, bad)
    sweep = ExpirySweep(picky, service.wallets, service.clock, service.ids)  # type: ignore[arg-type]
    assert [await sweep.run() for _ in range(2)] == [0, 1]
    assert (await service.wallets.get("good")).next_due() is None
    assert [await sweep.run() for _ in range(3)] == [0, 0, 0]
    picky.refused = set()
    assert await sweep.run() + await sweep.run() == SWEEP_BATCH
    assert await service.wallets.due(service.clock.now(), 9) == []


# Feed


async def test_the_feed_is_paged_and_says_where_to_go_on(service: TestService) -> None:
    for user in ("u1", "u2", "u1"):
        await give(service, user, 1)
    page = await service.feed.page(event_log.START, 2)
    assert ([e.user_id for e in page.events], page.next, page.last) == (["u1", "u2"], "2", "2")
    page = await service.feed.page(page.last, 2)
    assert ([e.user_id for e in page.events], page.next, page.last) == (["u1"], None, "3")
    page = await service.feed.page(page.last, 2)
    assert (page.events, page.next, page.last) == ([], None, "3")
    with pytest.raises(InsufficientCredits):
        await service.spend.deduct(service.caller(), "u1", amount=9, units=None)
    assert (await service.feed.page("3", 2)).events == []
    only = await service.feed.page(event_log.START, 9, "u2", ["credit.added"])
    assert [e.position for e in only.events] == ["2"]
