"""A subscription: the plan a user has, until when, and what is still to be paid for it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from shothik_payment.domain.model.calendar import period_start
from shothik_payment.domain.model.plan import Terms
from shothik_payment.domain.model.time import Millis


class SubscriptionStatus(StrEnum):
    """`INCOMPLETE`: the first payment is awaited. `PAST_DUE`: a renewal could not be charged, and
    is tried again. `CANCELLED` by somebody, `EXPIRED` by time: both are the end."""

    INCOMPLETE = "incomplete"
    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


ENDED_STATUSES = (SubscriptionStatus.CANCELLED, SubscriptionStatus.EXPIRED)
RUNNING_STATUSES = (
    SubscriptionStatus.TRIALING,
    SubscriptionStatus.ACTIVE,
    SubscriptionStatus.PAST_DUE,
)


class PaidFor(StrEnum):
    START = "start"
    RENEWAL = "renewal"
    UPGRADE = "upgrade"


@dataclass(slots=True)
class AwaitedPayment:
    """The one payment that is open for a subscription, and what it is for: `terms` are in force
    once it is paid. `by_payer`: the payer has been given its link. `in_review`: what was paid
    contradicts, and an admin has to look at it."""

    payment_id: str
    paid_for: PaidFor
    terms: Terms
    by_payer: bool
    in_review: bool = False

    @property
    def under_way(self) -> bool:
        """A charge whose end only the gateway knows: it is waited for."""
        return not (self.by_payer or self.in_review)


@dataclass(slots=True)
class Dunning:
    """A renewal that is due `since`. `attempts` have failed, the next one is made at `retry_at`
    (None: one is under way). `lapsed`: the grace is over. `of_trial`: it is the first payment after
    a trial."""

    since: Millis
    attempts: int = 0
    retry_at: Millis | None = None
    lapsed: bool = False
    of_trial: bool = False


@dataclass(slots=True)
class Subscription:
    """`terms` hold for the period from `period_start` to `period_end`, which is number `period`
    from the `anchor` on. `next_plan`: from the next period on; `next_free`: it cost nothing when it
    was chosen. `gateway` None: nothing is charged.
    `given` by an admin: nothing is paid for it, and it ends with its period. `dunning` from the end
    of a period until its renewal is paid. `next_step_at`: when something is
    to be done about it, None where nothing is.
    """

    id: str
    status: SubscriptionStatus
    terms: Terms
    created_at: Millis
    anchor: Millis
    period: int
    period_start: Millis
    period_end: Millis
    time_zone: str = "UTC"
    gateway: str | None = None
    currency: str | None = None
    next_plan: str | None = None
    next_free: bool = False
    given: bool = False
    cancel_at_period_end: bool = False
    pause_at_period_end: bool = False
    awaited: AwaitedPayment | None = None
    dunning: Dunning | None = None
    next_step_at: Millis | None = None
    ended_at: Millis | None = None

    @property
    def ended(self) -> bool:
        return self.status in ENDED_STATUSES

    @property
    def standing(self) -> str:
        """What has to be the same for who ends it to know what is ended."""
        return f"{self.id} {self.terms.plan} {self.status} {self.period_start}"

    @property
    def running(self) -> bool:
        """Whether its plan is in force."""
        return self.status in RUNNING_STATUSES and not (self.dunning and self.dunning.lapsed)

    @property
    def free(self) -> bool:
        return self.terms.price is None and not self.given

    @property
    def lasts(self) -> bool:
        """Whether it goes on to the end of its period where it is cancelled now."""
        lasting = (SubscriptionStatus.ACTIVE, SubscriptionStatus.TRIALING)
        return self.status in lasting and self.dunning is None

    def copy(self) -> Subscription:
        awaited = None if self.awaited is None else replace(self.awaited)
        dunning = None if self.dunning is None else replace(self.dunning)
        return replace(self, awaited=awaited, dunning=dunning)

    def drop_upgrade(self) -> None:
        """Nobody has paid it; who pays for the next one is open again."""
        self.awaited = None
        if self.terms.price is None:
            self.gateway = self.currency = None

    def begin_period(self, anchor: Millis, number: int, terms: Terms) -> None:
        self.anchor, self.period, self.terms = anchor, number, terms
        self.period_start = period_start(anchor, number, terms.interval, self.time_zone)
        self.period_end = period_start(anchor, number + 1, terms.interval, self.time_zone)


class StepKind(StrEnum):
    CREATED = "created"
    STARTED = "started"
    RENEWED = "renewed"
    RENEWAL_FAILED = "renewal_failed"
    LAPSED = "lapsed"
    UPGRADED = "upgraded"
    CHANGE_PLANNED = "change_planned"
    CHANGE_DROPPED = "change_dropped"
    EXTENDED = "extended"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


@dataclass(slots=True)
class SubscriptionStep:
    """Something that happened to a subscription; written once. `number` counts a user's steps from
    1 without a gap; the rest is as it was after the step."""

    user_id: str
    number: int
    at: Millis
    kind: StepKind
    subscription_id: str
    plan: str
    status: SubscriptionStatus
    period_start: Millis
    period_end: Millis
    payment_id: str | None = None
    reason: str | None = None


@dataclass(slots=True)
class Usage:
    """What one service has charged since the period began: how often, and how many credits."""

    count: int = 0
    credits: int = 0
