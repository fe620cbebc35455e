"""The tables, and how a file of an older version becomes one of this version.

For whoever reads the file with the `sqlite3` shell: points in time are milliseconds since the
epoch, `datetime(at / 1000, 'unixepoch')` shows them. A JSON column (`state`, `body`) is the truth
about its row, and generated columns show what is in it.

Ids made for a user begin with a kind and three hexadecimal digits of bucket; the rest rises with
time. So ids are indexed without that front: new entries go to the end of the index instead of
all over it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from shothik_payment.domain.errors import StoreCorrupt

_VERSION_1 = """
CREATE TABLE wallets (
    wallet INTEGER PRIMARY KEY,
    user_id TEXT NOT NULL UNIQUE,
    version INTEGER NOT NULL,
    next_due_at INTEGER,
    state TEXT NOT NULL,
    available INTEGER AS (json_extract(state, '$.available')) VIRTUAL,
    held INTEGER AS (json_extract(state, '$.held')) VIRTUAL,
    debt INTEGER AS (json_extract(state, '$.debt')) VIRTUAL
) STRICT;
CREATE INDEX wallets_due ON wallets (next_due_at) WHERE next_due_at IS NOT NULL;

CREATE TABLE transactions (
    row INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    amount INTEGER NOT NULL,
    available_delta INTEGER NOT NULL,
    held_delta INTEGER NOT NULL,
    debt_delta INTEGER NOT NULL,
    balance_before INTEGER NOT NULL,
    balance_after INTEGER NOT NULL,
    new_balance INTEGER NOT NULL,
    parts TEXT NOT NULL,
    service TEXT,
    feature TEXT,
    hold_id TEXT,
    payment_id TEXT,
    reverses TEXT,
    reversed_total INTEGER NOT NULL,
    reason TEXT,
    metadata TEXT,
    request_id TEXT,
    request_key BLOB,
    fingerprint BLOB
) STRICT;
CREATE UNIQUE INDEX transactions_number ON transactions (user_id, number);
CREATE UNIQUE INDEX transactions_id ON transactions (substr(id, 8));
CREATE UNIQUE INDEX transactions_request ON transactions (request_key)
    WHERE request_key IS NOT NULL;
CREATE INDEX transactions_reverses ON transactions (reverses, reversed_total)
    WHERE reverses IS NOT NULL;

