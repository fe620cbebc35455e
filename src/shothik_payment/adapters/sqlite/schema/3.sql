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
