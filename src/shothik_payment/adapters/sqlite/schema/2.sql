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
