//! Every maximum of the product, in one place, related by compile-time assertions.

/// Characters (code points) in a name, a payload, a user id, a cursor or an `expand` item.
pub const STRING_CHARS_MAX: usize = 5_000;
/// Live secrets in one scope.
pub const SECRETS_PER_SCOPE_MAX: usize = 10;
/// Page length when `limit` is absent.
pub const PAGE_LIMIT_DEFAULT: usize = 10;
/// Longest page; a larger `limit` is clamped.
pub const PAGE_LIMIT_MAX: usize = 100;
/// How far ahead `expires_at` may lie, inclusive: 100 × 365.25 days, in seconds.
pub const EXPIRY_AHEAD_SECONDS_MAX: i64 = 3_155_760_000;
/// Percent-encoded bytes of `name` and `scope[user]` together, so that what was set can be found by a GET.
pub const FINDABLE_BYTES_MAX: usize = 60_000;

/// Bytes of a request body that are read.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of a request target that are read.
pub const TARGET_BYTES_MAX: usize = 65_000;
/// Bytes of all header names and values together that are read, the request target apart.
pub const HEADER_BYTES_MAX: usize = 64 * 1024;
/// Header lines of a request. The HTTP/1.1 parser takes a few more (100, for which it needs no memory of its own), so that the refusal is
/// ours.
pub const HEADER_LINES_MAX: usize = 96;
/// Bytes of a request's target and headers on the wire that the HTTP stack reads before it refuses by itself: the two maxima above, and
/// what stands between the names and values (in HTTP/2's reckoning 32 bytes a line).
pub const HEAD_BYTES_MAX: usize = TARGET_BYTES_MAX + HEADER_BYTES_MAX + 8 * 1024;
/// Bytes of body that are read and thrown away so that an early answer reaches its client.
pub const DRAIN_BYTES_MAX: usize = 16 * BODY_BYTES_MAX;
/// Parameters (pairs of query and body together).
pub const PARAMETERS_MAX: usize = 1_000;
/// Brackets in one parameter name.
pub const PARAMETER_NESTING_MAX: usize = 8;
/// Levels of one `expand` path.
pub const EXPAND_DEPTH_MAX: usize = 4;
/// Unknown parameters that an error message lists before it says `…`.
pub const UNKNOWN_PARAMETERS_SHOWN_MAX: usize = 10;
/// Characters of an unknown parameter's name that an error message may show.
pub const UNKNOWN_PARAMETER_CHARS_MAX: usize = 64;
/// Characters of an unknown path that an error message may show.
pub const PATH_SHOWN_CHARS_MAX: usize = 200;
/// Characters of other text of a request, where no rule bounds it, that an error message may show.
pub const TEXT_SHOWN_CHARS_MAX: usize = 200;

/// Characters of an `Idempotency-Key`.
pub const IDEMPOTENCY_KEY_CHARS_MAX: usize = 255;
/// Seconds for which the first result of an idempotency key is replayed.
pub const IDEMPOTENCY_KEPT_SECONDS: i64 = 24 * 60 * 60;
/// How often a set looks again because the secret it replaces was created, deleted or had expired meanwhile.
pub const SET_ATTEMPTS_MAX: usize = 16;

/// Seconds in which the headers of a request must have arrived, and for which an idle connection is kept, at the longest.
pub const HEADER_READ_SECONDS_MAX: u64 = 30;
/// Seconds in which the body of a request must have arrived; what is behind the first [`SMALL_BODY_BYTES_MAX`] has as long again.
pub const BODY_READ_SECONDS_MAX: u64 = 30;
/// Bytes up to which a body is read at once. More is read by a bounded number of requests at a time.
pub const SMALL_BODY_BYTES_MAX: usize = 64 * 1024;
/// Larger bodies that are read at the same time.
pub const LARGE_BODIES_MAX: usize = 64;
/// How many of them may be sent with credentials of one developer.
pub const LARGE_BODIES_PER_DEVELOPER_MAX: usize = 16;
/// Seconds for which a larger body waits for its turn, before it is refused as 503.
pub const LARGE_BODY_WAIT_SECONDS_MAX: u64 = 5;
/// Seconds in which each further [`SMALL_BODY_BYTES_MAX`] of a larger body, or its end, must have arrived.
pub const LARGE_BODY_STEP_SECONDS_MAX: u64 = 5;
/// Seconds for which an answer may wait for a peer that does not read it, before its connection is closed.
pub const ANSWER_READ_SECONDS_MAX: u64 = 30;
/// Seconds in which a TLS handshake must have ended.
pub const HANDSHAKE_SECONDS_MAX: u64 = 10;
/// Open connections of one listener.
pub const CONNECTIONS_MAX: usize = 4_096;
/// Concurrent streams of one HTTP/2 connection.
pub const STREAMS_PER_CONNECTION_MAX: u32 = 32;
/// Writes that wait for the writer; more wait at the door.
pub const WRITE_QUEUE_MAX: usize = 4_096;
/// Writes of one group commit.
pub const WRITE_BATCH_MAX: usize = 256;
/// Rows that one round of the sweeper erases.
pub const SWEEP_ROWS_MAX: u32 = 1_000;
/// Unwrapped namespace keys in memory.
pub const NAMESPACE_KEYS_CACHED_MAX: usize = 4_096;
/// The latest second that dev mode's clock can be moved to: the end of the year 9999.
pub const CLOCK_SECONDS_MAX: i64 = 253_402_300_799;
/// Accounts that dev mode makes up for keys and accounts it has not seen.
pub const MADE_UP_ACCOUNTS_MAX: usize = 100_000;
/// Bytes of an account id that dev mode makes up because a request names it.
pub const MADE_UP_ACCOUNT_ID_BYTES_MAX: usize = 255;

// A legal worst case (every character four bytes, each byte percent-encoded threefold) fits the body.
const _: () = assert!(3 * STRING_CHARS_MAX * 4 * 3 + 4_096 <= BODY_BYTES_MAX);
// What can be set can be found: the target has room for the path and the parameter names beside the values.
const _: () = assert!(FINDABLE_BYTES_MAX + 1_024 <= TARGET_BYTES_MAX);
// One page can hold a whole scope, so that a list reads one scope and nothing else.
const _: () = assert!(SECRETS_PER_SCOPE_MAX <= PAGE_LIMIT_MAX);
const _: () = assert!(WRITE_BATCH_MAX <= WRITE_QUEUE_MAX);
// Where the HTTP stack counts 32 bytes a line, the longest legal head and the few fields of HTTP/2's own still fit.
const _: () = assert!(32 * (HEADER_LINES_MAX + 8) + 1_024 <= HEAD_BYTES_MAX - TARGET_BYTES_MAX - HEADER_BYTES_MAX);
// No developer can have all turns of large bodies.
const _: () = assert!(LARGE_BODIES_PER_DEVELOPER_MAX < LARGE_BODIES_MAX);
