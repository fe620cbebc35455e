"""The store for many processes: a MongoDB replica set or a sharded cluster."""

from shothik_payment.adapters.mongo.api_keys import MongoApiKeys
from shothik_payment.adapters.mongo.database import MongoDatabase
from shothik_payment.adapters.mongo.documents import MongoDocuments
from shothik_payment.adapters.mongo.event_log import MongoEventLog
from shothik_payment.adapters.mongo.health import MongoHealth
from shothik_payment.adapters.mongo.key_usage import MongoKeyUsage
from shothik_payment.adapters.mongo.ledger_audit import MongoLedgerAudit
from shothik_payment.adapters.mongo.ledger_store import MongoLedgerStore
from shothik_payment.adapters.mongo.outbox_watch import MongoOutboxWatch
from shothik_payment.adapters.mongo.payments import MongoPayments
from shothik_payment.adapters.mongo.pruning import MongoPruning
from shothik_payment.adapters.mongo.statistics import MongoStatistics
from shothik_payment.adapters.mongo.subscription_history import MongoSubscriptionHistory
from shothik_payment.adapters.mongo.wallets import MongoWallets
from shothik_payment.adapters.mongo.web_sessions import MongoWebSessions
from shothik_payment.adapters.mongo.webhook_inbox import MongoWebhookInbox

__all__ = [
    "MongoApiKeys",
    "MongoDatabase",
    "MongoDocuments",
    "MongoEventLog",
    "MongoHealth",
    "MongoKeyUsage",
    "MongoLedgerAudit",
    "MongoLedgerStore",
    "MongoOutboxWatch",
    "MongoPayments",
    "MongoPruning",
    "MongoStatistics",
    "MongoSubscriptionHistory",
    "MongoWallets",
    "MongoWebSessions",
    "MongoWebhookInbox",
]
