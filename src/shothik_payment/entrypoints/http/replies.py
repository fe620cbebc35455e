"""What clients get. Every reply is a function of what was done, so that a repeat is the same."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Raw, Struct

Success = Annotated[bool, Meta(extra_json_schema={"const": True})]
Failed = Annotated[bool, Meta(extra_json_schema={"const": False})]
Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Next = Annotated[str, Meta(description="The cursor of the next page; null at the end.")]
JsonObject = Annotated[Raw, Meta(extra_json_schema={"type": "object"})]


class View(Struct, rename="camel", kw_only=True, frozen=True):
    """A part of a reply; every field is always there."""


class Reply(View, kw_only=True, frozen=True):
    success: Success = True


class ErrorView(View, kw_only=True, frozen=True):
    code: str
    message: str
    details: dict[str, Any]


class FailureReply(View, kw_only=True, frozen=True):
    success: Failed = False
    message: str
    error: ErrorView


class DeductReply(Reply, kw_only=True, frozen=True):
    transaction_id: str
    new_balance: int
    previous_balance: int


class BalanceReply(Reply, kw_only=True, frozen=True):
    user_id: str
    balance: int
    currency: str = "credits"
    held: int


class ReverseReply(Reply, kw_only=True, frozen=True):
    transaction_id: str
    amount_reversed: int
    new_balance: int


class HoldView(View, kw_only=True, frozen=True):
    id: str
    user_id: str
    service: str
    amount: int
    captured: int
    status: Literal["active", "captured", "released", "expired"]
    expires_at: Time


class HoldReply(Reply, kw_only=True, frozen=True):
    hold: HoldView
    new_balance: int


class PlanView(View, kw_only=True, frozen=True):
    plan: str
    status: str


class LimitView(View, kw_only=True, frozen=True):
    """What the plan allows of a service in one period: so many charges (`count`), or so many
    credits in all; `held` is reserved by open holds. `near`: the plan warns from here on."""

    unit: Literal["count", "credits"]
    allowed: int
    used: int
    held: int
    remaining: int
    resets_at: Time | None
    near: bool


class AccessReply(Reply, kw_only=True, frozen=True):
    """`required`, `balance` and `held` in credits. `limits` by service, only the caller's own;
    empty where the plan does not limit it. `currentPeriodEnd`: until when the plan is in force,
    null where nothing ends."""

    can_access: bool
    reason: str | None
    subscription: PlanView
    current_period_end: Time | None
    cancel_at_period_end: bool
    limits: dict[str, LimitView]
    required: int
    balance: int
    held: int
    causes: list[str]


class ServiceView(View, kw_only=True, frozen=True):
    name: str
    slug: str
    unit: str
    per: int
    credits: int
    aliases: list[str]
    rate_limit_per_hour: int


class ServicesReply(Reply, kw_only=True, frozen=True):
    services: list[ServiceView]


class BlockedView(View, kw_only=True, frozen=True):
    user_id: str
    causes: list[str]
    since: Time
    sequence: str


class BlocklistReply(Reply, kw_only=True, frozen=True):
    users: list[BlockedView]
    next: Next | None


class PriceView(View, kw_only=True, frozen=True):
    currency: str
    amount_minor: int


class PackView(View, kw_only=True, frozen=True):
    id: str
    title: str
    credits: int
    prices: list[PriceView]


class PacksReply(Reply, kw_only=True, frozen=True):
    packs: list[PackView]


class GrantView(View, kw_only=True, frozen=True):
    id: str
    source: str
    amount: int
    available: int
    held: int
    expires_at: Time | None


class UsedLimitView(View, kw_only=True, frozen=True):
    unit: Literal["count", "credits"]
    allowed: int
    remaining: int
    near: bool


class UsageView(View, kw_only=True, frozen=True):
    """What a service has charged since the period began: how often, and how many credits. `limit`
    null: the plan does not limit it."""

    service: str
    count: int
    credits: int
    limit: UsedLimitView | None
    resets_at: Time | None


class WalletView(View, kw_only=True, frozen=True):
    """`usage` by service, counted where a plan may limit it."""

    balance: int
    status: Literal["active", "frozen"]
    held: int
    debt: int
    grants: list[GrantView]
    usage: list[UsageView]


class WalletReply(Reply, kw_only=True, frozen=True):
    wallet: WalletView


class GrantPartView(View, kw_only=True, frozen=True):
    grant_id: str
    available_delta: int
    held_delta: int


class TransactionView(View, kw_only=True, frozen=True):
    id: str
    number: int
    kind: str
    at: Time
    amount: int
    available_delta: int
    held_delta: int
    debt_delta: int
    balance_before: int
    balance_after: int
    new_balance: int
    grants: list[GrantPartView]
    service: str | None
    feature: str | None
    hold_id: str | None
    payment_id: str | None
    reverses: str | None
    reversed_total: int
    reason: str | None
    metadata: dict[str, str | int | float | bool | None] | None
    request_id: str | None


class TransactionsReply(Reply, kw_only=True, frozen=True):
    transactions: list[TransactionView]
    next: Next | None


class AdjustReply(DeductReply, kw_only=True, frozen=True):
    """Given or taken."""


class ApiKeyView(View, kw_only=True, frozen=True):
    id: str
    service: str
    name: str
    prefix: str
    last4: str
    scopes: list[str]
    status: Literal["active", "revoked", "expired"]
    created_at: Time
    expires_at: Time | None
    last_used_at: Time | None
    rate_limit: int | None
    allowed_ips: list[str]
    revoked_at: Time | None = None
    rotated_at: Time | None = None
    replaced_by: str | None = None
    replaces: str | None = None
    legacy: bool = False


class GeneratedKeyReply(Reply, kw_only=True, frozen=True):
    """`key` is shown this once: null on a repeat."""

    key: str | None
    api_key: ApiKeyView


class ApiKeyReply(Reply, kw_only=True, frozen=True):
    api_key: ApiKeyView


class ApiKeysReply(Reply, kw_only=True, frozen=True):
    api_keys: list[ApiKeyView]
    next: Next | None


class EventView(Struct, rename="lower", kw_only=True, frozen=True):
    """A CloudEvents 1.0 envelope. `sequence` counts the user's events, without a gap."""

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str
    type: str
    subject: str
    time: Time
    datacontenttype: Literal["application/json"] = "application/json"
    sequence: str
    data: JsonObject


class EventsReply(Reply, kw_only=True, frozen=True):
    """`last`: where to go on once more has happened."""

    events: list[EventView]
    next: Next | None
    last: str


class ReplayReply(Reply, kw_only=True, frozen=True):
    """`replayed`: events that were told again; `refused`: those that not every queue took;
    `retold`: users whose state was told anew."""

    replayed: int
    refused: int
    retold: int
