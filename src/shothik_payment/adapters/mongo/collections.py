"""The collections: which there are, and what each keeps in an index.

`bucket` is in every document that belongs to a user, and first in every unique index of such a
collection, so that each can be sharded on it alone: then one user's documents are on one shard,
and a commit is a transaction of that shard. Ids carry the bucket, so a look-up by id names it too.
docs/mongodb.md explains each index. Those of API keys are in `key_collections.py`.
"""

from __future__ import annotations

from shothik_payment.adapters.mongo import names
from shothik_payment.adapters.mongo.event_rows import (
    COMMON_TYPE,
    OWN_ABOVE,
    OWN_BELOW,
    TYPES_ABOVE,
    TYPES_BELOW,
)
from shothik_payment.adapters.mongo.key_collections import (
    ApiKeyAuditDocument,
    ApiKeyDocument,
    KeyLastUseDocument,
    KeyUsageDocument,
    UsageRecorderDocument,
)
from shothik_payment.adapters.mongo.stored import OfUser, Stored, index


class WalletDocument(OfUser):
    """`_id` is the user's id. `stopped_for` names the services that the user is stopped for, ""
    for all of them; `order` and `commit` are the last commit's own."""

    id: str  # type: ignore[assignment]
    version: int
    order: int
    commit: str
    available: int
    held: int
    debt: int
    next_due_at: int | None = None
    stopped_for: list[str] | None = None

    class Settings:
        name = names.WALLETS
        indexes = (
            index("bucket", "bucket", "_id", unique=True),
            index("due_first", "next_due_at", "_id", where="next_due_at"),
            index("stopped", "stopped_for", "_id", where="stopped_for"),
            index("stopped_users", "_id", "schema_version", where="stopped_for"),
        )


class TransactionDocument(OfUser):
    id: str  # type: ignore[assignment]
    user_id: str
    number: int
    kind: str
    at: int
    amount: int
    reverses: str | None = None
    reversed_total: int = 0

    class Settings:
        name = names.TRANSACTIONS
        indexes = (
            index("number", "bucket", "user_id", "number", unique=True),
            index("reverses", "bucket", "reverses", "reversed_total", where="reverses"),
            index("payment", "bucket", "payment_id", "number", where="payment_id"),
        )


class RequestKeyDocument(OfUser):
    """One key binds one thing: a ledger row (`transaction_id`), or a record (`subject_id`, `at`).
    `_id` is the digest of the key in its scope."""

    id: bytes  # type: ignore[assignment]

    class Settings:
        name = names.REQUEST_KEYS
        indexes = (
            index("bucket", "bucket", "_id", unique=True),
            index("old_records", "at", where="at"),
        )


class GrantDocument(OfUser):
    """A grant's terms; what is left of it is in its wallet."""

    id: str  # type: ignore[assignment]
    user_id: str

    class Settings:
        name = names.GRANTS
        indexes = (index("bucket", "bucket", "_id", unique=True),)


class HoldDocument(OfUser):
    """`open` while the hold is active."""

    id: str  # type: ignore[assignment]
    user_id: str
    open: bool | None = None

    class Settings:
        name = names.HOLDS
        indexes = (
            index("bucket", "bucket", "_id", unique=True),
            index("open", "bucket", "user_id", where="open"),
        )


class PaymentDocument(OfUser):
    id: str  # type: ignore[assignment]
    user_id: str
    status: str
    created_at: int
    next_check_at: int | None = None
    review_reason: str | None = None

    class Settings:
        name = names.PAYMENTS
        indexes = (
            index("user", "bucket", "user_id", "_id", unique=True),
            index("to_check", "next_check_at", "_id", where="next_check_at"),
            index("to_check_of", "gateway", "next_check_at", "_id", where="next_check_at"),
            index("under_review", "created_at", "_id", where="review_reason"),
            index("newest", "created_at", "_id", "status", "price.currency", "price.amount_minor"),
            index("status", "status", "created_at", "_id"),
            index("gateway", "gateway", "created_at", "_id"),
            index("gateway_status", "gateway", "status", "created_at", "_id"),
        )


