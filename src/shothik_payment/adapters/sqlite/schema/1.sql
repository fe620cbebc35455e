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
