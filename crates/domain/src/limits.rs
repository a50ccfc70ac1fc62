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
/// Characters of an app's manifest id (contract 11.3).
pub const APP_ID_CHARS_MAX: usize = 255;

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
/// How often the caller of a write is judged, because each time an uninstall or an offboarding has overtaken the write.
pub const JUDGEMENTS_MAX: usize = 16;

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
/// Token buckets of the rate limits that are in memory at a time. Where more callers are active, the fullest ones are forgotten.
pub const RATE_BUCKETS_MAX: usize = 65_536;
/// Requests a second, and in a burst, that a rate limit can be set to at the most.
pub const RATE_MAX: u64 = 1_000_000;
/// Scripted faults of dev mode at a time.
pub const FAULTS_MAX: usize = 100;
/// Requests that one scripted fault is for.
pub const FAULT_REQUESTS_MAX: u32 = 1_000_000;
/// Milliseconds for which a scripted fault delays a request.
pub const FAULT_DELAY_MILLISECONDS_MAX: u64 = 60_000;
/// Open connections of one listener.
pub const CONNECTIONS_MAX: usize = 4_096;
/// Concurrent streams of one HTTP/2 connection.
pub const STREAMS_PER_CONNECTION_MAX: u32 = 32;
/// Writes that wait for the writer; more wait at the door.
pub const WRITE_QUEUE_MAX: usize = 4_096;
/// Writes of one group commit.
pub const WRITE_BATCH_MAX: usize = 256;
/// Secrets whose last read is not yet written down. Of more than that within one interval some are missed.
pub const READS_PENDING_MAX: usize = 65_536;
/// Secrets whose read today is known to be noted, in 8 bytes each: those beyond are noted again.
pub const READS_KNOWN_MAX: usize = 262_144;
/// Rows that one round of the sweeper erases.
pub const SWEEP_ROWS_MAX: u32 = 1_000;
/// Characters of a signed token's header, as it stands in the token.
pub const TOKEN_HEADER_CHARS_MAX: usize = 2_048;
/// Characters of a signed token's payload, as it stands in the token.
pub const TOKEN_PAYLOAD_CHARS_MAX: usize = 16_384;
/// Characters of a receipt's payload, as it stands in the receipt.
pub const RECEIPT_PAYLOAD_CHARS_MAX: usize = 65_536;
/// Characters of a signed token's signature: RSA with 8,192 bits.
pub const TOKEN_SIGNATURE_CHARS_MAX: usize = 1_366;
/// Keys of a JWK set, those included that are of no use here.
pub const JWK_SET_KEYS_MAX: usize = 64;
/// Characters of a number in a JWK: RSA with 8,192 bits.
pub const JWK_NUMBER_CHARS_MAX: usize = 1_366;
/// Seconds for which a platform-signed embedded key may live.
pub const EMBEDDED_KEY_SECONDS_MAX: i64 = 60 * 60;
/// Seconds by which the clock of a platform that signs embedded keys may be ahead of ours.
pub const CLOCK_SKEW_SECONDS_MAX: i64 = 60;
/// Unwrapped namespace keys in memory.
pub const NAMESPACE_KEYS_CACHED_MAX: usize = 4_096;
/// The latest second that dev mode's clock can be moved to: the end of the year 9999.
pub const CLOCK_SECONDS_MAX: i64 = 253_402_300_799;
/// Bytes of the URL of a webhook endpoint.
pub const WEBHOOK_URL_BYTES_MAX: usize = 2_048;
/// Seconds in which a webhook must have been answered, name resolution and handshakes included (contract 17.6).
pub const WEBHOOK_SECONDS_MAX: u64 = 10;
/// Seconds for which one address of a webhook's host is tried before the next one is.
pub const WEBHOOK_CONNECT_SECONDS_MAX: u64 = 3;
/// Bytes of a webhook's answer that are read and thrown away.
pub const WEBHOOK_ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Webhooks that are being tried at the same time. Each is a file descriptor.
pub const WEBHOOKS_IN_FLIGHT_MAX: usize = 512;
/// How many of them may go to one endpoint, as long as there is no room for more.
pub const WEBHOOKS_PER_ENDPOINT_MAX: usize = 4;
/// How many of them may go to one endpoint whose last try succeeded.
pub const WEBHOOKS_PER_HEALTHY_ENDPOINT_MAX: usize = 16;
/// Places beyond [`WEBHOOKS_PER_ENDPOINT_MAX`] that all endpoints together may have.
pub const WEBHOOK_EXTRA_PLACES_MAX: usize = 96;
/// Seconds after which the queue of webhooks is looked at again even if nothing seems due.
pub const WEBHOOK_LOOK_SECONDS_MAX: u64 = 5;
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
// The receipt of the longest user id can be verified: a character of it takes up to six bytes of JSON (`\u0001`), three of which are four
// characters of base64url. The two accounts and all else that a receipt says take less than the rest.
const _: () = assert!((6 * STRING_CHARS_MAX + 8_192) / 3 * 4 + 4 <= RECEIPT_PAYLOAD_CHARS_MAX);
const _: () = assert!(WRITE_BATCH_MAX <= WRITE_QUEUE_MAX);
// Where the HTTP stack counts 32 bytes a line, the longest legal head and the few fields of HTTP/2's own still fit.
const _: () = assert!(32 * (HEADER_LINES_MAX + 8) + 1_024 <= HEAD_BYTES_MAX - TARGET_BYTES_MAX - HEADER_BYTES_MAX);
// No developer can have all turns of large bodies.
const _: () = assert!(LARGE_BODIES_PER_DEVELOPER_MAX < LARGE_BODIES_MAX);
// A hundred endpoints that hang leave room for the others (contract 17.6), even if some worked a moment ago.
const _: () = assert!(100 * WEBHOOKS_PER_ENDPOINT_MAX + WEBHOOK_EXTRA_PLACES_MAX < WEBHOOKS_IN_FLIGHT_MAX);
const _: () = assert!(WEBHOOKS_PER_ENDPOINT_MAX < WEBHOOKS_PER_HEALTHY_ENDPOINT_MAX);

