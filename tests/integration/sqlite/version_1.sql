-- A file of schema version 1, as a release of that version left it. Never edit it.
PRAGMA user_version = 1;
PRAGMA journal_mode = WAL;
BEGIN TRANSACTION;
CREATE TABLE api_key_audit (
    entry INTEGER PRIMARY KEY,
    key_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    changes TEXT NOT NULL,
    ip TEXT
) STRICT;
INSERT INTO "api_key_audit" VALUES(1,'key_1',1800000000000,'admin:a1','generate','{"service":"paraphrase_service"}',NULL);
CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    service TEXT NOT NULL,
    digest BLOB NOT NULL UNIQUE,
    body TEXT NOT NULL,
    name TEXT AS (json_extract(body, '$.name')) VIRTUAL,
    expires_at INTEGER AS (json_extract(body, '$.expires_at')) VIRTUAL,
    revoked_at INTEGER AS (json_extract(body, '$.revoked_at')) VIRTUAL
) STRICT, WITHOUT ROWID;
INSERT INTO "api_keys" VALUES('key_1','paraphrase_service',X'0101010101010101010101010101010101010101010101010101010101010101','{"id":"key_1","service":"paraphrase_service","name":"a key","digest":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=","prefix":"sk_paraphrase_","last4":"abcd","created_at":1800000000000,"scopes":["credits:deduct","credits:read","credits:reverse","holds:write","access:read","catalog:read","blocklist:read"],"expires_at":null,"revoked_at":null,"last_used_at":null,"rate_limit":null,"allowed_ips":[]}');
CREATE TABLE documents (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
INSERT INTO "documents" VALUES('sandbox','d1',X'78');
CREATE TABLE grants (
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    body TEXT NOT NULL,
    source TEXT AS (json_extract(body, '$.source')) VIRTUAL,
    amount INTEGER AS (json_extract(body, '$.amount')) VIRTUAL,
    expires_at INTEGER AS (json_extract(body, '$.expires_at')) VIRTUAL
) STRICT;
INSERT INTO "grants" VALUES('grant_f760000000000010','u1','{"id":"grant_f760000000000010","user_id":"u1","source":"promotion","amount":100,"available":100,"held":0,"priority":0,"created_at":1800000000000,"expires_at":1800259200000,"payment_id":null,"subscription_id":null}');
INSERT INTO "grants" VALUES('grant_ecc0000000000070','u2','{"id":"grant_ecc0000000000070","user_id":"u2","source":"promotion","amount":1,"available":1,"held":0,"priority":0,"created_at":1800000000000,"expires_at":null,"payment_id":null,"subscription_id":null}');
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
INSERT INTO "holds" VALUES('hold_f760000000000040','u1','active','{"id":"hold_f760000000000040","user_id":"u1","service":"paraphrase_service","amount":5,"captured":0,"status":"active","created_at":1800000000000,"expires_at":1800000060000,"feature":null,"parts":[["grant_f760000000000010",5]]}');
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
INSERT INTO "outbox" VALUES(1,'evt_f760000000000012','u1',1,'credit.added','credit.added','high',1800000000000,'{"userId":"u1","occurredAt":"2027-01-15T08:00:00.000Z","transactionId":"txn_f760000000000011","amount":100,"appliedToDebt":0,"newBalance":100,"previousBalance":0,"source":"promotion","expiresAt":"2027-01-18T08:00:00.000Z"}',1800000000000);
INSERT INTO "outbox" VALUES(2,'evt_f760000000000021','u1',2,'credit.deducted','credit.deducted','normal',1800000000000,'{"userId":"u1","occurredAt":"2027-01-15T08:00:00.000Z","transactionId":"txn_f760000000000020","kind":"deduct","amount":30,"newBalance":70,"previousBalance":100,"service":"paraphrase_service","feature":"rewrite","metadata":{"tag":"a"},"requestId":"r1"}',1800000000000);
INSERT INTO "outbox" VALUES(3,'evt_f760000000000031','u1',3,'credit.refunded','credit.refunded','high',1800000000000,'{"userId":"u1","occurredAt":"2027-01-15T08:00:00.000Z","transactionId":"txn_f760000000000030","originalTransactionId":"txn_f760000000000020","amount":10,"newBalance":80,"previousBalance":70,"service":"paraphrase_service"}',NULL);
INSERT INTO "outbox" VALUES(4,'evt_ecc0000000000072','u2',1,'credit.added','credit.added','high',1800000000000,'{"userId":"u2","occurredAt":"2027-01-15T08:00:00.000Z","transactionId":"txn_ecc0000000000071","amount":1,"appliedToDebt":0,"newBalance":1,"previousBalance":0,"source":"promotion"}',NULL);
INSERT INTO "outbox" VALUES(5,'evt_ecc0000000000081','u2',2,'credit.deducted','credit.deducted','normal',1800000000000,'{"userId":"u2","occurredAt":"2027-01-15T08:00:00.000Z","transactionId":"txn_ecc0000000000080","kind":"deduct","amount":1,"newBalance":0,"previousBalance":1,"service":"paraphrase_service","feature":"rewrite"}',NULL);
INSERT INTO "outbox" VALUES(6,'evt_ecc0000000000082','u2',3,'usage.limit_exceeded','usage.limit_exceeded','high',1800000000000,'{"userId":"u2","occurredAt":"2027-01-15T08:00:00.000Z","service":null,"limit":"credits","used":1,"allowed":1}',NULL);
INSERT INTO "outbox" VALUES(7,'evt_ecc0000000000083','u2',4,'service.stop_user','service.paraphrase_service.stop_user','critical',1800000000000,'{"userId":"u2","occurredAt":"2027-01-15T08:00:00.000Z","service":"paraphrase_service","reason":"credits_gone","causes":["credits_gone"]}',NULL);
INSERT INTO "outbox" VALUES(8,'evt_ecc0000000000084','u2',5,'service.stop_user','service.slide_service.stop_user','critical',1800000000000,'{"userId":"u2","occurredAt":"2027-01-15T08:00:00.000Z","service":"slide_service","reason":"credits_gone","causes":["credits_gone"]}',NULL);
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
INSERT INTO "payments" VALUES('pay_f76000000000005','u1','sandbox',NULL,'created',1800000060000,'{"id":"pay_f76000000000005","user_id":"u1","gateway":"sandbox","status":"created","price":{"amount_minor":1000,"currency":"USD"},"credits":100,"created_at":1800000000000,"updated_at":1800000000000,"pack_id":"credits_100","session_id":null,"payment_url":null,"success_url":null,"cancel_url":null,"failure_code":null,"review_reason":null,"next_check_at":1800000060000,"checks":0}');
CREATE TABLE requests (
    request_key BLOB PRIMARY KEY,
    user_id TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    subject_id TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "requests" VALUES(X'03F444072440D25BAFE3A92FD903A48F','u1','paraphrase_service POST /deduct p1',X'73616D65','pay_f76000000000005',1800000000000);
CREATE TABLE stops (
    service TEXT NOT NULL,
    user_id TEXT NOT NULL,
    PRIMARY KEY (service, user_id)
) STRICT, WITHOUT ROWID;
INSERT INTO "stops" VALUES('','u2');
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
INSERT INTO "transactions" VALUES(1,'txn_f760000000000011','u1',1,'grant',1800000000000,100,100,0,0,0,100,100,'[["grant_f760000000000010",100,0]]',NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "transactions" VALUES(2,'txn_f760000000000020','u1',2,'deduct',1800000000000,30,-30,0,0,100,70,70,'[["grant_f760000000000010",-30,0]]','paraphrase_service','rewrite',NULL,NULL,NULL,0,NULL,'{"tag":"a"}','r1',X'86861278B24784ABBA127483555E9A81',X'73616D65');
INSERT INTO "transactions" VALUES(3,'txn_f760000000000030','u1',3,'reverse',1800000000000,10,10,0,0,70,80,80,'[["grant_f760000000000010",10,0]]','paraphrase_service','rewrite',NULL,NULL,'txn_f760000000000020',10,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "transactions" VALUES(4,'txn_f760000000000041','u1',4,'hold',1800000000000,5,-5,5,0,80,75,75,'[["grant_f760000000000010",-5,5]]','paraphrase_service',NULL,'hold_f760000000000040',NULL,NULL,0,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "transactions" VALUES(5,'txn_ecc0000000000071','u2',1,'grant',1800000000000,1,1,0,0,0,1,1,'[["grant_ecc0000000000070",1,0]]',NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "transactions" VALUES(6,'txn_ecc0000000000080','u2',2,'deduct',1800000000000,1,-1,0,0,1,0,0,'[["grant_ecc0000000000070",-1,0]]','paraphrase_service','rewrite',NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL);
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
INSERT INTO "wallets" VALUES(1,'u1',5,1800000060000,'{"user_id":"u1","version":5,"available":75,"held":5,"debt":0,"rows":4,"events":3,"last_at":1800000000000,"credits_in":100,"credits_used":20,"grants":[{"id":"grant_f760000000000010","user_id":"u1","source":"promotion","amount":100,"available":75,"held":5,"priority":0,"created_at":1800000000000,"expires_at":1800259200000,"payment_id":null,"subscription_id":null}],"holds":{"hold_f760000000000040":{"id":"hold_f760000000000040","user_id":"u1","service":"paraphrase_service","amount":5,"captured":0,"status":"active","created_at":1800000000000,"expires_at":1800000060000,"feature":null,"parts":[["grant_f760000000000010",5]]}},"stops":[]}');
INSERT INTO "wallets" VALUES(2,'u2',2,NULL,'{"user_id":"u2","version":2,"available":0,"held":0,"debt":0,"rows":2,"events":5,"last_at":1800000000000,"credits_in":0,"credits_used":0,"grants":[],"holds":{},"stops":[{"cause":"credits_gone","since":1800000000000,"service":null,"reference":null}]}');
CREATE INDEX wallets_due ON wallets (next_due_at) WHERE next_due_at IS NOT NULL;
CREATE UNIQUE INDEX transactions_number ON transactions (user_id, number);
CREATE UNIQUE INDEX transactions_id ON transactions (substr(id, 8));
CREATE UNIQUE INDEX transactions_request ON transactions (request_key)
    WHERE request_key IS NOT NULL;
CREATE INDEX transactions_reverses ON transactions (reverses, reversed_total)
    WHERE reverses IS NOT NULL;
CREATE TRIGGER transactions_request_free BEFORE INSERT ON transactions
    WHEN NEW.request_key IS NOT NULL
        AND EXISTS (SELECT 1 FROM requests WHERE request_key = NEW.request_key)
    BEGIN SELECT RAISE(ABORT, 'request key taken'); END;
CREATE TRIGGER requests_free BEFORE INSERT ON requests
    WHEN EXISTS (SELECT 1 FROM transactions WHERE request_key = NEW.request_key)
    BEGIN SELECT RAISE(ABORT, 'request key taken'); END;
CREATE UNIQUE INDEX grants_id ON grants (substr(id, 10));
CREATE UNIQUE INDEX holds_id ON holds (substr(id, 9));
CREATE INDEX holds_open ON holds (user_id) WHERE status = 'active';
CREATE UNIQUE INDEX payments_id ON payments (substr(id, 8));
CREATE INDEX payments_of_user ON payments (user_id, id);
CREATE UNIQUE INDEX payments_session ON payments (gateway, session_id)
    WHERE session_id IS NOT NULL;
CREATE INDEX payments_check ON payments (next_check_at) WHERE next_check_at IS NOT NULL;
CREATE UNIQUE INDEX outbox_sequence ON outbox (user_id, sequence);
CREATE INDEX outbox_unpublished ON outbox (position) WHERE published_at IS NULL;
CREATE INDEX stops_user ON stops (user_id);
CREATE INDEX api_keys_service ON api_keys (service, id);
CREATE INDEX api_key_audit_key ON api_key_audit (key_id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('outbox',8);
COMMIT;
