"""Lifting stops that a changed catalog does not justify any more, for users nobody else touches."""

from __future__ import annotations

from shothik_payment.domain.ledger.writer import LedgerWriter
from shothik_payment.domain.model.time import HOUR, Millis
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.ids import Ids
from shothik_payment.domain.ports.wallets import Wallets
from shothik_payment.domain.use_cases.expiry_sweep import book_due
from shothik_payment.domain.use_cases.wallet_views import WalletViews, as_of

PAGE = 50
ROUND_EVERY = HOUR
"""A process that still has the old catalog may stop somebody by it while others are restarted."""


class StopSweep:
    """Goes through all who are stopped, once after the start and then every hour."""

    def __init__(
        self, writer: LedgerWriter, wallets: Wallets, views: WalletViews, clock: Clock, ids: Ids
    ) -> None:
        self._writer = writer
        self._wallets = wallets
        self._rules = views.rules
        self._clock = clock
        self._ids = ids
        self._after: str | None = None
        self._begun_at: Millis | None = None

    async def run(self) -> bool:
        """Look at one page of those who are stopped; whether the round goes on. A user who cannot
        be booked comes again in the next one."""
        now = self._clock.now()
        if self._after is None:
            if self._begun_at is not None and now < self._begun_at + ROUND_EVERY:
                return False
            self._begun_at = now
        page = await self._wallets.stopped(None, self._after, PAGE)
        users = []
        for wallet in page.wallets:
            stops = wallet.stops
            if as_of(wallet, now, self._rules()).stops != stops:
                users.append(wallet.user_id)
        await book_due(self._writer, self._ids, users, now)
        self._after = page.next
        return self._after is not None
