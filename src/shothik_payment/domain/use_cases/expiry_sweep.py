"""Booking what has ended, for users nobody else touches."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection

from shothik_payment.domain.ledger.commands import Expire
from shothik_payment.domain.ledger.writer import LedgerWriter
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.event_log import PARTITIONS, partition_of
from shothik_payment.domain.ports.ids import Ids
from shothik_payment.domain.ports.wallets import DueUser, Wallets

log = logging.getLogger(__name__)

SWEEP_BATCH = 100


class ExpirySweep:
    """What is due is read from the store, so nothing is forgotten over a restart."""

    def __init__(self, writer: LedgerWriter, wallets: Wallets, clock: Clock, ids: Ids) -> None:
        self._writer = writer
        self._wallets = wallets
        self._clock = clock
        self._ids = ids
        self._passed: DueUser | None = None

    async def run(self, partitions: Collection[int] = range(PARTITIONS)) -> int:
        """Look at one batch of overdue users and book those in the partitions; how many were looked
        at and not found impossible. Less than `SWEEP_BATCH`: what is left could not be booked now,
        or there is none.

        A batch goes on behind one in which somebody could not be booked or is for another process,
        so that a hundred of them hold up nobody; they come again when the others are through.
        """
        now = self._clock.now()
        batch = await self._wallets.due(now, SWEEP_BATCH, self._passed)
        users = [due.user_id for due in batch if partition_of(due.user_id) in partitions]
        commands = [Expire(id=self._ids.next(), user_id=user, at=now) for user in users]
        asked = [self._writer.submit(command) for command in commands]
        results = await asyncio.gather(*asked, return_exceptions=True)
        failed = 0
        for user, done in zip(users, results, strict=True):
            if isinstance(done, Exception):  # it must not hold up the others
                failed += 1
                log.error("what has ended for %s could not be booked: %s", user, done)
        if len(batch) < SWEEP_BATCH:
            self._passed = None
        elif failed or len(users) < len(batch):
            self._passed = batch[-1]
        return len(batch) - failed
