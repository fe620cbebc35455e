"""The fourteen events that the service tells: what each carries, its class and its routing key.

Fields are snake case here and camel case on the wire. A field with a default is left out where it
is None; `Millis` travel as RFC 3339 text in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from shothik_payment.domain.model.stop import StopCause
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.model.transaction import Metadata


class EventClass(StrEnum):
    CRITICAL = "critical"
    HIGH = "high"
    NORMAL = "normal"


@dataclass(slots=True)
class EventData:
    """What an event carries beside `userId`, `occurredAt` and `requestId`."""

    type: ClassVar[str]
    event_class: ClassVar[EventClass]

    def routing_key(self) -> str:
        return self.type


@dataclass(slots=True)
class ServiceStopUser(EventData):
    type: ClassVar[str] = "service.stop_user"
    event_class: ClassVar[EventClass] = EventClass.CRITICAL
    service: str
    reason: StopCause
    causes: list[StopCause]
    blocked_until: Millis | None = None

    def routing_key(self) -> str:
        return f"service.{self.service}.stop_user"


@dataclass(slots=True)
class ServiceResumeUser(EventData):
    """`reason` is the cause that went last."""

    type: ClassVar[str] = "service.resume_user"
    event_class: ClassVar[EventClass] = EventClass.CRITICAL
    service: str
    reason: StopCause

    def routing_key(self) -> str:
        return f"service.{self.service}.resume_user"


@dataclass(slots=True)
class UsageLimitExceeded(EventData):
    """`service` None: all. For `limit` "credits", `allowed` is what came in and `used` what was
    charged since the credits were last gone."""

    type: ClassVar[str] = "usage.limit_exceeded"
    event_class: ClassVar[EventClass] = EventClass.HIGH
    service: str | None
    limit: str
    used: int
    allowed: int
    resets_at: Millis | None = None


@dataclass(slots=True)
class UsageLimitReset(EventData):
    type: ClassVar[str] = "usage.limit_reset"
    event_class: ClassVar[EventClass] = EventClass.NORMAL
    service: str | None
    limit: str
    used: int
    allowed: int
    resets_at: Millis | None = None


@dataclass(slots=True)
class CreditDeducted(EventData):
    type: ClassVar[str] = "credit.deducted"
    event_class: ClassVar[EventClass] = EventClass.NORMAL
    transaction_id: str
    kind: str
    amount: int
    new_balance: int
    previous_balance: int
    service: str | None = None
    feature: str | None = None
    hold_id: str | None = None
    payment_id: str | None = None
    reason: str | None = None
    metadata: Metadata | None = None


@dataclass(slots=True)
class CreditAdded(EventData):
    type: ClassVar[str] = "credit.added"
    event_class: ClassVar[EventClass] = EventClass.HIGH
    transaction_id: str
    amount: int
    applied_to_debt: int
    new_balance: int
    previous_balance: int
    source: str
    payment_id: str | None = None
    subscription_id: str | None = None
    expires_at: Millis | None = None
    reason: str | None = None


@dataclass(slots=True)
class CreditRefunded(EventData):
    type: ClassVar[str] = "credit.refunded"
    event_class: ClassVar[EventClass] = EventClass.HIGH
    transaction_id: str
    original_transaction_id: str
    amount: int
    new_balance: int
    previous_balance: int
    service: str | None
    reason: str | None = None


@dataclass(slots=True)
class PaymentEventData(EventData):
    payment_id: str
    gateway: str
    session_id: str | None
    amount_minor: int
    currency: str
    credits: int | None = None
    pack_id: str | None = None
    plan: str | None = None
    failure_code: str | None = None
    refunded_minor: int | None = None


@dataclass(slots=True)
class PaymentCompleted(PaymentEventData):
    type: ClassVar[str] = "payment.completed"
    event_class: ClassVar[EventClass] = EventClass.HIGH


@dataclass(slots=True)
class PaymentFailed(PaymentEventData):
    type: ClassVar[str] = "payment.failed"
    event_class: ClassVar[EventClass] = EventClass.HIGH


@dataclass(slots=True)
class PaymentRefunded(PaymentEventData):
    type: ClassVar[str] = "payment.refunded"
    event_class: ClassVar[EventClass] = EventClass.HIGH


@dataclass(slots=True)
class SubscriptionEventData(EventData):
    subscription_id: str
    plan: str
    status: str
    current_period_start: Millis
    current_period_end: Millis
    previous_plan: str | None = None
    cancel_at_period_end: bool | None = None
    reason: str | None = None
    payment_url: str | None = None


@dataclass(slots=True)
class SubscriptionCreated(SubscriptionEventData):
    type: ClassVar[str] = "subscription.created"
    event_class: ClassVar[EventClass] = EventClass.NORMAL


@dataclass(slots=True)
class SubscriptionChanged(SubscriptionEventData):
    type: ClassVar[str] = "subscription.changed"
    event_class: ClassVar[EventClass] = EventClass.NORMAL


@dataclass(slots=True)
class SubscriptionCancelled(SubscriptionEventData):
    type: ClassVar[str] = "subscription.cancelled"
    event_class: ClassVar[EventClass] = EventClass.NORMAL


@dataclass(slots=True)
class SubscriptionExpired(SubscriptionEventData):
    type: ClassVar[str] = "subscription.expired"
    event_class: ClassVar[EventClass] = EventClass.NORMAL


EVENT_TYPES: tuple[type[EventData], ...] = (
    ServiceStopUser,
    ServiceResumeUser,
    UsageLimitExceeded,
    UsageLimitReset,
    CreditDeducted,
    CreditAdded,
    CreditRefunded,
    PaymentCompleted,
    PaymentFailed,
    PaymentRefunded,
    SubscriptionCreated,
    SubscriptionChanged,
    SubscriptionCancelled,
    SubscriptionExpired,
)


@dataclass(slots=True)
class Event:
    """An event in the outbox. `sequence` is the user's own gapless counter, from 1."""

    id: str
    user_id: str
    sequence: int
    at: Millis
    data: EventData
    request_id: str | None = None
