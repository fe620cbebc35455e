"""Ports kept in this process: for tests, and for what may be lost."""

from shothik_payment.adapters.memory.answer_cache import MemoryAnswerCache
from shothik_payment.adapters.memory.api_keys import MemoryApiKeys
from shothik_payment.adapters.memory.broker import MemoryBroker
from shothik_payment.adapters.memory.documents import MemoryDocuments
from shothik_payment.adapters.memory.event_log import MemoryEventLog
from shothik_payment.adapters.memory.health import MemoryHealth
from shothik_payment.adapters.memory.key_usage import MemoryKeyUsage
from shothik_payment.adapters.memory.ledger_audit import MemoryLedgerAudit
from shothik_payment.adapters.memory.ledger_store import MemoryLedgerStore
from shothik_payment.adapters.memory.payments import MemoryPayments
from shothik_payment.adapters.memory.pruning import MemoryPruning
from shothik_payment.adapters.memory.rate_limiter import MemoryRateLimiter
from shothik_payment.adapters.memory.shared_lock import MemorySharedLock
from shothik_payment.adapters.memory.shared_values import MemorySharedValues
from shothik_payment.adapters.memory.state import MemoryState
from shothik_payment.adapters.memory.statistics import MemoryStatistics
from shothik_payment.adapters.memory.subscription_history import MemorySubscriptionHistory
from shothik_payment.adapters.memory.wallets import MemoryWallets
from shothik_payment.adapters.memory.web_sessions import MemoryWebSessions
from shothik_payment.adapters.memory.webhook_inbox import MemoryWebhookInbox

__all__ = [
    "MemoryAnswerCache",
    "MemoryApiKeys",
    "MemoryBroker",
    "MemoryDocuments",
    "MemoryEventLog",
    "MemoryHealth",
    "MemoryKeyUsage",
    "MemoryLedgerAudit",
    "MemoryLedgerStore",
    "MemoryPayments",
    "MemoryPruning",
    "MemoryRateLimiter",
    "MemorySharedLock",
    "MemorySharedValues",
    "MemoryState",
    "MemoryStatistics",
    "MemorySubscriptionHistory",
    "MemoryWallets",
    "MemoryWebSessions",
    "MemoryWebhookInbox",
]
