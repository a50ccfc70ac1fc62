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
use crate::platform::PlatformError;
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
            Self::Store(_) => "Check the data directory named above; nothing in it was changed.",
            Self::RootKey(_) => {
                "`cholla init` makes a root key; restore yours from its backup if there is data under it."
            }
            Self::Keys(_) => "Start with the root key that sealed this data directory, or with another data directory.",
            Self::Tls(_) => "Check that certificate and key are PEM files that belong together.",
            Self::Listen { .. } => {
                "Stop what uses the address, or choose another one (in dev mode --listen, --listen-https and --admin take ADDRESS:PORT; port 0 picks a free one)."
            }
            Self::File { .. } => "Check that the path exists and that this user may write there.",
            Self::Demo(_) => "Start with an empty data directory, or without --data.",
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

    /// Runs until `shutdown` resolves; then lets open requests finish, for at most the drain time, and closes the store.
    ///
    /// # Errors
    /// When the store could not be closed in order. What it acknowledged is safe all the same.
    pub async fn stopped(mut self, shutdown: impl Future<Output = ()>) -> Result<(), StoreError> {
        shutdown.await;
        tracing::info!("stopping: open requests may finish");
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
        self.store.shutdown()
    }
}