/// Seconds for which a rotated refresh token may be presented again without being taken for theft: two workers raced (contract 15.8).
pub const ROTATION_RACE_SECONDS: i64 = 60;
/// How many rotated refresh tokens of one grant are remembered for that time, the newest.
pub const ROTATED_KEPT_MAX: usize = 64;
/// How many requests that issued pairs of one grant before the living one are remembered, so that a late retry is not taken for theft.
pub const ISSUES_REMEMBERED_MAX: usize = 16;
/// How many used codes of one grant are remembered, the newest (contract 15.8).
pub const USED_CODES_MAX: usize = 8;
/// Tokens of OAuth of which it is being written down that they were presented, at a time (contract 15.9).
pub const PRESENTED_TOKENS_MAX: usize = 16_384;
/// Those of which it is written down in one change.
pub const PRESENTED_PER_CHANGE_MAX: usize = 256;
/// Seconds for which the old access token counts after a refresh (contract 15.7).
pub const ROTATED_ACCESS_SECONDS: i64 = 10;
/// Seconds for which an access token counts (contract 15.6).
pub const ACCESS_TOKEN_SECONDS: i64 = 60 * 60;
/// Seconds for which a refresh token counts from its own issue: 365 days (contract 15.6).
pub const REFRESH_TOKEN_SECONDS: i64 = 365 * 24 * 60 * 60;
/// Letters and digits of an OAuth code (contract 15.2).
pub const CODE_CHARS: usize = 32;
/// Seconds for which an OAuth code can be exchanged (contract 15.2).
pub const CODE_SECONDS: i64 = 5 * 60;
/// Uploads of an app that are kept even if nothing refers to them, the newest.
pub const UPLOADS_KEPT_MAX: usize = 20;
/// Seconds for which an install that ended still marks its place in lists (contract 10.11).
pub const ENDED_CURSOR_SECONDS: i64 = 24 * 60 * 60;
/// Installs of one app on one account in one mode that ended and are remembered, the newest (contract 10.11).
pub const ENDED_PER_PLACE_MAX: usize = 16;
/// Results of the Install API that are kept for the keys of one account at a time (contract 10.13).
pub const KEPT_INSTALLS_PER_ACCOUNT_MAX: usize = 50_000;
/// Bytes that they may take together.
pub const KEPT_INSTALL_BYTES_PER_ACCOUNT_MAX: usize = 16 * 1024 * 1024;
/// Seconds for which an access token that has expired is told from an unknown one: 7 days (contract 15.6).
pub const EXPIRED_TOKEN_SECONDS: i64 = 7 * 24 * 60 * 60;
/// Seconds for which an embedded key that has expired is told from an unknown one.
pub const EXPIRED_SESSION_SECONDS: i64 = 24 * 60 * 60;
/// Seconds for which a key or a secret that was rolled may live on beside the new one, at the longest: 7 days (contract 16.2).
pub const OVERLAP_SECONDS_MAX: i64 = 7 * 24 * 60 * 60;
/// Letters and digits of a key that is drawn.
pub const KEY_CHARS: usize = 64;
/// Letters and digits of a signing secret that is drawn, an app's or a webhook endpoint's.
pub const SIGNING_SECRET_CHARS: usize = 32;
/// Characters that a webhook secret needs behind its prefix where it is given, not drawn: about 128 bits of letters and digits.
pub const GIVEN_SECRET_CHARS_MIN: usize = 24;
/// Letters and digits of an admin token: 256 bits.
pub const ADMIN_TOKEN_CHARS: usize = 43;
/// Seconds for which an embedded key lives that nobody asked another lifetime for.
pub const EMBEDDED_KEY_SECONDS_DEFAULT: i64 = 15 * 60;
/// Webhook endpoints of one account in one mode, and of the operator in one mode.
pub const WEBHOOK_ENDPOINTS_MAX: usize = 16;

