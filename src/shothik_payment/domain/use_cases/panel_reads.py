"""What an operator sees first."""

from __future__ import annotations

from dataclasses import dataclass

from shothik_payment.domain.model.payment import PaymentStatus
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.event_log import Backlog, EventLog
from shothik_payment.domain.ports.payments import Payments, PaymentSum
from shothik_payment.domain.ports.statistics import ChargedHour, Statistics
from shothik_payment.domain.ports.wallets import Wallets

MANY_STOPPED = 10_000
"""So many stopped users are counted; who has more sees that there are more."""


@dataclass(frozen=True, slots=True)
class Figures:
    """`charged` and `payments` of the time asked for; `stopped`, at most MANY_STOPPED, and
    `backlog` as they are now."""

    charged: list[ChargedHour]
    payments: dict[tuple[PaymentStatus, str], PaymentSum]
    stopped: int
    backlog: Backlog


class Overview:
    def __init__(
        self, statistics: Statistics, payments: Payments, wallets: Wallets, events: EventLog
    ) -> None:
        self._statistics = statistics
        self._payments = payments
        self._wallets = wallets
        self._events = events

    async def read(self, since: Millis, until: Millis) -> Figures:
        """From `since` on and before `until`: the operator's day, whose first and last hour of
        charges are whole ones (see `Statistics.charged`)."""
        return Figures(
            await self._statistics.charged(since, until),
            await self._payments.counts(since, until),
            await self._wallets.stopped_count(MANY_STOPPED),
            await self._events.backlog(),
        )
