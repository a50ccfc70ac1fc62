-- The platform around the secrets: its directory, what is still to be told, and what a namespace holds.

-- Wrapped keys are kept so that destroying one leaves no copy. Rows are appended with growing numbers, never deleted and never moved:
-- appending fills the last page or begins a new one, while a deletion would merge pages, and a page that is rebuilt keeps stale bytes of
-- the rows that were moved. A key is destroyed by overwriting its row with one of the same length (`is_alive` takes no byte as 0 or 1).
-- A namespace that gets a key again gets another row, and `row` tells its generations apart.
ALTER TABLE wrapped_key RENAME TO wrapped_key_of_version_1;
CREATE TABLE wrapped_key (
    row       INTEGER PRIMARY KEY,
    namespace BLOB NOT NULL,
    is_alive  INTEGER NOT NULL,
    wrapped   BLOB NOT NULL
) STRICT;
INSERT INTO wrapped_key (namespace, is_alive, wrapped)
    SELECT namespace, 1, wrapped FROM wrapped_key_of_version_1 ORDER BY rowid;
DROP TABLE wrapped_key_of_version_1;
CREATE UNIQUE INDEX wrapped_key_alive ON wrapped_key (namespace) WHERE is_alive = 1;

-- Which scopes a namespace has. A scope is here as long as it has a row in `secret`; one that has had secrets since before this
-- migration comes in when it is filled anew after its last secret is gone. `owner` is a row of `wrapped_key`.
CREATE TABLE scope (
    scope BLOB PRIMARY KEY,
    owner INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX scope_by_owner ON scope (owner, scope);

-- The day, counted from 1970, on which a secret was last read.
CREATE TABLE read_day (
    scope BLOB NOT NULL,
    name  BLOB NOT NULL,
    day   INTEGER NOT NULL,
    PRIMARY KEY (scope, name)
) STRICT, WITHOUT ROWID;

-- What an erasure has erased. `owner` is the destroyed key's row, or 0 for scopes of namespaces that keep their keys.
CREATE TABLE erasure (
    erasure BLOB NOT NULL,
    owner   INTEGER NOT NULL,
    scopes  INTEGER NOT NULL,
    secrets INTEGER NOT NULL,
    PRIMARY KEY (erasure, owner)
) STRICT, WITHOUT ROWID;

-- The last revision of the directory that closed a namespace or erased a user's scopes: what was judged on an older one writes nothing
-- there. `tag` is that of a namespace, or of a user of an account.
CREATE TABLE closed (
    tag      BLOB PRIMARY KEY,
    revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The directory. All of it is read at every start, so it is a rowid table: its pages are full, and stretches of it are read side by
-- side, whatever the keys are. `key` is the kind in one byte and the tag behind it: one column less to decode, a million times.
CREATE TABLE record (
    row    INTEGER PRIMARY KEY,
    key    BLOB NOT NULL,
    sealed BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX record_by_key ON record (key);
CREATE TABLE directory_state (
    revision INTEGER NOT NULL
) STRICT;
INSERT INTO directory_state VALUES (0);

CREATE TABLE audit (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at     INTEGER NOT NULL,
    sealed BLOB NOT NULL
) STRICT;

-- Deliveries to webhook endpoints; `row` is the order in which they were queued. The states are 0 pending, 1 delivered, 2 failed. Those
-- with `is_notice` tell of secrets.
CREATE TABLE delivery (
    row       INTEGER PRIMARY KEY AUTOINCREMENT,
    event     BLOB NOT NULL,
    endpoint  BLOB NOT NULL,
    state     INTEGER NOT NULL,
    queued_at INTEGER NOT NULL,
    due_at    INTEGER NOT NULL,
    attempts  INTEGER NOT NULL,
    is_notice INTEGER NOT NULL DEFAULT 0,
    sealed    BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX delivery_by_key ON delivery (event, endpoint);
-- Each endpoint's deliveries stand together, so that those to one that hangs are passed over in one step.
CREATE INDEX delivery_by_state ON delivery (state, endpoint, due_at);
CREATE INDEX delivery_settled ON delivery (queued_at) WHERE state <> 0;

-- How many deliveries that tell of secrets an endpoint has in each state, counted as they come and go: queueing one looks at no other.
CREATE TABLE notice_count (
    endpoint   BLOB NOT NULL,
    state      INTEGER NOT NULL,
    deliveries INTEGER NOT NULL,
    PRIMARY KEY (endpoint, state)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER notice_queued AFTER INSERT ON delivery WHEN new.is_notice = 1 BEGIN
    INSERT INTO notice_count VALUES (new.endpoint, new.state, 1)
        ON CONFLICT (endpoint, state) DO UPDATE SET deliveries = deliveries + 1;
END;
CREATE TRIGGER notice_moved AFTER UPDATE OF state ON delivery WHEN new.is_notice = 1 AND new.state <> old.state BEGIN
    UPDATE notice_count SET deliveries = deliveries - 1 WHERE endpoint = old.endpoint AND state = old.state;
    INSERT INTO notice_count VALUES (new.endpoint, new.state, 1)
        ON CONFLICT (endpoint, state) DO UPDATE SET deliveries = deliveries + 1;
END;
CREATE TRIGGER notice_gone AFTER DELETE ON delivery WHEN old.is_notice = 1 BEGIN
    UPDATE notice_count SET deliveries = deliveries - 1 WHERE endpoint = old.endpoint AND state = old.state;
    DELETE FROM notice_count WHERE endpoint = old.endpoint AND state = old.state AND deliveries = 0;
END;

-- Numbers are never used twice: a notice that was told is forgotten by its number. The kinds are 1 set, 2 deleted, 3 expiring, 4 expired.
CREATE TABLE notice (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    kind       INTEGER NOT NULL,
    namespace  BLOB NOT NULL,
    secret     BLOB NOT NULL,
    at         INTEGER NOT NULL,
    expires_at INTEGER
) STRICT;
-- Every secret up to this place in `secret_by_expiry` has had its notice that it is expiring.
CREATE TABLE notice_state (
    expires_at INTEGER NOT NULL,
    row        INTEGER NOT NULL
) STRICT;
INSERT INTO notice_state VALUES (0, 0);
