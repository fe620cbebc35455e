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
