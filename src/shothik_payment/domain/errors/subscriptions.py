"""What plans and subscriptions refuse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from shothik_payment.domain.errors.root import PaymentServiceError


@dataclass(eq=False)
class ServiceNotInPlan(PaymentServiceError):
    code: ClassVar[str] = "service_not_in_plan"
    service: str
    plan: str

    @property
    def message(self) -> str:
        return f"The plan {self.plan} does not include {self.service}."


@dataclass(eq=False)
class PlanLimitReached(PaymentServiceError):
    """`limit` is `count` or `credits`; `held`: what open holds reserve of it. `resets_at` in ms
    since the epoch, None where it is not known yet."""

    code: ClassVar[str] = "plan_limit_reached"
    service: str
    plan: str
    limit: str
    allowed: int
    used: int
    held: int
    required: int
    resets_at: int | None = None

    @property
    def message(self) -> str:
        left = max(0, self.allowed - self.used - self.held)
        return f"{self.required} more {self.limit} of {self.service}: the plan has {left} left."


@dataclass(eq=False)
class SubscriptionExists(PaymentServiceError):
    """There can be one at a time; a change of plan is a change of that one."""

    code: ClassVar[str] = "subscription_exists"
    subscription_id: str
    plan: str
    status: str

    @property
    def message(self) -> str:
        return f"There is a subscription to {self.plan} already; it is {self.status}."


@dataclass(eq=False)
class NoSubscription(PaymentServiceError):
    code: ClassVar[str] = "no_subscription"

    @property
    def message(self) -> str:
        return "There is no subscription."


@dataclass(eq=False)
class SubscriptionPaymentOpen(PaymentServiceError):
    """A payment for the subscription is under way: it decides first."""

    code: ClassVar[str] = "subscription_payment_open"
    payment_id: str

    @property
    def message(self) -> str:
        return "A payment for the subscription is under way."


@dataclass(eq=False)
class NotInThisStatus(PaymentServiceError):
    """`status` is the subscription's; what was asked for makes no sense in it."""

    code: ClassVar[str] = "subscription_status"
    status: str
    reason: str

    @property
    def message(self) -> str:
        return self.reason
