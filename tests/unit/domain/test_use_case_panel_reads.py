from __future__ import annotations

from dataclasses import replace

from shothik_payment.adapters import memory
from shothik_payment.domain.ledger.commands import Freeze
from shothik_payment.domain.model.payment import PaymentStatus
from shothik_payment.domain.model.time import DAY, Millis
from shothik_payment.domain.model.transaction import TransactionKind
from shothik_payment.domain.use_cases.panel_reads import MANY_STOPPED, Overview
from tests.contracts.book import NOW, SERVICE, Book, deducting, fresh, granting, in_days


async def test_the_figures_of_a_day_and_of_now() -> None:
    """What is of another day is in none of the day's; who is stopped and what waits is of now."""
    state = memory.MemoryState()
    book = Book(memory.MemoryLedgerStore(state))
    log = memory.MemoryEventLog(state)
    overview = Overview(
        memory.MemoryStatistics(state),
        memory.MemoryPayments(state),
        memory.MemoryWallets(state),
        log,
    )
    await book.do(granting("u1"), deducting("u1", 3))
    await book.payment("u1")
    await book.do(Freeze(id=fresh(), user_id="u2", at=NOW, reason="r"))
    await book.do(replace(deducting("u1", 5), at=in_days(1)))
    midnight = Millis(NOW - NOW % DAY)
    today = await overview.read(midnight, Millis(midnight + DAY))
    (charged,) = today.charged
    assert (charged.service, charged.kind) == (SERVICE, TransactionKind.DEDUCT)
    assert (charged.credits, charged.rows) == (3, 1)
    assert today.payments == {(PaymentStatus.CREATED, "USD"): (1, 1000)}
    assert today.stopped == 1 < MANY_STOPPED
    assert today.backlog == await log.backlog()
    tomorrow = await overview.read(Millis(midnight + DAY), Millis(midnight + 2 * DAY))
    assert [charged.credits for charged in tomorrow.charged] == [5]
    assert (tomorrow.payments, tomorrow.stopped) == ({}, 1)
