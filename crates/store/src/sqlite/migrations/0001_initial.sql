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

-- `record` is the finished result of a write, without any payload. Rows are appended and erased from the front.
CREATE TABLE idempotency (
    row     INTEGER PRIMARY KEY,
    tag     BLOB NOT NULL,
    kept_at INTEGER NOT NULL,
    record  BLOB NOT NULL
) STRICT;
CREATE INDEX idempotency_by_time ON idempotency (kept_at);

-- Finds the rows up to `indexed_through` by the first eight bytes of their tag. An entry may outlive its row.
CREATE TABLE idempotency_index (
    prefix INTEGER NOT NULL,
    row    INTEGER NOT NULL,
    PRIMARY KEY (prefix, row)
) STRICT, WITHOUT ROWID;
CREATE TABLE idempotency_state (
    indexed_through INTEGER NOT NULL
) STRICT;
INSERT INTO idempotency_state VALUES (0);

CREATE TABLE wrapped_key (
    namespace BLOB NOT NULL UNIQUE,
    wrapped   BLOB NOT NULL
) STRICT;

-- One row, changed to find out whether a write reaches the disk.
CREATE TABLE probe (
    written INTEGER NOT NULL
) STRICT;
INSERT INTO probe VALUES (0);