CREATE TABLE requests (
    request_key BLOB PRIMARY KEY,
    user_id TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    subject_id TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
-- One key binds one thing, whichever table remembers it.
CREATE TRIGGER transactions_request_free BEFORE INSERT ON transactions
    WHEN NEW.request_key IS NOT NULL
        AND EXISTS (SELECT 1 FROM requests WHERE request_key = NEW.request_key)
    BEGIN SELECT RAISE(ABORT, 'request key taken'); END;
CREATE TRIGGER requests_free BEFORE INSERT ON requests
    WHEN EXISTS (SELECT 1 FROM transactions WHERE request_key = NEW.request_key)
    BEGIN SELECT RAISE(ABORT, 'request key taken'); END;

CREATE TABLE grants (
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    body TEXT NOT NULL,
    source TEXT AS (json_extract(body, '$.source')) VIRTUAL,
    amount INTEGER AS (json_extract(body, '$.amount')) VIRTUAL,
    expires_at INTEGER AS (json_extract(body, '$.expires_at')) VIRTUAL
) STRICT;
CREATE UNIQUE INDEX grants_id ON grants (substr(id, 10));

CREATE TABLE holds (
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    status TEXT NOT NULL,
    body TEXT NOT NULL,
    service TEXT AS (json_extract(body, '$.service')) VIRTUAL,
    amount INTEGER AS (json_extract(body, '$.amount')) VIRTUAL,
    captured INTEGER AS (json_extract(body, '$.captured')) VIRTUAL,
    expires_at INTEGER AS (json_extract(body, '$.expires_at')) VIRTUAL
) STRICT;
CREATE UNIQUE INDEX holds_id ON holds (substr(id, 9));
CREATE INDEX holds_open ON holds (user_id) WHERE status = 'active';

CREATE TABLE payments (
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    gateway TEXT NOT NULL,
    session_id TEXT,
    status TEXT NOT NULL,
    next_check_at INTEGER,
    body TEXT NOT NULL,
    amount_minor INTEGER AS (json_extract(body, '$.price.amount_minor')) VIRTUAL,
    currency TEXT AS (json_extract(body, '$.price.currency')) VIRTUAL,
    credits INTEGER AS (json_extract(body, '$.credits')) VIRTUAL
) STRICT;
CREATE UNIQUE INDEX payments_id ON payments (substr(id, 8));
CREATE INDEX payments_of_user ON payments (user_id, id);
CREATE UNIQUE INDEX payments_session ON payments (gateway, session_id)
    WHERE session_id IS NOT NULL;
CREATE INDEX payments_check ON payments (next_check_at) WHERE next_check_at IS NOT NULL;

CREATE TABLE outbox (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    type TEXT NOT NULL,
    routing_key TEXT NOT NULL,
    event_class TEXT NOT NULL,
    at INTEGER NOT NULL,
    data TEXT NOT NULL,
    published_at INTEGER
) STRICT;
-- The rowid of an index entry is the position, so this also pages through one user's events.
CREATE UNIQUE INDEX outbox_sequence ON outbox (user_id, sequence);
CREATE INDEX outbox_unpublished ON outbox (position) WHERE published_at IS NULL;

-- Who is stopped; service '' means every service.
CREATE TABLE stops (
    service TEXT NOT NULL,
    user_id TEXT NOT NULL,
    PRIMARY KEY (service, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX stops_user ON stops (user_id);

CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    service TEXT NOT NULL,
    digest BLOB NOT NULL UNIQUE,
    body TEXT NOT NULL,
    name TEXT AS (json_extract(body, '$.name')) VIRTUAL,
    expires_at INTEGER AS (json_extract(body, '$.expires_at')) VIRTUAL,
    revoked_at INTEGER AS (json_extract(body, '$.revoked_at')) VIRTUAL
) STRICT, WITHOUT ROWID;
CREATE INDEX api_keys_service ON api_keys (service, id);

CREATE TABLE api_key_audit (
    entry INTEGER PRIMARY KEY,
    key_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    changes TEXT NOT NULL,
    ip TEXT
) STRICT;
CREATE INDEX api_key_audit_key ON api_key_audit (key_id);

CREATE TABLE documents (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
"""

_VERSION_2 = """
ALTER TABLE outbox ADD COLUMN unwanted_at INTEGER;
DROP INDEX outbox_unpublished;
CREATE INDEX outbox_unpublished ON outbox (position)
    WHERE published_at IS NULL AND unwanted_at IS NULL;
CREATE INDEX outbox_unwanted ON outbox (position)
    WHERE published_at IS NULL AND unwanted_at IS NOT NULL;

-- Up to which of their events, by sequence, users' outboxes were pruned.
CREATE TABLE pruned (
    user_id TEXT PRIMARY KEY,
    sequence INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX requests_at ON requests (at);
"""

_VERSION_3 = """
ALTER TABLE payments ADD COLUMN created_at INTEGER
    AS (json_extract(body, '$.created_at')) VIRTUAL;
ALTER TABLE payments ADD COLUMN review_reason TEXT
    AS (json_extract(body, '$.review_reason')) VIRTUAL;
CREATE INDEX payments_under_review ON payments (created_at, id) WHERE review_reason IS NOT NULL;

-- One that is handled is due no more.
CREATE TABLE webhooks (
    gateway TEXT NOT NULL,
    event_id TEXT NOT NULL,
    body TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    due_at INTEGER,
    handled_at INTEGER,
    result TEXT,
    kind TEXT AS (json_extract(body, '$.kind')) VIRTUAL,
    payment_id TEXT AS (json_extract(body, '$.payment_id')) VIRTUAL,
    session_id TEXT AS (json_extract(body, '$.session_id')) VIRTUAL,
    reference TEXT AS (json_extract(body, '$.reference')) VIRTUAL
) STRICT;
CREATE UNIQUE INDEX webhooks_event ON webhooks (gateway, event_id);
CREATE INDEX webhooks_due ON webhooks (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX webhooks_handled ON webhooks (received_at) WHERE due_at IS NULL;
"""

_VERSION_4 = """
-- What has happened to users' subscriptions.
CREATE TABLE subscription_steps (
    user_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    subscription_id TEXT NOT NULL,
    plan TEXT NOT NULL,
    status TEXT NOT NULL,
    period_start INTEGER NOT NULL,
    period_end INTEGER NOT NULL,
    payment_id TEXT,
    reason TEXT,
    PRIMARY KEY (user_id, number)
) STRICT, WITHOUT ROWID;
"""

_VERSION_5 = """
CREATE INDEX transactions_payment ON transactions (payment_id, number)
    WHERE payment_id IS NOT NULL;

-- Browsers that are signed in; of a cookie only its SHA-256.
CREATE TABLE web_sessions (
    digest BLOB PRIMARY KEY,
    realm TEXT NOT NULL,
    user_id TEXT NOT NULL,
    form_token TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX web_sessions_expire ON web_sessions (expires_at);

-- Rows that charge or give back, added up; `hour` is its start. Kept by whoever inserts a row.
CREATE TABLE charged_hours (
    hour INTEGER NOT NULL,
    service TEXT NOT NULL,
    kind TEXT NOT NULL,
    credits INTEGER NOT NULL,
    row_count INTEGER NOT NULL,
    PRIMARY KEY (hour, service, kind)
) STRICT, WITHOUT ROWID;
INSERT INTO charged_hours
    SELECT at - at % 3600000, ifnull(service, ''), kind, sum(amount), count(*) FROM transactions
    WHERE kind IN ('deduct', 'capture', 'reverse') GROUP BY 1, 2, 3;
CREATE TRIGGER transactions_charged AFTER INSERT ON transactions
    WHEN NEW.kind IN ('deduct', 'capture', 'reverse')
        AND (NEW.kind <> 'deduct' OR NEW.reason IS NULL) -- a reason: of the replaced service
    BEGIN
        INSERT INTO charged_hours
            VALUES (NEW.at - NEW.at % 3600000, ifnull(NEW.service, ''), NEW.kind, NEW.amount, 1)
            ON CONFLICT DO UPDATE
                SET credits = credits + excluded.credits, row_count = row_count + 1;
    END;

CREATE INDEX payments_newest ON payments (created_at, id, status, currency, amount_minor);
CREATE INDEX payments_of_status ON payments (status, created_at, id);
CREATE INDEX payments_of_gateway ON payments (gateway, created_at, id);
CREATE INDEX payments_of_both ON payments (gateway, status, created_at, id);
-- Most events are deductions, and those are not in it.
CREATE INDEX outbox_rare ON outbox (type) WHERE type <> 'credit.deducted';

-- Answered requests by key and hour; `hour` is its start.
CREATE TABLE key_usage (
    key_id TEXT NOT NULL,
    hour INTEGER NOT NULL,
    endpoint TEXT NOT NULL,
    status INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    PRIMARY KEY (key_id, hour, endpoint, status)
) STRICT, WITHOUT ROWID;
CREATE INDEX key_usage_hour ON key_usage (hour);
CREATE TABLE key_last_use (
    key_id TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    address TEXT
) STRICT, WITHOUT ROWID;
-- Up to which of its batches each recorder's counts are in there.
CREATE TABLE usage_recorders (
    id TEXT PRIMARY KEY,
    batch INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

ALTER TABLE api_keys ADD COLUMN legacy INTEGER AS (json_extract(body, '$.legacy')) VIRTUAL;
-- Until when a key is active: -1 where it is revoked, far away where it has no end. For a page of
-- keys in one status, without a look at every body.
ALTER TABLE api_keys ADD COLUMN active_until INTEGER NOT NULL DEFAULT 9223372036854775807;
UPDATE api_keys SET active_until = -1 WHERE revoked_at IS NOT NULL;
UPDATE api_keys SET active_until = expires_at
    WHERE revoked_at IS NULL AND expires_at IS NOT NULL;
CREATE INDEX api_keys_active ON api_keys (id, active_until, service);
CREATE INDEX api_keys_ending ON api_keys (expires_at)
    WHERE revoked_at IS NULL AND expires_at IS NOT NULL;
CREATE INDEX api_keys_legacy ON api_keys (legacy, expires_at)
    WHERE legacy = 1 AND revoked_at IS NULL;
"""

MIGRATIONS: tuple[str, ...] = (_VERSION_1, _VERSION_2, _VERSION_3, _VERSION_4, _VERSION_5)
"""Step n turns a file of version n (0: empty) into one of version n + 1. Only ever append."""


def migrate(
    connection: sqlite3.Connection, where: str, migrations: Sequence[str] = MIGRATIONS
) -> None:
    """Bring the file up to date, all of it or nothing; processes that start at once take turns.

    Raises StoreCorrupt for a file that a newer release or another program has made.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > len(migrations):
            raise StoreCorrupt(
                f"{where} has schema version {version}; this release knows versions up to"
                f" {len(migrations)}. Run a newer release on it."
            )
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if version == 0 and tables:
            raise StoreCorrupt(f"{where} is the database of another program.")
        for step in migrations[version:]:
            for statement in statements(step):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(migrations)}")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def statements(script: str) -> list[str]:
    """One by one, since `executescript` would commit the transaction that is open. Each begins
    on a line of its own."""
    found, lines = [], list[str]()
    for line in script.splitlines():
        lines.append(line)
        if sqlite3.complete_statement("\n".join(lines)):
            found.append("\n".join(lines))
            lines = []
    return [*found, "\n".join(lines)]
