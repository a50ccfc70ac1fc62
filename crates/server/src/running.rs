//! A server that runs: what it prints, how it stops, and why it could not start.

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cholla_domain::error::StoreError;
use cholla_store::sqlite::{OpenError, Store};
use thiserror::Error;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::config::ConfigError;
use crate::keeper::KeepError;
use crate::panics;
use crate::platform::PlatformError;
use crate::platform_tokens::KeySetError;
use crate::tls::TlsError;

/// Why a server could not start. Says what is wrong; [`recommendation`](Self::recommendation) says what to do.
#[derive(Debug, Error)]
pub enum StartError {
    /// The configuration file.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// The platform file.
    #[error("{0}")]
    Platform(#[from] PlatformError),
    /// The data directory.
    #[error("{0}")]
    Store(#[from] OpenError),
    /// The root key's file.
    #[error("{0}")]
    RootKey(#[from] cholla_seal::KeyFileError),
    /// The root key does not open what the data directory holds.
    #[error("{0}")]
    Keys(#[from] cholla_seal::OpenError),
    /// Certificates.
    #[error("{0}")]
    Tls(#[from] TlsError),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Which address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file or directory of the server cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The admin token's file cannot be read, or holds none.
    #[error("the admin token's file {} {why}; `token_file` under [admin] of the configuration names it", path.display())]
    AdminToken {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Others than its owner can read a file that holds what is secret.
    #[error("{} can be read by others (mode {mode:04o}); run `chmod 600` on it, and ask yourself who may have read it", path.display())]
    Exposed {
        /// Which.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The system gives no threads.
    #[error("no threads for connections: {0}")]
    Threads(std::io::Error),
    /// The directory cannot be read or written.
    #[error("{0}")]
    Directory(#[from] KeepError),
    /// The platform file contradicts what the directory holds.
    #[error("the platform file does not fit what is there: {0}")]
    Misfit(String),
    /// The keys that the platform signs embedded keys with.
    #[error("{0}")]
    KeySet(#[from] KeySetError),
    /// The demo world could not be stored.
    #[error("the demo secrets could not be stored: {0}")]
    Demo(String),
}

impl StartError {
    /// What to do about it.
    pub fn recommendation(&self) -> &'static str {
        match self {
            Self::Config(_) => "Correct the line and start again; docs/configuration.md has every setting.",
            Self::Platform(_) => "Correct the line and start again; docs/platform-file.md has every key.",
            Self::Directory(_) => "Check the data directory and its disk; nothing in it was changed.",
            Self::Misfit(_) => "Correct the platform file, or start with another data directory.",
            Self::KeySet(_) => "Correct `jwks_file` under [embedded_keys]; docs/configuration.md says what it holds.",
            Self::Store(_) => "Check the data directory named above; nothing in it was changed.",
            Self::RootKey(_) => {
                "Restore the root key from its backup. Where nothing was ever sealed under it, `cholla init` makes another, with a configuration of its own, in another directory."
            }
            Self::AdminToken { .. } => {
                "Write a token of your own into it, drawn at random, that only the user of the server can read (`chmod 600`), or name the file that `cholla init` made."
            }
            Self::Keys(_) => "Start with the root key that sealed this data directory, or with another data directory.",
            Self::Exposed { .. } | Self::Tls(TlsError::Exposed { .. }) => {
                "Let only the user of the server read it; if somebody else may have, put a new one in its place."
            }
            Self::Tls(_) => "Check that certificate and key are PEM files that belong together.",
            Self::Listen { .. } => {
                "Stop what uses the address, or choose another one (in dev mode --listen, --listen-https and --admin take ADDRESS:PORT; port 0 picks a free one)."
            }
            Self::Threads(_) => "Raise the limits on threads and open files.",
            Self::File { .. } => "Check that the path exists and that this user may write there.",
            Self::Demo(_) => "Start with an empty data directory, or without --data.",
        }
    }
}

/// Why a server did not end in order. [`recommendation`](Self::recommendation) says what to do.
#[derive(Debug, Error)]
pub enum StopError {
    /// A task ended that nobody had told to.
    #[error("a part of the server, a listener or the sweeper, ended by itself")]
    Task,
    /// A thread outside the runtime panicked.
    #[error("a thread of the store panicked, and writes may not be taken any more")]
    Thread,
    /// The store.
    #[error("the store could not be closed in order: {0}")]
    Store(#[from] StoreError),
}

impl StopError {
    /// What to do about it.
    pub fn recommendation(&self) -> &'static str {
        match self {
            Self::Task | Self::Thread => {
                "Start it again: nothing that was acknowledged is lost. The log says where it went wrong; please report that."
            }
            Self::Store(_) => "Nothing that was acknowledged is lost; check the disk of the data directory.",
        }
    }
}

/// A server that accepts connections.
pub struct Running {
    pub(crate) summary: String,
    pub(crate) store: Arc<Store>,
    pub(crate) stop: watch::Sender<bool>,
    pub(crate) tasks: JoinSet<()>,
    pub(crate) drain: Duration,
    /// Removed when the server has stopped.
    pub(crate) temporary: Option<PathBuf>,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Running")
    }
}

impl Running {
    /// What to print on the terminal.
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// Runs until `shutdown` resolves, or a part of the server dies; then lets open requests finish, for at most the drain time, and
    /// closes the store.
    ///
    /// # Errors
    /// When a part of the server died, or the store could not be closed in order. What it acknowledged is safe all the same.
    pub async fn stopped(mut self, shutdown: impl Future<Output = ()>) -> Result<(), StopError> {
        let died = tokio::select! {
            biased;
            () = shutdown => None,
            _ = self.tasks.join_next() => Some(StopError::Task),
            () = panics::outside_the_runtime() => Some(StopError::Thread),
        };
        match &died {
            None => tracing::info!("stopping: open requests may finish"),
            Some(error) => tracing::error!(%error, "stopping: open requests may finish"),
        }
        self.stop.send_replace(true);
        let drained = timeout(self.drain, async { while self.tasks.join_next().await.is_some() {} }).await;
        if drained.is_err() {
            tracing::warn!("some connections did not finish within the drain time");
            self.tasks.shutdown().await;
        }
        if let Some(temporary) = &self.temporary {
            // Left behind, it is only a certificate in the system's temporary directory.
            let _ = std::fs::remove_dir_all(temporary);
        }
        let closed = self.store.shutdown();
        died.map_or(Ok(()), Err)?;
        Ok(closed?)
    }
}

#[cfg(test)]
mod tests {
    use cholla_store::sqlite::Options;

    use super::*;

    /// A server with one task, which runs until it is told to stop unless `dies` says how it ends.
    fn running(dies: Option<fn()>) -> Running {
        let (stop, mut stopping) = watch::channel(false);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            match dies {
                Some(end) => end(),
                None => drop(stopping.wait_for(|stopping| *stopping).await),
            }
        });
        let store = Arc::new(Store::in_memory(&Options::default()).unwrap());
        Running { summary: String::new(), store, stop, tasks, drain: Duration::from_secs(5), temporary: None }
    }

    async fn check(dies: Option<fn()>, shutdown: impl Future<Output = ()>, expected: &str) {
        let stopped = running(dies).stopped(shutdown).await;
        let actual = stopped.map_or_else(|error| error.to_string(), |()| "in order".to_owned());
        assert!(actual.contains(expected), "{actual}");
    }

    #[tokio::test]
    async fn it_ends_when_it_is_told_to_or_when_a_part_of_it_dies() {
        crate::panics::log_places_only();
        check(None, async {}, "in order").await;
        check(Some(|| {}), std::future::pending(), "a listener or the sweeper").await;
        check(Some(|| panic!()), std::future::pending(), "a listener or the sweeper").await;
        let panicked = std::thread::spawn(|| panic!()).join();
        assert!(panicked.is_err());
        check(None, std::future::pending(), "a thread of the store").await;
    }
}
