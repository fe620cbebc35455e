"""What a wallet looks like from outside: reads leave out what is due but not booked yet."""

from __future__ import annotations

from dataclasses import dataclass

from shothik_payment.domain.ledger.account import Account
from shothik_payment.domain.ledger.commands import Expire
from shothik_payment.domain.ledger.machine import apply
from shothik_payment.domain.ledger.rules import Rules
from shothik_payment.domain.model.stop import StopCause
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.model.transaction import Transaction
from shothik_payment.domain.model.wallet import Wallet
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.ledger_store import Snapshot
from shothik_payment.domain.ports.wallets import Wallets
from shothik_payment.domain.use_cases.principals import ServicePrincipal

FREE_PLAN = "free"


def as_of(wallet: Wallet, at: Millis) -> Wallet:
    """The wallet as it would stand once everything due by `at` is booked. Changes the argument."""
    due = wallet.next_due()
    if due is not None and due <= at:
        apply(Account(Snapshot(wallet)), Expire(id="", user_id=wallet.user_id, at=at), Rules())
    return wallet


@dataclass(slots=True)
class AccessAnswer:
    """`reason` None where access is given, else why not. Amounts in credits."""

    can_access: bool
    reason: str | None
    plan: str
    plan_status: str
    required: int
    available: int
    held: int
    causes: list[StopCause]


@dataclass(slots=True)
class BlockedUser:
    user_id: str
    causes: list[StopCause]
    since: Millis
    sequence: int


@dataclass(slots=True)
class HistoryPage:
    transactions: list[Transaction]
    next: int | None


class WalletViews:
    def __init__(self, wallets: Wallets, clock: Clock) -> None:
        self._wallets = wallets
        self._clock = clock

    async def wallet(self, user_id: str) -> Wallet:
        return as_of(await self._wallets.get(user_id), self._clock.now())

    async def history(self, user_id: str, before: int | None, limit: int) -> HistoryPage:
        rows = await self._wallets.history(user_id, before, limit + 1)
        more = len(rows) > limit
        rows = rows[:limit]
        return HistoryPage(rows, rows[-1].number if more else None)

    async def access(
        self, caller: ServicePrincipal, user_id: str, units: int | None
    ) -> AccessAnswer:
        """May the user use the caller's service now, for `units` (None: one credit's worth)?

        Every user is on the free plan: every service, no limits.
        """
        service = caller.service
        required = 1 if units is None else service.credits_for(units)
        wallet = await self.wallet(user_id)
        causes = wallet.causes(service.name)
        reason = None
        if StopCause.FROZEN in causes:
            reason = "user_frozen"
        elif wallet.available < required:
            reason = "insufficient_credits"
        elif causes:
            reason = causes[0].value
        return AccessAnswer(
            reason is None,
            reason,
            FREE_PLAN,
            "active",
            required,
            wallet.available,
            wallet.held,
            causes,
        )

    async def blocklist(
        self, service: str, after: str | None, limit: int
    ) -> tuple[list[BlockedUser], str | None]:
        """Users stopped for the service as committed, with the sequence of their last event."""
        page = await self._wallets.stopped(service, after, limit)
        users = [
            BlockedUser(
                w.user_id, w.causes(service), w.stopped_since(service) or w.last_at, w.events
            )
            for w in page.wallets
        ]
        return users, page.next
