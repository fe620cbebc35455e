"""One process's state, shared by the ports that read and write it.

Objects are kept as the JSON that another store would keep: what goes in and what comes out are
copies, and what could not be stored elsewhere cannot be stored here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from shothik_payment.adapters import codec
from shothik_payment.domain.model.hold import Hold
from shothik_payment.domain.model.key_usage import LastUse, Slot
from shothik_payment.domain.model.payment import Payment
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.model.transaction import Transaction, TransactionKind
from shothik_payment.domain.model.wallet import Wallet
from shothik_payment.domain.model.web_session import WebSession
from shothik_payment.domain.ports.api_keys import AuditEntry
from shothik_payment.domain.ports.event_log import RecordedEvent
from shothik_payment.domain.ports.ledger_store import RequestRecord
from shothik_payment.domain.ports.webhook_inbox import Webhook


@dataclass(slots=True)
class KeptWebhook:
    """`due_at` None: it is handled, with this `result`."""

    webhook: Webhook
    due_at: Millis | None
    result: str | None = None


@dataclass(slots=True)
class MemoryState:
    """`rows`: by user, the ids of the wallet's rows in the order of their numbers; `steps`: by
    user, in that order too. `events` are in the order of their positions, and so are `unpublished`
    and `unwanted`, which have some of them by position. `pruned`: by user, up to which sequence the
    events may be gone. `webhooks`: by gateway and event id, in the order of their arrival.
    `usage_batches`: by recorder, the last batch's number and time. `charged`: by hour, service and
    kind, the credits and the rows."""

    wallets: dict[str, bytes] = field(default_factory=dict)
    rows: dict[str, list[str]] = field(default_factory=dict)
    transactions: dict[str, bytes] = field(default_factory=dict)
    transactions_by_request: dict[tuple[str, str], str] = field(default_factory=dict)
    reversed_totals: dict[str, int] = field(default_factory=dict)
    grants: dict[str, bytes] = field(default_factory=dict)
    holds: dict[str, bytes] = field(default_factory=dict)
    payments: dict[str, bytes] = field(default_factory=dict)
    steps: dict[str, list[bytes]] = field(default_factory=dict)
    requests: dict[tuple[str, str], RequestRecord] = field(default_factory=dict)
    events: list[RecordedEvent] = field(default_factory=list)
    last_position: int = 0
    unpublished: dict[str, RecordedEvent] = field(default_factory=dict)
    unwanted: dict[str, RecordedEvent] = field(default_factory=dict)
    pruned: dict[str, int] = field(default_factory=dict)
    next_due: dict[str, Millis] = field(default_factory=dict)
    stopped: set[str] = field(default_factory=set)
    api_keys: dict[str, bytes] = field(default_factory=dict)
    api_keys_by_digest: dict[bytes, str] = field(default_factory=dict)
    api_key_audit: list[AuditEntry] = field(default_factory=list)
    documents: dict[tuple[str, str], bytes] = field(default_factory=dict)
    webhooks: dict[tuple[str, str], KeptWebhook] = field(default_factory=dict)
    web_sessions: dict[bytes, WebSession] = field(default_factory=dict)
    key_usage: dict[Slot, int] = field(default_factory=dict)
    key_last_use: dict[str, LastUse] = field(default_factory=dict)
    usage_batches: dict[str, tuple[int, Millis]] = field(default_factory=dict)
    charged: dict[tuple[Millis, str, TransactionKind], tuple[int, int]] = field(
        default_factory=dict
    )

    def wallet(self, user_id: str) -> Wallet:
        stored = self.wallets.get(user_id)
        return Wallet(user_id) if stored is None else codec.decode_wallet(stored)

    def transaction(self, transaction_id: str) -> Transaction | None:
        stored = self.transactions.get(transaction_id)
        return None if stored is None else codec.decode_transaction(stored)

    def hold(self, hold_id: str) -> Hold | None:
        stored = self.holds.get(hold_id)
        return None if stored is None else codec.decode_hold(stored)

    def payment(self, payment_id: str) -> Payment | None:
        stored = self.payments.get(payment_id)
        return None if stored is None else codec.decode_payment(stored)
