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
