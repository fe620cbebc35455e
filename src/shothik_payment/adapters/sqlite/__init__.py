"""The embedded store: one SQLite file."""

from shothik_payment.adapters.sqlite.api_keys import SqliteApiKeys
from shothik_payment.adapters.sqlite.database import SqliteDatabase
from shothik_payment.adapters.sqlite.documents import SqliteDocuments
from shothik_payment.adapters.sqlite.event_log import SqliteEventLog
from shothik_payment.adapters.sqlite.health import SqliteHealth
from shothik_payment.adapters.sqlite.key_usage import SqliteKeyUsage
from shothik_payment.adapters.sqlite.ledger_audit import SqliteLedgerAudit
from shothik_payment.adapters.sqlite.ledger_store import SqliteLedgerStore
from shothik_payment.adapters.sqlite.payments import SqlitePayments
from shothik_payment.adapters.sqlite.pruning import SqlitePruning
from shothik_payment.adapters.sqlite.statistics import SqliteStatistics
from shothik_payment.adapters.sqlite.subscription_history import SqliteSubscriptionHistory
from shothik_payment.adapters.sqlite.wallets import SqliteWallets
from shothik_payment.adapters.sqlite.web_sessions import SqliteWebSessions
from shothik_payment.adapters.sqlite.webhook_inbox import SqliteWebhookInbox

__all__ = [
    "SqliteApiKeys",
    "SqliteDatabase",
    "SqliteDocuments",
    "SqliteEventLog",
    "SqliteHealth",
    "SqliteKeyUsage",
    "SqliteLedgerAudit",
    "SqliteLedgerStore",
    "SqlitePayments",
    "SqlitePruning",
    "SqliteStatistics",
    "SqliteSubscriptionHistory",
    "SqliteWallets",
    "SqliteWebSessions",
    "SqliteWebhookInbox",
]
