//! The threads on which connections live: a runtime each, as many as there are cores.
//!
//! A connection stays on its thread, and so do its buffers and counters: no work is stolen, no memory is freed by another thread, and
//! cores do not fight over cache lines. Connections are dealt out in turn, so that every thread has as many as the next.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// One thread and its runtime.
struct Worker {
    runtime: Handle,
    /// Dropped to stop the thread.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// The threads. Dropping them ends what still runs there.
pub(crate) struct Workers {
    workers: Vec<Worker>,
    next: AtomicUsize,
}

impl Workers {
    /// Starts one thread per core.
    ///
    /// # Errors
    /// When the system gives no threads or descriptors.
    pub(crate) fn start() -> io::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let workers = (0..cores).map(Worker::start).collect::<io::Result<_>>()?;
        Ok(Self { workers, next: AtomicUsize::new(0) })
    }

    /// The runtime whose turn it is.
    pub(crate) fn next(&self) -> &Handle {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        &self.workers[turn % self.workers.len()].runtime
    }
}

impl Worker {
    fn start(number: usize) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name(format!("worker-{number}")).spawn(move || {
            // Ends when the sender is dropped.
            let _ = runtime.block_on(stopped);
        })?;
        Ok(Self { runtime: handle, stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of a worker was reported where it happened.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[tokio::test]
    async fn tasks_are_dealt_out_to_every_thread_in_turn() {
        let workers = Workers::start().unwrap();
        let mut threads = Vec::new();
        for _ in 0..2 * workers.workers.len() {
            let task = workers.next().spawn(async { std::thread::current().name().map(str::to_owned) });
            threads.push(task.await.unwrap().unwrap());
        }
        let (first, second) = threads.split_at(workers.workers.len());
        assert_eq!(first, second);
        assert_eq!(first.iter().collect::<HashSet<_>>().len(), workers.workers.len());
    }
}
