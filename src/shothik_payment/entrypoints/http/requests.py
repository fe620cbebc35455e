"""What clients send. Unknown fields are ignored; null is the same as absent."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType, field

from shothik_payment.domain.model.key_usage import Granularity
from shothik_payment.entrypoints.http import fields as f


class Body(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """A write: its request key may be in the body as well as in the header.

    What is absent is left out of the fingerprint too, so that a field that comes later changes no
    fingerprint that is stored.
    """

    request_id: f.RequestId | None = None


class DeductBody(Body, kw_only=True):
    user_id: f.UserId
    amount: f.Amount | None = None
    units: f.Units | None = None
    service: f.Name | None = None
    feature: f.Name | None = None
    metadata: f.Metadata | None = None


class ReverseBody(Body, kw_only=True):
    transaction_id: f.Name
    amount: f.Amount | None = None
    reason: f.Reason | None = None


class HoldBody(DeductBody, kw_only=True):
    ttl_seconds: f.Seconds | None = None


class CaptureBody(Body, kw_only=True):
    amount: f.Amount | None = None


class ReleaseBody(Body, kw_only=True):
    """Nothing but, perhaps, a request key."""


class InitiateBody(Body, kw_only=True):
    pack_id: f.Name | None = None
    credits: f.Amount | None = None
    gateway: f.Name | None = None
    currency: f.Currency | None = None
    success_url: f.Url | None = None
    cancel_url: f.Url | None = None


class ChoiceBody(Body, kw_only=True):
    """How something is paid, where it has to be."""

    gateway: f.Name | None = None
    currency: f.Currency | None = None
    success_url: f.Url | None = None
    cancel_url: f.Url | None = None


class SubscribeBody(ChoiceBody, kw_only=True):
    plan: f.Name


class ChangeSubscriptionBody(ChoiceBody, kw_only=True):
    """Exactly one of `plan`, `cancelAtPeriodEnd` and `paused`; false takes back."""

    plan: f.Name | None = None
    cancel_at_period_end: f.Flag | None = None
    paused: f.Flag | None = None


class CancelSubscriptionBody(Body, kw_only=True):
    """Nothing but, perhaps, a request key."""


class CancelSubscriptionQuery(Struct, rename="camel", kw_only=True):
    now: f.QueryFlag = "false"


class PayRenewalBody(Body, kw_only=True):
    success_url: f.Url | None = None
    cancel_url: f.Url | None = None


class PreviewBody(Struct, rename="camel", kw_only=True):
    plan: f.Name
    gateway: f.Name | None = None
    currency: f.Currency | None = None


class ExtendSubscriptionBody(Body, kw_only=True):
    days: f.Days
    reason: f.Reason


class EndSubscriptionBody(Body, kw_only=True):
    """`now`: at once, else at the period's end."""

    now: f.Flag | None = None
    reason: f.Reason


class GrantPlanBody(Body, kw_only=True):
    """`endsAt` absent: one period of the plan."""

    plan: f.Name
    ends_at: f.Moment | None = None
    reason: f.Reason


class AdjustBody(Body, kw_only=True):
    user_id: f.UserId
    amount: f.SignedAmount
    reason: f.Reason
    expires_at: f.Moment | None = None


class RefundBody(Body, kw_only=True):
    """`amount` in minor units of the payment's currency; absent: all that is left."""

    amount: f.MinorUnits | None = None
    reason: f.Reason | None = None


class AcceptBody(Body, kw_only=True):
    reason: f.Reason


class FreezeBody(Body, kw_only=True):
    reason: f.Reason


class GenerateKeyBody(Body, kw_only=True):
    service: f.Name
    name: f.Name | None = None
    scopes: f.KeyScopes | None = None
    expires_at: f.Moment | None = None
    allowed_ips: f.Networks | None = None
    rate_limit: f.RateLimit | None = None


class KeyChanges(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """What is absent stays; null lifts an end, addresses, a limit."""

    name: f.Name | None = None
    scopes: f.KeyScopes | None = None
    expires_at: f.Moment | UnsetType | None = UNSET
    allowed_ips: f.Networks | UnsetType | None = UNSET
    rate_limit: f.RateLimit | UnsetType | None = UNSET


class UpdateKeyBody(KeyChanges, kw_only=True):
    request_id: f.RequestId | None = None


class RotateKeyBody(Body, kw_only=True):
    grace_seconds: f.GraceSeconds | None = None


class RevokeKeyBody(Body, kw_only=True):
    """Nothing but, perhaps, a request key."""


class BulkKeysBody(Body, kw_only=True):
    """`changes` with `update`, `graceSeconds` with `rotate`."""

    action: f.KeyAction
    key_ids: f.KeyIds
    changes: Annotated[KeyChanges, Meta(extra={"expected": "an object"})] | None = None
    grace_seconds: f.GraceSeconds | None = None


class AccessQuery(Struct, rename="camel", kw_only=True):
    service: f.Name | None = None
    feature: f.Name | None = None
    units: f.Units | None = None


class PageQuery(Struct, rename="camel", kw_only=True):
    limit: f.Limit = 50
    cursor: f.Cursor | None = None


class BlocklistQuery(Struct, rename="camel", kw_only=True):
    """The default is the most: a consumer that overlooks `next` misses as little as it can."""

    limit: f.BlocklistLimit = 5000
    cursor: f.Cursor | None = None


class KeysQuery(PageQuery, kw_only=True):
    service: f.Name | None = None
    status: f.KeyStatus | None = None


class KeyUsageQuery(Struct, rename="camel", kw_only=True):
    """Absent: until now, and the last 30 days by day, 48 hours by hour."""

    since: f.Moment | None = field(name="from", default=None)
    until: f.Moment | None = field(name="to", default=None)
    granularity: f.Granularity = Granularity.DAY


class EventsQuery(Struct, rename="camel", kw_only=True):
    user_id: f.UserId | None = None
    type: f.EventTypes | None = None
    after: f.Cursor | None = None
    limit: f.Limit = 50


class ReplayBody(Body, kw_only=True):
    since: f.Moment = field(name="from")
    until: f.Moment = field(name="to")
    user_id: f.UserId | None = None
    types: f.SomeEventTypes | None = None
    queue: f.Name | None = None