class PaymentSessionDocument(Stored):
    """A gateway's id of a checkout, `{gateway}/{session id}`, and whose payment it is: unique over
    all users, so a collection of its own."""

    id: str
    payment_id: str

    class Settings:
        name = names.PAYMENT_SESSIONS


class SubscriptionStepDocument(OfUser):
    """`_id` is `{user id}/{number}`; `commit` the mark of the commit that wrote it."""

    id: str  # type: ignore[assignment]
    user_id: str
    number: int
    at: int
    kind: str
    commit: str

    class Settings:
        name = names.SUBSCRIPTION_STEPS
        indexes = (index("number", "bucket", "user_id", "number", unique=True),)


class WebhookDocument(Stored):
    """`_id` is `{gateway}/{event id}`. One that is handled has no `due_at`, but `handled_at` and a
    `result`."""

    id: str
    gateway: str
    received_at: int
    attempts: int
    due_at: int | None = None
    handled_at: int | None = None

    class Settings:
        name = names.WEBHOOKS
        indexes = (
            index("due", "due_at", "_id", where="due_at"),
            index("handled", "received_at", where="handled_at"),
        )


_BELOW, _ABOVE = {"type": {"$lt": COMMON_TYPE}}, {"type": {"$gt": COMMON_TYPE}}


class EventDocument(OfUser):
    """`state` is `waiting`, or `unwanted` where no queue took it; a published event has none, so
    the relay's index has only what is left to do. All are in the order of `order`. Most are
    deductions, and the indexes of the other types leave them out: two, since only for one
    comparison does the server see that the types asked for are in the index."""

    id: str  # type: ignore[assignment]
    user_id: str
    sequence: int
    partition: int
    at: int
    order: int
    type: str
    state: str | None = None

    class Settings:
        name = names.OUTBOX
        indexes = (
            index("sequence", "bucket", "user_id", "sequence", unique=True),
            index("feed", "order", "_id"),
            index(TYPES_BELOW, "type", "order", "_id", "at", only=_BELOW),
            index(TYPES_ABOVE, "type", "order", "_id", only=_ABOVE),
            index(OWN_BELOW, "user_id", "sequence", only=_BELOW),
            index(OWN_ABOVE, "user_id", "sequence", "type", only=_ABOVE),
            index("to_publish", "state", "partition", "order", "_id", "user_id", where="state"),
        )


class PrunedDocument(OfUser):
    """How far a user's events are deleted, or about to be. `_id` is the user's id."""

    id: str  # type: ignore[assignment]
    through: int

    class Settings:
        name = names.PRUNED
        indexes = (index("bucket", "bucket", "_id", unique=True),)


class ChargedHourDocument(Stored):
    """Rows that charge or give back, added up; `hour` is its start. `_id` is `{hour}/{service}/
    {kind}/{shard}`: one document for each of those who may write at once, to be added up again."""

    id: str
    hour: int
    service: str
    kind: str
    credits: int
    rows: int

    class Settings:
        name = names.CHARGED_HOURS
        indexes = (index("hour", "hour"),)


class WebSessionDocument(Stored):
    """`_id` is the digest of the session's cookie."""

    id: bytes
    expires_at: int

    class Settings:
        name = names.WEB_SESSIONS
        indexes = (index("expire", "expires_at"),)


class PlainDocument(Stored):
    """`_id` is `{kind}/{document id}`."""

    id: str
    body: bytes

    class Settings:
        name = names.DOCUMENTS


class SchemaDocument(Stored):
    """`schema`: what `migrate` made. `probe`: what the health check writes."""

    id: str

    class Settings:
        name = names.SCHEMA


ALL: tuple[type[Stored], ...] = (
    WalletDocument,
    TransactionDocument,
    RequestKeyDocument,
    GrantDocument,
    HoldDocument,
    PaymentDocument,
    PaymentSessionDocument,
    SubscriptionStepDocument,
    WebhookDocument,
    EventDocument,
    PrunedDocument,
    ApiKeyDocument,
    ApiKeyAuditDocument,
    ChargedHourDocument,
    KeyUsageDocument,
    KeyLastUseDocument,
    UsageRecorderDocument,
    WebSessionDocument,
    PlainDocument,
    SchemaDocument,
)
