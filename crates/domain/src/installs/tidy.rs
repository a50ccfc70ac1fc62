//! What is remembered for a while only, and forgotten then.

use crate::directory::change::Change;
use crate::directory::record::RecordName;
use crate::directory::state::Directory;
use crate::limits::{DEAD_CREDENTIAL_SECONDS, ENDED_CURSOR_SECONDS, IDEMPOTENCY_KEPT_SECONDS};
use crate::time::{Timestamp, is_expired};

/// Forgets up to `max` records whose time is over: kept results, installs that ended, app credentials that nobody can use. To be repeated
/// until the change is empty.
pub fn tidy(directory: &Directory, now: Timestamp, grace_seconds: i64, max: usize) -> Change {
    let is_over = |at: Timestamp, seconds: i64| is_expired(Some(at.plus(seconds)), now);
    let kept = directory.all_kept().filter(|kept| is_over(kept.kept_at, IDEMPOTENCY_KEPT_SECONDS));
    let remembered = grace_seconds.max(ENDED_CURSOR_SECONDS);
    let ended = directory.all_ended().filter(|ended| is_over(ended.ended_at, remembered));
    let dead = directory.dead_before(now.plus(1 - DEAD_CREDENTIAL_SECONDS));
    let names = kept
        .map(|kept| RecordName::Kept(kept.key))
        .chain(ended.map(|ended| RecordName::Ended(ended.install.id)))
        .chain(dead.map(RecordName::Credential));
    let mut change = Change::default();
    names.take(max).for_each(|name| change.remove(name));
    change
}
