//! What waits for the writer: an operation and the caller who wants its outcome.

use cholla_domain::error::StoreError;
use cholla_domain::idempotency::KeptRecord;
use cholla_domain::ports::{DeleteOutcome, Deletion, NewSecret, SetOutcome, Swept};
use cholla_domain::tag::IdempotencyTag;
use cholla_domain::time::Timestamp;
use tokio::sync::oneshot;

use super::error::Failure;
use super::scope::Home;
use super::transaction::Transaction;

/// Something that one transaction does. It may be executed again when the first transaction was rolled back.
pub(super) trait Operation: Send + 'static {
    type Outcome: Send;

    fn execute(&self, transaction: &mut Transaction<'_>) -> rusqlite::Result<Self::Outcome>;
}

/// An operation of any kind, with its caller.
pub(super) trait Job: Send {
    /// Executes the operation and remembers the outcome.
    fn execute(&mut self, transaction: &mut Transaction<'_>) -> rusqlite::Result<()>;

    /// Tells the caller the outcome. Only after COMMIT.
    fn acknowledge(self: Box<Self>);

    /// Tells the caller that nothing was done.
    fn refuse(self: Box<Self>, failure: &Failure);
}

/// The caller's end: whatever the writer says, or nothing when it is gone.
pub(super) type Reply<T> = oneshot::Receiver<Result<T, StoreError>>;

struct Pending<O: Operation> {
    operation: O,
    outcome: Option<O::Outcome>,
    caller: oneshot::Sender<Result<O::Outcome, StoreError>>,
}

/// An operation as a job, and where its outcome arrives.
pub(super) fn pair<O: Operation>(operation: O) -> (Box<dyn Job>, Reply<O::Outcome>) {
    let (caller, reply) = oneshot::channel();
    (Box::new(Pending { operation, outcome: None, caller }), reply)
}

impl<O: Operation> Job for Pending<O> {
    fn execute(&mut self, transaction: &mut Transaction<'_>) -> rusqlite::Result<()> {
        self.outcome = Some(self.operation.execute(transaction)?);
        Ok(())
    }

    fn acknowledge(self: Box<Self>) {
        let outcome = self.outcome.expect("a committed transaction has executed each of its jobs");
        // A caller that no longer waits has nobody to tell.
        let _ = self.caller.send(Ok(outcome));
    }

    fn refuse(self: Box<Self>, failure: &Failure) {
        let _ = self.caller.send(Err(failure.clone().into()));
    }
}

pub(super) struct Set {
    pub(super) home: Home,
    pub(super) secret: NewSecret,
    pub(super) now: Timestamp,
}

impl Operation for Set {
    type Outcome = SetOutcome;

    fn execute(&self, transaction: &mut Transaction<'_>) -> rusqlite::Result<SetOutcome> {
        transaction.set(self.home, &self.secret, self.now)
    }
}

pub(super) struct Delete {
    pub(super) home: Home,
    pub(super) deletion: Deletion,
    pub(super) now: Timestamp,
}

impl Operation for Delete {
    type Outcome = DeleteOutcome;

    fn execute(&self, transaction: &mut Transaction<'_>) -> rusqlite::Result<DeleteOutcome> {
        transaction.delete(self.home, &self.deletion, self.now)
    }
}

/// A read that only the writer can answer.
pub(super) struct Kept {
    pub(super) tag: IdempotencyTag,
    pub(super) now: Timestamp,
}

impl Operation for Kept {
    type Outcome = Option<KeptRecord>;

    fn execute(&self, transaction: &mut Transaction<'_>) -> rusqlite::Result<Option<KeptRecord>> {
        transaction.kept(self.tag, self.now)
    }
}

pub(super) struct Sweep {
    pub(super) now: Timestamp,
    /// The most rows of each kind.
    pub(super) max: Swept,
}

impl Operation for Sweep {
    type Outcome = Swept;

    fn execute(&self, transaction: &mut Transaction<'_>) -> rusqlite::Result<Swept> {
        transaction.sweep(self.now, self.max)
    }
}

pub(super) struct Probe;

impl Operation for Probe {
    type Outcome = ();

    fn execute(&self, transaction: &mut Transaction<'_>) -> rusqlite::Result<()> {
        transaction.probe()
    }
}

pub(super) struct EraseAll;

impl Operation for EraseAll {
    type Outcome = ();

    fn execute(&self, transaction: &mut Transaction<'_>) -> rusqlite::Result<()> {
        transaction.erase_all()
    }
}
