//! What a panic says: where, never what. Its message could hold a value.

/// Replaces the process's panic hook by one that logs the place only.
pub(crate) fn log_places_only() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panic");
    }));
}
