//! What is remembered for a while only, and forgotten then.

use crate::directory::change::Change;
use crate::directory::record::RecordName;
use crate::directory::state::Directory;
use crate::limits::{ENDED_CURSOR_SECONDS, IDEMPOTENCY_KEPT_SECONDS};
use crate::time::Timestamp;

/// How long what is over is remembered.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// The grace period, in seconds: installs that ended within it.
    pub grace_seconds: i64,
    /// Whether credentials that nobody can use are forgotten. Where unknown keys are made up (dev mode) they are not: they would come back.
    pub forgets_credentials: bool,
}

/// Forgets up to `max` records whose time is over: kept results, installs that ended, app credentials that nobody can use. To be repeated
/// until the change is empty.
pub fn tidy(directory: &Directory, now: Timestamp, memory: Memory, max: usize) -> Change {
    let kept = directory.kept_until(now.plus(-IDEMPOTENCY_KEPT_SECONDS));
    let ended = directory.ended_until(now.plus(-memory.grace_seconds.max(ENDED_CURSOR_SECONDS)));
    let dead = directory.dead_before(now.plus(1)).filter(|_| memory.forgets_credentials);
    let names = kept
        .map(|key| RecordName::Kept(*key))
        .chain(ended.map(|id| RecordName::Ended(*id)))
        .chain(dead.map(RecordName::Credential));
    let mut change = Change::default();
    names.take(max).for_each(|name| change.remove(name));
    change
}
