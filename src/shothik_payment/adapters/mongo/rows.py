"""Domain objects as MongoDB's documents and back.

Documents have the domain's own field names, with the id as `_id`. Credits and money are 64-bit
integers, also where a number is small; points in time are milliseconds since the epoch
(`{$toDate: "$at"}` shows them). A field that an index goes by is left out where it is None.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import Any

import msgspec
from bson import Int64

from shothik_payment.adapters import codec
from shothik_payment.domain.model.api_key import ApiKey
from shothik_payment.domain.model.grant import Grant
from shothik_payment.domain.model.hold import Hold, HoldStatus
from shothik_payment.domain.model.identifiers import BUCKET_DIGITS, bucket_of
from shothik_payment.domain.model.payment import Payment
from shothik_payment.domain.model.subscription import SubscriptionStep
from shothik_payment.domain.model.transaction import Transaction
from shothik_payment.domain.model.wallet import Wallet
from shothik_payment.domain.ports.ledger_store import RequestRecord

Doc = dict[str, Any]

SCHEMA_VERSION = 6
"""Of what a document of this release looks like."""

BY_ID = "_id_"
"""The index of ids, for a hint where many ids and their buckets are asked for: the server could
take the pairs of an index over both for the better choice."""

_WALLET_CREDITS = ("available", "held", "debt", "credits_in", "credits_used")
_GRANT_CREDITS = ("amount", "available", "held")
_HOLD_CREDITS = ("amount", "captured")
_TERMS_CREDITS = ("credits", "rollover")
_USAGE_NUMBERS = ("count", "credits")
_PAYMENT_NUMBERS = {"amount_minor", "refunded_minor", "credits", "clawed"}
_ROW_CREDITS = (
    "amount",
    "available_delta",
    "held_delta",
    "debt_delta",
    "balance_before",
    "balance_after",
    "new_balance",
)
_row_credits = attrgetter(*_ROW_CREDITS)
_ROW_ABOUT = (
    "service",
    "feature",
    "hold_id",
    "payment_id",
    "reverses",
    "reason",
    "metadata",
    "request_id",
    "fingerprint",
)
_row_about = attrgetter(*_ROW_ABOUT)


def bucket_in(identifier: str) -> str:
    """The bucket that an id made for a user carries; any text for what is no such id."""
    return identifier.partition("_")[2][:BUCKET_DIGITS]


def among(values: Iterable[Any]) -> Any:
    """What a field has to equal to be one of these."""
    some = list(values)
    return some[0] if len(some) == 1 else {"$in": some}


def _wide(document: Doc, names: Iterable[str]) -> None:
    for name in names:
        document[name] = Int64(document[name])


def _plain(thing: Any, user_id: str) -> Doc:
    """Of a domain object with an `id`."""
    document: Doc = msgspec.to_builtins(thing)
    document["_id"] = document.pop("id")
    document["bucket"] = bucket_of(user_id)
    document["schema_version"] = SCHEMA_VERSION
    return document


def _with_id(document: Doc, name: str = "id") -> Doc:
    document[name] = document["_id"]
    return document


# Wallets


def wallet_document(wallet: Wallet, bucket: str, order: int, commit: str) -> Doc:
    document: Doc = msgspec.to_builtins(wallet)
    document["_id"] = document.pop("user_id")
    document["bucket"] = bucket
    document["schema_version"] = SCHEMA_VERSION
    document["order"] = order
    document["commit"] = commit
    _wide(document, _WALLET_CREDITS)
    for grant in document["grants"]:
        _wide(grant, _GRANT_CREDITS)
    for hold in document["holds"].values():
        _wide(hold, _HOLD_CREDITS)
    for usage in document["usage"].values():
        _wide(usage, _USAGE_NUMBERS)
    subscription = document["subscription"]
    if subscription is not None:
        for with_terms in filter(None, (subscription, subscription["awaited"])):
            _widen_terms(with_terms["terms"])
    due = wallet.next_due()
    if due is not None:
        document["next_due_at"] = due
    if wallet.stops:
        document["stopped_for"] = sorted({stop.service or "" for stop in wallet.stops})
    return document


def _widen_terms(terms: Doc) -> None:
    _wide(terms, _TERMS_CREDITS)
    if terms["price"] is not None:
        _wide(terms["price"], ("amount_minor",))
    for limit in terms["limits"].values():
        _wide(limit, ("allowed",))


def to_wallet(document: Doc) -> Wallet:
    return msgspec.convert(_with_id(document, "user_id"), Wallet)


# Ledger rows


def transaction_document(row: Transaction, bucket: str) -> Doc:
    document: Doc = {
        "_id": row.id,
        "schema_version": SCHEMA_VERSION,
        "bucket": bucket,
        "user_id": row.user_id,
        "number": row.number,
        "kind": row.kind.value,
        "at": row.at,
        "parts": [
            {"grant_id": part[0], "available_delta": Int64(part[1]), "held_delta": Int64(part[2])}
            for part in row.parts
        ],
    }
    for name, credits in zip(_ROW_CREDITS, _row_credits(row), strict=True):
        document[name] = Int64(credits)
    for name, value in zip(_ROW_ABOUT, _row_about(row), strict=True):
        if value is not None:
            document[name] = value
    if row.reverses is not None:
        document["reversed_total"] = Int64(row.reversed_total)
    return document


def to_transaction(document: Doc) -> Transaction:
    """Without its request key: only a digest of that is stored."""
    document["parts"] = [
        (part["grant_id"], part["available_delta"], part["held_delta"])
        for part in document["parts"]
    ]
    return msgspec.convert(_with_id(document), Transaction)


# Request keys


def row_key_document(row: Transaction, key: str, bucket: str) -> Doc:
    document: Doc = {
        "_id": codec.request_digest(row.user_id, key),
        "schema_version": SCHEMA_VERSION,
        "bucket": bucket,
        "transaction_id": row.id,
    }
    if row.hold_id is not None:
        document["hold_id"] = row.hold_id
    if row.payment_id is not None:
        document["payment_id"] = row.payment_id
    return document


def record_document(record: RequestRecord) -> Doc:
    return {
        "_id": codec.request_digest(record.user_id, record.key),
        "schema_version": SCHEMA_VERSION,
        "bucket": bucket_of(record.user_id),
        "user_id": record.user_id,
        "key": record.key,
        "fingerprint": record.fingerprint,
        "subject_id": record.subject_id,
        "at": record.at,
    }


def to_record(document: Doc) -> RequestRecord:
    return msgspec.convert(document, RequestRecord)


# Grants, holds, payments, steps, keys


def grant_document(grant: Grant) -> Doc:
    document = _plain(grant, grant.user_id)
    _wide(document, _GRANT_CREDITS)
    return document


def to_grant(document: Doc) -> Grant:
    return msgspec.convert(_with_id(document), Grant)


def hold_document(hold: Hold) -> Doc:
    document = _plain(hold, hold.user_id)
    _wide(document, _HOLD_CREDITS)
    if hold.status is HoldStatus.ACTIVE:
        document["open"] = True
    return document


def to_hold(document: Doc) -> Hold:
    return msgspec.convert(_with_id(document), Hold)


def payment_document(payment: Payment) -> Doc:
    document = _plain(payment, payment.user_id)
    parts = [document, document["price"], document["paid"] or {}]
    for part in (*parts, *document["refunds"], *document["disputes"]):
        _wide(part, _PAYMENT_NUMBERS & part.keys())
    for name in ("next_check_at", "review_reason"):
        if document[name] is None:
            del document[name]
    return document


def to_payment(document: Doc) -> Payment:
    return msgspec.convert(_with_id(document), Payment)


def step_id(step: SubscriptionStep) -> str:
    return f"{step.user_id}/{step.number}"


def step_document(step: SubscriptionStep, bucket: str, commit: str) -> Doc:
    document: Doc = msgspec.to_builtins(step)
    document["_id"] = step_id(step)
    document["bucket"] = bucket
    document["schema_version"] = SCHEMA_VERSION
    document["commit"] = commit
    return document


def to_step(document: Doc) -> SubscriptionStep:
    return msgspec.convert(document, SubscriptionStep)


def session_id(gateway: str, session: str) -> str:
    return f"{gateway}/{session}"


def api_key_document(key: ApiKey) -> Doc:
    document: Doc = msgspec.to_builtins(key, builtin_types=(bytes,))
    document["_id"] = document.pop("id")
    document["schema_version"] = SCHEMA_VERSION
    if not key.legacy:
        del document["legacy"]
    return document


def to_api_key(document: Doc) -> ApiKey:
    return msgspec.convert(_with_id(document), ApiKey)
