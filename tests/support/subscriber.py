"""One user with a subscription, and all that is to be seen of it, to be compared with a table."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from shothik_payment.domain.errors import PaymentServiceError
from shothik_payment.domain.model.payment import Payment
from shothik_payment.domain.model.plan import Billing, Interval, Limit, LimitUnit, Plan, Terms
from shothik_payment.domain.model.subscription import Subscription, SubscriptionStep
from shothik_payment.domain.model.time import DAY, Millis
from shothik_payment.domain.ports.gateway import Capabilities
from shothik_payment.domain.use_cases.offers import Choice
from shothik_payment.domain.use_cases.subscription_view import SubscriptionView
from shothik_payment.domain.use_cases.user_admin import UserAdmin
from tests.support.service import CATALOG, PLANS, TestService

PARAPHRASE, SLIDE = "paraphrase", "slide"
_FREE = Terms(
    "free",
    "Free",
    Interval.MONTH,
    None,
    services=("slide_service",),
    limits={"slide_service": Limit(LimitUnit.COUNT, 2)},
)
_PLANS = {plan.id: plan for plan in PLANS} | {"free": Plan(_FREE)}
LITTLE_FOR_FREE = replace(CATALOG, billing=Billing(_PLANS, _FREE, time_zone="Asia/Dhaka"))
"""Without a subscription there are two slides a month in Dhaka, and nothing else."""


def moment(text: str) -> Millis:
    """`2026-01-31` or `2026-01-31T10:30`, in UTC."""
    return Millis(round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000)


def written(at: Millis | None) -> str:
    if at is None:
        return "never"
    text = datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%dT%H:%M")
    return text.removesuffix("T00:00")


@dataclass
class Seen:
    """`state`: status, plan and period, and what is to come. `grants`: what is left of each in burn
    order, and when it ends. `usage`: how often and how many credits, by service. `told` and
    `charged`: since it was last asked for."""

    state: str
    balance: int = 0
    grants: str = ""
    usage: str = ""
    told: str = ""
    charged: str = ""
    stopped: str = ""


def word(kind: str, data: dict[str, Any]) -> str:
    """What counts of an event."""
    if kind.startswith("subscription."):
        return f"{kind.removeprefix('subscription.')}:{data.get('reason', '')}".rstrip(":")
    if kind == "credit.deducted":
        return f"-{data['amount']} {data['kind']}"
    if kind == "credit.added":
        return f"+{data['amount']}"
    if kind == "payment.completed":
        return f"paid {data['amountMinor']}"
    if kind.startswith("service."):
        verb = kind.removeprefix("service.").removesuffix("_user")
        return f"{verb} {data['service'].removesuffix('_service')}"
    if kind.startswith("usage."):
        service = (data.get("service") or "all").removesuffix("_service")
        return f"{kind.removeprefix('usage.limit_')} {service}"
    return kind


class Subscriber:
    """`service` charges saved methods, and both of its services are active."""

    def __init__(self, service: TestService, user: str = "u1") -> None:
        self.service, self.user = service, user
        self.gateway = service.gateway
        self._told = self._charged = 0

    @classmethod
    async def begin(cls, service: TestService, at: str, user: str = "u1") -> Subscriber:
        service.gateway.capabilities = Capabilities(
            ("USD",), recurring=True, partial_refunds=True, cancel=True
        )
        service.clock.time = moment(at)
        for slug in (PARAPHRASE, SLIDE):
            await service.keys.generate(slug, actor="test")
        await service.active.refresh()
        return cls(service, user)

    # What time does

    async def until(self, at: str | int) -> None:
        """Let time go on, and do what falls due when it does."""
        end = moment(at) if isinstance(at, str) else Millis(at)
        while (due := await self._next_due()) is not None and due <= end:
            # What could not be done when it was due comes again a little later.
            self.service.clock.time = Millis(max(due, self.service.clock.time))
            await self.service.do_due()
        self.service.clock.time = end

    async def _next_due(self) -> Millis | None:
        wallet = await self.service.wallets.get(self.user)
        # A gateway that does not answer is left alone for a while, whatever is due there.
        asked = self.service.payment_checks.silence_ends(self.service.clock.time) or Millis(0)
        checks = [p.next_check_at for p in await self.payments()]
        times = [max(check, asked) for check in checks if check is not None]
        if (due := wallet.next_due()) is not None:
            times.append(due)
        return min(times, default=None)

    # What the user does

    async def subscribe(self, plan: str) -> SubscriptionView:
        return await self.service.subscriptions.subscribe(self.user, plan, Choice())

    async def change(self, plan: str) -> SubscriptionView:
        return await self.service.subscriptions.change(self.user, plan, Choice())

    async def cancel(self, *, now: bool = False) -> SubscriptionView:
        return await self.service.subscriptions.cancel(self.user, now=now)

    async def keep(self) -> SubscriptionView:
        return await self.service.subscriptions.keep(self.user)

    async def pause(self) -> SubscriptionView:
        return await self.service.subscriptions.pause(self.user)

    async def resume(self) -> SubscriptionView:
        return await self.service.subscriptions.resume(self.user, Choice())

    async def pay(self, view: SubscriptionView | None = None) -> None:
        """In the checkout that was opened last, with a method that is kept on file."""
        payment = view.payment if view is not None else (await self.payments())[0]
        assert payment is not None
        await self.service.pay(payment)

    async def pay_renewal(self) -> SubscriptionView:
        return await self.service.subscriptions.pay(self.user, Choice())

    async def bought(self, plan: str) -> None:
        """Subscribed and paid, with the method on file from then on."""
        await self.pay(await self.subscribe(plan))
        self.save_card()
        await self.seen()

    def save_card(self) -> None:
        self.gateway.on_file.add(self.user)

    async def spend(self, amount: int, slug: str = PARAPHRASE) -> str:
        """The transaction's id."""
        done = await self.service.spend.deduct(
            self.service.caller(slug), self.user, amount=amount, units=None
        )
        assert done.transaction is not None
        return done.transaction.id

    async def refused(self, amount: int, slug: str = PARAPHRASE) -> str:
        """The code that the deduction is refused with; nothing where it is not."""
        try:
            await self.spend(amount, slug)
        except PaymentServiceError as refusal:
            return refusal.code
        return ""

    async def hold(self, amount: int, slug: str = PARAPHRASE) -> str:
        """The hold's id."""
        done = await self.service.spend.hold(
            self.service.caller(slug), self.user, amount=amount, units=None
        )
        assert done.hold is not None
        return done.hold.id

    async def capture(self, hold: str, slug: str = PARAPHRASE, amount: int | None = None) -> str:
        """The transaction's id."""
        done = await self.service.spend.capture(self.service.caller(slug), hold, amount=amount)
        assert done.transaction is not None
        return done.transaction.id

    async def reverse(self, row: str, slug: str = PARAPHRASE, amount: int | None = None) -> None:
        await self.service.spend.reverse(self.service.caller(slug), row, amount=amount)

    # What admins do

    async def give(self, plan: str, ends_at: int | None = None) -> SubscriptionView:
        ends = None if ends_at is None else Millis(ends_at)
        return await self.service.subscriptions.grant(self.user, plan, "a gift", ends)

    async def freeze(self) -> None:
        await self._admin.freeze(self.user, "fraud", actor="admin")

    async def unfreeze(self) -> None:
        await self._admin.unfreeze(self.user, "cleared", actor="admin")

    @property
    def _admin(self) -> UserAdmin:
        service = self.service
        return UserAdmin(service.writer, service.views, service.clock, service.ids)

    async def refund(self, payment: Payment, amount_minor: int | None = None) -> None:
        await self.service.payment_admin.refund(payment.id, amount_minor, None)

    # What is to be seen

    async def payments(self) -> list[Payment]:
        """Newest first."""
        return await self.service.payments.of_user(self.user, None, 1000)

    async def steps(self) -> list[SubscriptionStep]:
        """Oldest first."""
        return (await self.service.history.of_user(self.user, None, 10_000))[::-1]

    async def subscription(self) -> Subscription:
        subscription = (await self.service.wallets.get(self.user)).subscription
        assert subscription is not None
        return subscription

    def heard(self) -> str:
        """The events since they were last asked for."""
        events = [e for e in self.service.state.events if e.user_id == self.user]
        new, self._told = events[self._told :], len(events)
        return ", ".join(word(e.type, json.loads(e.data)) for e in new)

    def charged(self) -> str:
        """Money that has come in since that was last asked for."""
        charges = [money for user, money in self.gateway.charged if user == self.user]
        new, self._charged = charges[self._charged :], len(charges)
        return " ".join(str(money.amount_minor) for money in new)

    async def seen(self) -> Seen:
        wallet = await self.service.wallets.get(self.user)
        return Seen(
            state_of(wallet.subscription),
            wallet.available,
            ", ".join(f"{g.available} to {written(g.expires_at)}" for g in wallet.grants),
            ", ".join(
                f"{name.removesuffix('_service')} {used.count}/{used.credits}"
                for name, used in sorted(wallet.usage.items())
            ),
            self.heard(),
            self.charged(),
            ", ".join(
                f"{stop.cause.value} {(stop.service or 'all').removesuffix('_service')}"
                for stop in wallet.stops
            ),
        )

    async def days(self, count: int) -> None:
        await self.until(self.service.clock.time + count * DAY)


def state_of(subscription: Subscription | None) -> str:
    if subscription is None:
        return "none"
    terms, parts = subscription.terms, []
    if subscription.next_plan:
        parts.append(f"then {subscription.next_plan}")
    if subscription.cancel_at_period_end:
        parts.append("then cancelled")
    if subscription.pause_at_period_end:
        parts.append("then paused")
    if subscription.awaited is not None and not subscription.ended:
        awaited = subscription.awaited
        waiting = "link" if awaited.by_payer else "charging"
        parts.append("in review" if awaited.in_review else waiting)
    period = f"{written(subscription.period_start)}..{written(subscription.period_end)}"
    return " ".join([subscription.status.value, terms.plan, period, *parts])
