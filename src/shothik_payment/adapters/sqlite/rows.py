"""Domain objects as rows and back."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from shothik_payment.adapters import codec
from shothik_payment.adapters.sqlite.statements import Row
from shothik_payment.domain.events import Event
from shothik_payment.domain.model.grant import Grant
from shothik_payment.domain.model.hold import Hold
from shothik_payment.domain.model.payment import Payment
from shothik_payment.domain.model.subscription import StepKind, SubscriptionStatus, SubscriptionStep
from shothik_payment.domain.model.transaction import Transaction, TransactionKind
from shothik_payment.domain.model.wallet import Wallet

WALLET_COLUMNS = ("user_id", "version", "next_due_at", "state")
TRANSACTION_COLUMNS = tuple(
    """
    id user_id number kind at amount available_delta held_delta debt_delta balance_before
    balance_after new_balance parts service feature hold_id payment_id reverses reversed_total
    reason metadata request_id request_key fingerprint
    """.split()
)
_KIND = TRANSACTION_COLUMNS.index("kind")
_PARTS = TRANSACTION_COLUMNS.index("parts")
_METADATA = TRANSACTION_COLUMNS.index("metadata")
REQUEST_KEY = TRANSACTION_COLUMNS.index("request_key")
SELECT_TRANSACTION = f"SELECT {', '.join(TRANSACTION_COLUMNS)} FROM transactions"  # noqa: S608
EVENT_COLUMNS = tuple(
    "id user_id sequence type routing_key event_class at data".split()
)  # fmt: skip
STEP_COLUMNS = tuple(
    """
    user_id number at kind subscription_id plan status period_start period_end payment_id reason
    """.split()
)
SELECT_STEP = f"SELECT {', '.join(STEP_COLUMNS)} FROM subscription_steps"  # noqa: S608
_STEP_KIND = STEP_COLUMNS.index("kind")
_STEP_STATUS = STEP_COLUMNS.index("status")

# How much of an id comes before the part that rises with time; the indexes leave it out.
TRANSACTION_FRONT = len("txn_") + 3
GRANT_FRONT = len("grant_") + 3
HOLD_FRONT = len("hold_") + 3
PAYMENT_FRONT = len("pay_") + 3

_numbers = attrgetter(
    "id",
    "user_id",
    "number",
    "kind",
    "at",
    "amount",
    "available_delta",
    "held_delta",
    "debt_delta",
    "balance_before",
    "balance_after",
    "new_balance",
)
_words = attrgetter(
    "service", "feature", "hold_id", "payment_id", "reverses", "reversed_total", "reason"
)
step_row: Callable[[SubscriptionStep], Row] = attrgetter(*STEP_COLUMNS)


def wallet_row(wallet: Wallet) -> Row:
    state = codec.encode(wallet).decode()
    return wallet.user_id, wallet.version, wallet.next_due(), state


def transaction_row(row: Transaction) -> Row:
    key = row.request_key
    return (
        *_numbers(row),
        codec.encode(row.parts).decode(),
        *_words(row),
        None if row.metadata is None else codec.encode(row.metadata).decode(),
        row.request_id,
        None if key is None else codec.request_digest(row.user_id, key),
        row.fingerprint,
    )


def to_transaction(row: Any) -> Transaction:
    """The request key is left out: only its digest is stored."""
    values = list(row)
    values[_KIND] = TransactionKind(values[_KIND])
    values[_PARTS] = codec.decode_parts(values[_PARTS])
    if values[_METADATA] is not None:
        values[_METADATA] = codec.decode_metadata(values[_METADATA])
    values[REQUEST_KEY] = None
    return Transaction(*values)


def event_row(event: Event) -> Row:
    data = event.data
    return (
        event.id,
        event.user_id,
        event.sequence,
        data.type,
        data.routing_key(),
        data.event_class.value,
        event.at,
        codec.wire_data(event).decode(),
    )


def grant_row(grant: Grant) -> Row:
    return grant.id, grant.user_id, codec.encode(grant).decode()


def hold_row(hold: Hold) -> Row:
    return hold.id, hold.user_id, hold.status, codec.encode(hold).decode()


def payment_row(payment: Payment) -> Row:
    return (
        payment.id,
        payment.user_id,
        payment.gateway,
        payment.session_id,
        payment.status,
        payment.next_check_at,
        codec.encode(payment).decode(),
    )


def to_step(row: Any) -> SubscriptionStep:
    values = list(row)
    values[_STEP_KIND] = StepKind(values[_STEP_KIND])
    values[_STEP_STATUS] = SubscriptionStatus(values[_STEP_STATUS])
    return SubscriptionStep(*values)
