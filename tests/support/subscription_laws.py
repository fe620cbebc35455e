"""What holds of a user with subscriptions whatever has happened, read from what was stored."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from shothik_payment.adapters import codec
from shothik_payment.domain.ledger.limits import used
from shothik_payment.domain.model.grant import GrantSource
from shothik_payment.domain.model.payment import OPEN_STATUSES, Payment, PaymentStatus
from shothik_payment.domain.model.stop import StopCause
from shothik_payment.domain.model.subscription import StepKind, SubscriptionStep, Usage
from shothik_payment.domain.model.transaction import Transaction, TransactionKind
from shothik_payment.domain.model.wallet import Wallet
from tests.support.subscriber import Subscriber, moment

_PAID_KINDS = (StepKind.STARTED, StepKind.RENEWED, StepKind.UPGRADED)
_SPENT = (TransactionKind.DEDUCT, TransactionKind.CAPTURE)


_DAY_MS = 24 * 3_600_000


@dataclass
class Laws:
    """`given`: ids of the subscriptions that an admin gave. `free`: credits a period of the plans
    without a price."""

    user: Subscriber
    given: set[str] = field(default_factory=set)
    free: dict[str, int] = field(default_factory=lambda: {"free": 0, "gift": 30})

    async def check(self) -> None:
        user = self.user
        wallet = await user.service.wallets.get(user.user)
        payments = {payment.id: payment for payment in await user.payments()}
        steps = await user.steps()
        assert await user.service.differences() == []
        # The sweep, which counts how often it asks, keeps off what a request is charging.
        assert not any(payment.checks for payment in user.gateway.collided)
        assert [step.number for step in steps] == list(range(1, wallet.steps + 1))
        check_periods(steps)
        self._check_payments(wallet, steps, payments)
        self._check_grants(payments)
        self._check_free_credits()
        check_told(user, wallet)
        self._check_usage(wallet)
        self._check_causes(wallet)

    def _check_payments(
        self, wallet: Wallet, steps: list[SubscriptionStep], payments: dict[str, Payment]
    ) -> None:
        """Each period of a plan with a price has a paid payment of its own, and the gateway was
        paid for nothing else, but for what an admin has to look at."""
        paid = [s for s in steps if s.payment_id is not None and s.kind in _PAID_KINDS]
        times = Counter(step.payment_id for step in paid)
        assert all(count == 1 for count in times.values()), times
        for step in steps:
            if step.kind in (StepKind.STARTED, StepKind.RENEWED) and step.payment_id is None:
                assert step.plan in self.free, step
        for payment in payments.values():
            if payment.id in times:
                assert payment.paid == payment.price
            assert (payment.grant_id is not None) is (payment.id in times), payment
        money = [money for name, money in self.user.gateway.charged if name == self.user.user]
        taken = [p.paid for p in payments.values() if p.paid is not None]
        taken += [p.price for p in self.unheard(payments.values())]
        assert Counter(m.amount_minor for m in money) == Counter(m.amount_minor for m in taken)
        charging = {p.id for p in payments.values() if p.status in OPEN_STATUSES and p.off_session}
        awaited = wallet.subscription.awaited if wallet.subscription is not None else None
        assert charging <= {awaited.payment_id if awaited is not None else ""}

    def unheard(self, payments: Iterable[Payment]) -> list[Payment]:
        """Charged, and the answer got lost: they are asked about, for ten days."""
        waited_for = (*OPEN_STATUSES, PaymentStatus.EXPIRED)
        return [
            payment
            for payment in payments
            if payment.paid is None
            and payment.off_session
            and payment.status in waited_for
            and (report := self.user.gateway.states.get(payment.id)) is not None
            and report.paid is not None
        ]

    def _check_grants(self, payments: dict[str, Payment]) -> None:
        """Credits of a subscription come with a payment, from a plan without a price, or once from
        a plan that was given."""
        given = Counter[str | None]()
        stored = self.user.service.state.grants.values()
        for grant in map(codec.decode_grant, stored):
            if grant.source is not GrantSource.SUBSCRIPTION:
                continue
            if grant.payment_id is not None:
                payment = payments[grant.payment_id]
                assert (payment.grant_id, payment.credits) == (grant.id, grant.amount)
            elif grant.amount not in self.free.values():
                given[grant.subscription_id] += 1
        assert given.keys() <= self.given
        assert all(count == 1 for count in given.values())

    def _check_free_credits(self) -> None:
        """Once a month, however often the plan is taken anew."""
        ends = [
            moment(data["expiresAt"][:23])
            for event in self.user.service.state.events
            if event.type == "credit.added"
            and (data := json.loads(event.data))["source"] == "subscription"
            and "paymentId" not in data
            and data["subscriptionId"] not in self.given
        ]
        assert all(b - a >= 28 * _DAY_MS for a, b in pairwise(ends)), ends

    def _check_causes(self, wallet: Wallet) -> None:
        """A stop stands while its cause does, and no longer."""
        subscription, free = wallet.subscription, self.user.service.catalog.billing.free
        running = subscription is not None and subscription.running
        terms = subscription.terms if subscription is not None and running else free
        reached = {
            service
            for service, limit in terms.limits.items()
            if used(wallet, service, limit.unit) >= limit.allowed
        }
        by_cause = {
            cause: {stop.service for stop in wallet.stops if stop.cause is cause}
            for cause in StopCause
        }
        assert by_cause[StopCause.LIMIT_REACHED] == reached
        assert not any(map(terms.includes, filter(None, by_cause[StopCause.SUBSCRIPTION_LAPSED])))
        assert not (by_cause[StopCause.CREDITS_GONE] and wallet.available + wallet.held)

    def _check_usage(self, wallet: Wallet) -> None:
        """What was charged since usage began anew, less what was given back of that. While nothing
        is limited, nothing is counted, but for what a free plan that may be begun again has left.
        """
        running = wallet.subscription is not None and wallet.subscription.running
        if not running and wallet.usage_ends is None:
            assert wallet.usage == {}
            return
        counted = {name: use for name, use in wallet.usage.items() if use != Usage()}
        # In the very millisecond in which it began anew it may have been charged before or after.
        assert counted in (self._usage(wallet.usage_since), self._usage(wallet.usage_since + 1))

    def _usage(self, since: int) -> dict[str, Usage]:
        rows = rows_of(self.user)
        back: Counter[str] = Counter()
        for row in rows:
            if row.reverses is not None:
                back[row.reverses] += row.amount
        expected: dict[str, Usage] = {}
        for row in rows:
            if row.kind in _SPENT and row.at >= since and row.service is not None:
                usage = expected.setdefault(row.service, Usage())
                usage.count += back[row.id] < row.amount
                usage.credits += row.amount - back[row.id]
        return {name: use for name, use in expected.items() if use != Usage()}


def rows_of(user: Subscriber) -> list[Transaction]:
    state = user.service.state
    found = [state.transaction(i) for i in state.rows.get(user.user, [])]
    return [row for row in found if row is not None]


def check_periods(steps: list[SubscriptionStep]) -> None:
    """A renewal begins where the period before it ends: no day is left out or comes twice."""
    ends: dict[str, int] = {}
    for step in steps:
        if step.kind is StepKind.RENEWED:
            assert step.period_start == ends[step.subscription_id], step
        if step.kind is not StepKind.PAUSED:
            assert step.period_end > step.period_start, step
        ends[step.subscription_id] = step.period_end


def check_told(user: Subscriber, wallet: Wallet) -> None:
    """Folded, the events give who is stopped now; each occasion is told once, and its end."""
    stopped: dict[str, bool] = {}
    exceeded: dict[tuple[str | None, str], bool] = {}
    for event in user.service.state.events:
        data = json.loads(event.data)
        if event.type.startswith("service."):
            stops = event.type == "service.stop_user"
            assert stopped.get(data["service"], False) is not stops, event
            stopped[data["service"]] = stops
        elif event.type.startswith("usage."):
            over = event.type == "usage.limit_exceeded"
            kind = (data["service"], data["limit"].partition("_")[0])
            assert exceeded.get(kind, False) is not over, event
            exceeded[kind] = over
    for service in user.service.active.rules().active_services:
        assert stopped.get(service, False) is bool(wallet.causes(service)), service
