"""A change that has no stored form takes nobody else's with it, and nobody else's is made twice."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

from shothik_payment.domain.ledger.rules import Rules
from shothik_payment.domain.ledger.writer import LedgerWriter
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.event_log import START
from shothik_payment.domain.ports.ledger_store import ChangeSet, Needs
from tests.contracts.bindings import Stores
from tests.contracts.book import RULES, Book, deducting, granting

BEYOND_THE_CALENDAR = Millis(400_000_000_000_000)

Unwritable = Callable[[Book], Awaitable[ChangeSet]]


async def beyond_the_calendar(book: Book) -> ChangeSet:
    """Its event cannot tell when the grant ends."""
    return await book.change(granting("bad", 1, BEYOND_THE_CALENDAR))


async def half_a_character(book: Book) -> ChangeSet:
    """Nothing has bytes for it."""
    change = await book.change(granting("bad", 1))
    change.transactions[-1].reason = "\ud800"
    return change


@pytest.mark.parametrize("unwritable", [beyond_the_calendar, half_a_character])
@pytest.mark.parametrize("with_a_loser", [False, True])
async def test_nothing_of_a_batch_is_stored_where_one_change_cannot_be(
    book: Book, stores: Stores, unwritable: Unwritable, with_a_loser: bool
) -> None:
    """Also where the groups are tried one by one, since one of them has lost."""
    for user in ("good", "loser"):
        await book.do(granting(user))
    loser, good = await book.change(deducting("loser")), await book.change(deducting("good", 10))
    if with_a_loser:
        await book.do(deducting("loser", 5))
    bad = await unwritable(book)
    users = [Needs("good"), Needs("loser"), Needs("bad")]
    before = await book.store.load(users)
    told = await stores.ours.events.read(START, 100)
    with pytest.raises(ValueError, match=r"out of range|surrogates"):
        await book.store.commit([loser, good, bad])
    assert await book.store.load(users) == before
    assert await stores.ours.events.read(START, 100) == told
    assert await stores.ours.wallets.history("bad", None, 10) == []
    assert await stores.theirs.ledger.commit([good]) == [True]


async def test_the_others_of_its_batch_are_charged_once(
    book: Book, stores: Stores, caplog: pytest.LogCaptureFixture
) -> None:
    async def rules() -> Rules:
        return RULES

    await book.do(granting("good"))
    writer = LedgerWriter(stores.ours.ledger, lambda: RULES, rules, lambda: 0.5)
    writer.start()
    good = writer.submit(deducting("good", 10))
    bad = writer.submit(granting("bad", 1, BEYOND_THE_CALENDAR))
    with caplog.at_level(logging.CRITICAL):
        outcome, error = await asyncio.gather(good, bad, return_exceptions=True)
    await writer.stop()
    assert not isinstance(outcome, BaseException)
    assert outcome.transaction is not None
    assert outcome.transaction.new_balance == 90
    assert isinstance(error, ValueError)
    charged, untouched = await book.store.load([Needs("good"), Needs("bad")])
    assert (charged.wallet.available, charged.wallet.rows) == (90, 2)
    assert (untouched.wallet.version, untouched.wallet.available) == (0, 0)
    assert len(await stores.ours.wallets.history("good", None, 10)) == 2
    assert len(await stores.ours.events.read(START, 10)) == 2
