-- Tags are keyed hashes of 16 bytes; times are Unix seconds. Nothing here tells a name, a user or a payload.

-- A rowid table: a long sealed record in a WITHOUT ROWID row would be read again by every comparison on the way down the tree.
-- `row` grows with every insertion, so it is the order of insertion.
CREATE TABLE secret (
    row        INTEGER PRIMARY KEY,
    scope      BLOB NOT NULL,
    name       BLOB NOT NULL,
    id         BLOB NOT NULL,
    version    BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    sealed     BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX secret_by_place ON secret (scope, name);
CREATE INDEX secret_by_expiry ON secret (expires_at) WHERE expires_at IS NOT NULL;

-- `record` is the finished result of a write, without any payload.
CREATE TABLE idempotency (
    tag     BLOB PRIMARY KEY,
    kept_at INTEGER NOT NULL,
    record  BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_by_time ON idempotency (kept_at);

CREATE TABLE wrapped_key (
    namespace BLOB NOT NULL UNIQUE,
    wrapped   BLOB NOT NULL
) STRICT;
