"""Booking what has ended, for users nobody else touches."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence

from shothik_payment.domain.ledger.commands import Expire
from shothik_payment.domain.ledger.writer import LedgerWriter
from shothik_payment.domain.model.time import SECOND, Millis
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.event_log import PARTITIONS, partition_of
from shothik_payment.domain.ports.ids import Ids
from shothik_payment.domain.ports.observer import UNOBSERVED, Observer
from shothik_payment.domain.ports.wallets import DueUser, Wallets

log = logging.getLogger(__name__)

SWEEP_BATCH = 10
"""So few that requests do not wait long behind them."""


async def book_due(writer: LedgerWriter, ids: Ids, users: Sequence[str], now: Millis) -> int:
    """Book what is due of each of them; how many could not be, which does not hold up the others.
    Raises Unavailable where the writer is full."""
    asked = [writer.submit(Expire(id=ids.next(), user_id=user, at=now)) for user in users]
    results = await asyncio.gather(*asked, return_exceptions=True)
    failed = 0
    for user, done in zip(users, results, strict=True):
        if isinstance(done, Exception):
            failed += 1
            log.error("what has ended for %s could not be booked: %s", user, done)
    return failed


class ExpirySweep:
    """What is due is read from the store, so nothing is forgotten over a restart."""

    def __init__(
        self,
        writer: LedgerWriter,
        wallets: Wallets,
        clock: Clock,
        ids: Ids,
        observer: Observer = UNOBSERVED,
    ) -> None:
        self._writer = writer
        self._wallets = wallets
        self._clock = clock
        self._ids = ids
        self._observer = observer
        self._passed: DueUser | None = None

    async def run(self, partitions: Collection[int] = range(PARTITIONS)) -> int:
        """Look at one batch of overdue users and book those in the partitions; how many were looked
        at and not found impossible. Less than `SWEEP_BATCH`: what is left could not be booked now,
        or there is none.

        A batch goes on behind one in which somebody could not be booked or is for another process,
        so that a batch of them holds up nobody; they come again when the others are through.
        """
        now = self._clock.now()
        # Of all that is due, as much as has a batch of one's own in it.
        most = SWEEP_BATCH * PARTITIONS // max(len(partitions), 1)
        batch = await self._wallets.due(now, most, self._passed)
        own = [due for due in batch if partition_of(due.user_id) in partitions]
        users = [due.user_id for due in own]
        for due in own:
            self._observer.late("expiry", (now - due.since) / SECOND)
        failed = await book_due(self._writer, self._ids, users, now)
        if len(batch) < most:
            self._passed = None
        elif failed or len(users) < len(batch):
            self._passed = batch[-1]
        return len(batch) - failed
