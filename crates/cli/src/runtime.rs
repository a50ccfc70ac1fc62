//! The runtime that a server lives in, and the signals that end it.

use std::io;
use std::process;

use cholla_server::running::{Running, StartError, StopError};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::output::{Exit, Failure};

/// What a shell gives a process that ended by SIGINT.
const INTERRUPTED: i32 = 130;

/// A runtime for what is not a connection: those live on threads of their own.
///
/// # Errors
/// When the system has no threads or descriptors left.
pub(crate) fn build() -> Result<Runtime, Failure> {
    let failed = |error: io::Error| {
        Failure::new(
            Exit::Refused,
            format!("the runtime cannot start: {error}"),
            "Raise the limits on threads and open files.",
        )
    };
    Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(failed)
}

/// Why a server did not start.
pub(crate) fn not_started(error: &StartError) -> Failure {
    Failure::new(Exit::Refused, error.to_string(), error.recommendation())
}

/// SIGTERM and SIGINT, caught from here on.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Catches the signals. Comes before the server says that it is ready: whoever waits for that may stop it right after.
    ///
    /// # Errors
    /// When the system has no descriptors left.
    pub(crate) fn catch() -> Result<Self, Failure> {
        let failed = |error: io::Error| {
            Failure::new(
                Exit::Refused,
                format!("signals cannot be listened for: {error}"),
                "Raise the limit on open files.",
            )
        };
        let interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        Ok(Self { interrupt, terminate: signal(SignalKind::terminate()).map_err(failed)? })
    }

    /// Waits for the first of them.
    pub(crate) async fn first(mut self) {
        first_of(&mut self.interrupt, self.terminate).await;
    }
}

/// Runs `running` until SIGTERM or SIGINT, then lets it drain. A second SIGINT ends the process at once.
///
/// # Errors
/// When a part of it died, or the store could not be closed in order.
pub(crate) async fn until_signal(running: Running, signals: Signals) -> Result<(), Failure> {
    let Signals { mut interrupt, terminate } = signals;
    let (draining, drains) = tokio::sync::oneshot::channel();
    let first = async move {
        first_of(&mut interrupt, terminate).await;
        let _ = draining.send(interrupt);
    };
    tokio::spawn(async move {
        // It drains without a signal when a part of it died: then the first SIGINT is the last.
        let interrupt = drains.await.or_else(|_| signal(SignalKind::interrupt()));
        if let Ok(mut interrupt) = interrupt {
            interrupt.recv().await;
            process::exit(INTERRUPTED);
        }
    });
    running.stopped(first).await.map_err(|error| not_in_order(&error))
}

/// Why a server ended otherwise than by a signal.
fn not_in_order(error: &StopError) -> Failure {
    Failure::new(Exit::Refused, error.to_string(), error.recommendation())
}

async fn first_of(interrupt: &mut Signal, mut terminate: Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
