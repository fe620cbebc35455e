"""What a wallet looks like from outside: reads leave out what is due but not booked yet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shothik_payment.domain.ledger.account import Account
from shothik_payment.domain.ledger.coming_terms import ends_with_period
from shothik_payment.domain.ledger.commands import Expire
from shothik_payment.domain.ledger.limits import reserved, resets_at, used
from shothik_payment.domain.ledger.machine import apply
from shothik_payment.domain.ledger.rules import Rules
from shothik_payment.domain.model.plan import LimitUnit, Terms
from shothik_payment.domain.model.stop import StopCause
from shothik_payment.domain.model.subscription import Subscription, SubscriptionStatus, Usage
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.model.transaction import Transaction
from shothik_payment.domain.model.wallet import Wallet
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.ledger_store import Snapshot
from shothik_payment.domain.ports.wallets import Wallets
from shothik_payment.domain.use_cases.principals import ServicePrincipal


def as_of(wallet: Wallet, at: Millis, rules: Rules) -> Wallet:
    """The wallet as it would stand once everything due by `at` is booked, and stops that a changed
    catalog does not justify are lifted. Changes the argument."""
    due = wallet.next_due()
    if wallet.stops or (due is not None and due <= at):
        apply(Account(Snapshot(wallet)), Expire(id="", user_id=wallet.user_id, at=at), rules)
    return wallet


@dataclass(slots=True)
class LimitView:
    """Of the service asked for, in the plan that is in force. `near`: the share that the plan warns
    at is reached."""

    unit: LimitUnit
    allowed: int
    used: int
    held: int
    resets_at: Millis | None
    near: bool

    @property
    def remaining(self) -> int:
        return max(0, self.allowed - self.used - self.held)


@dataclass(slots=True)
class ServiceUsage:
    service: str
    usage: Usage
    limit: LimitView | None
    resets_at: Millis | None


@dataclass(slots=True)
class AccessAnswer:
    """`reason` None where access is given, else why not. Amounts in credits. `limit` None: the plan
    does not limit the service. `until`: when the plan's period ends, None without one."""

    can_access: bool
    reason: str | None
    plan: str
    plan_status: str
    required: int
    available: int
    held: int
    causes: list[StopCause]
    limit: LimitView | None = None
    until: Millis | None = None
    cancel_at_period_end: bool = False


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


def _in_force(wallet: Wallet, rules: Rules) -> tuple[Terms, Subscription | None]:
    """The terms that hold now, and the subscription to be shown: one that is not paid for yet, or
    that has ended, is as good as none."""
    subscription = wallet.subscription
    if subscription is None or subscription.ended:
        return rules.billing.free, None
    if subscription.status is SubscriptionStatus.INCOMPLETE:
        return rules.billing.free, None
    return subscription.terms if subscription.running else rules.billing.free, subscription


def limit_view(wallet: Wallet, terms: Terms, service: str) -> LimitView | None:
    limit = terms.limits.get(service)
    if limit is None:
        return None
    so_far, held = used(wallet, service, limit.unit), reserved(wallet, service, limit.unit)
    near = (so_far + held) * 100 >= limit.allowed * terms.warn_percent
    return LimitView(limit.unit, limit.allowed, so_far, held, resets_at(wallet), near)


def usage_of(wallet: Wallet, rules: Rules) -> list[ServiceUsage]:
    """Of the services that have charged in the period, or that the plan in force limits."""
    terms, _ = _in_force(wallet, rules)
    return [
        ServiceUsage(
            service,
            wallet.usage.get(service, Usage()),
            limit_view(wallet, terms, service),
            resets_at(wallet),
        )
        for service in sorted({*wallet.usage, *terms.limits})
    ]


class WalletViews:
    def __init__(self, wallets: Wallets, rules: Callable[[], Rules], clock: Clock) -> None:
        self._wallets = wallets
        self.rules = rules
        self._clock = clock

    async def wallet(self, user_id: str) -> Wallet:
        return as_of(await self._wallets.get(user_id), self._clock.now(), self.rules())

    async def history(self, user_id: str, before: int | None, limit: int) -> HistoryPage:
        rows = await self._wallets.history(user_id, before, limit + 1)
        more = len(rows) > limit
        rows = rows[:limit]
        return HistoryPage(rows, rows[-1].number if more else None)

    async def access(
        self, caller: ServicePrincipal, user_id: str, units: int | None
    ) -> AccessAnswer:
        """May the user use the caller's service now, for `units` (None: one credit's worth)?"""
        service = caller.service
        required = 1 if units is None else service.credits_for(units)
        wallet = await self.wallet(user_id)
        causes = wallet.causes(service.name)
        terms, shown = _in_force(wallet, self.rules())
        limit = limit_view(wallet, terms, service.name)
        reason = None
        if StopCause.FROZEN in causes:
            reason = "user_frozen"
        elif not terms.includes(service.name):
            reason = "service_not_in_plan"
        elif limit is not None and limit.remaining < (
            1 if limit.unit is LimitUnit.COUNT else required
        ):
            reason = "plan_limit_reached"
        elif wallet.available < required:
            reason = "insufficient_credits"
        elif causes:
            reason = causes[0].value
        return AccessAnswer(
            reason is None,
            reason,
            shown.terms.plan if shown is not None else terms.plan,
            shown.status.value if shown is not None else "active",
            required,
            wallet.available,
            wallet.held,
            causes,
            limit,
            shown.period_end if shown is not None and shown.running else None,
            shown is not None and ends_with_period(self.rules().billing, shown),
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