/// Seconds for which the secrets of a namespace outlive its last install, unless configured otherwise: 30 days (contract 14.5).
pub const GRACE_SECONDS_DEFAULT: i64 = 30 * 24 * 60 * 60;

/// Namespaces whose key one change destroys.
pub const ERASURES_PER_ROUND_MAX: usize = 64;
/// Secrets that one step of an erasure erases, about.
pub const ERASURE_STEP_ROWS: u32 = 256;
/// Installs that one change carries to a new release.
pub const ROLLOUT_STEP_INSTALLS: usize = 256;
/// Records of the directory that one change of the sweeper forgets.
pub const TIDIED_PER_ROUND_MAX: usize = 512;
/// Seconds for which settled deliveries can be sent again: 15 days.
pub const DELIVERY_KEPT_SECONDS: i64 = 15 * 24 * 60 * 60;
/// Deliveries that tell of secrets and wait, of one endpoint of the operator's; what comes on top is dropped. Events of the contract are not.
pub const OUTBOX_PER_ENDPOINT_MAX: usize = 100_000;
/// Deliveries that told of secrets and are kept to be looked at and sent again, of one endpoint: the newest that it took, and the newest
/// that it did not take.
pub const NOTICES_SETTLED_MAX: usize = 10_000;
/// Notices of secrets that become deliveries at a time.
pub const NOTICES_PER_ROUND_MAX: u32 = 256;
/// Seconds before a secret expires at which the operator is told: 7 days.
pub const EXPIRY_NOTICE_SECONDS: i64 = 7 * 24 * 60 * 60;
/// Scopes that one page of the inventory looks into, where few of them have what is asked for.
pub const INVENTORY_SCOPES_SEEN_MAX: usize = 2_000;
