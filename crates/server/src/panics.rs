//! What a panic says: where, never what. Its message could hold a value. And which panics nobody else catches.

use tokio::runtime::Handle;
use tokio::sync::Notify;

/// Told of panics outside the runtime.
static OUTSIDE: Notify = Notify::const_new();

/// Replaces the process's panic hook by one that logs the place only.
pub(crate) fn log_places_only() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panic");
        if Handle::try_current().is_err() {
            OUTSIDE.notify_one();
        }
    }));
}

/// Resolves when a thread has panicked that belongs to no runtime, which are those of the store: its writer and its checkpointer. What
/// panics inside the runtime is a request, which is answered, or a task, whose end is seen.
pub(crate) async fn outside_the_runtime() {
    OUTSIDE.notified().await;
}
