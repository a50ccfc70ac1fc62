//! What the operator decides, row by row.

#[path = "operator/accounts.rs"]
mod accounts;
#[path = "operator/apps.rs"]
mod apps;
#[path = "operator/consent.rs"]
mod consent;
#[path = "operator/credentials.rs"]
mod credentials;
#[path = "operator/endpoints.rs"]
mod endpoints;
#[path = "operator/erasures.rs"]
mod erasures;
#[path = "operator/installs.rs"]
mod installs;

use cholla_domain::directory::change::Change;
use cholla_domain::directory::decision::Decision;
use cholla_domain::id::AccountId;
use cholla_domain::operator::OperatorError;
use cholla_testkit::directory_world::DirectoryWorld;

/// Who asks, as the audit log names them.
const BY: &str = "key_operator";

/// A developer with a private app that asks for two permissions, and an account.
fn world() -> DirectoryWorld {
    let mut world = DirectoryWorld::new(7);
    for account in ["acct_dev", "acct_cactus", "acct_other"] {
        world.account(account);
    }
    world.app("com.example.a", "acct_dev", &["secret_write", "event_read"]);
    world
}

fn account(id: &str) -> AccountId {
    AccountId::new(id)
}

fn names<const N: usize>(names: [&str; N]) -> std::collections::BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

/// The actions of a decision's entries, who did them, and whether it changes anything at all.
fn actions<T>(decision: &Result<Decision<T>, OperatorError>) -> Result<Vec<&str>, OperatorError> {
    let decision = decision.as_ref().map_err(Clone::clone)?;
    assert!(decision.change.audit.iter().all(|entry| entry.actor == BY), "every entry names who asked");
    assert_eq!(decision.change.is_empty(), decision.change.audit.is_empty(), "what changes is in the audit log");
    Ok(decision.change.audit.iter().map(|entry| entry.action.as_str()).collect())
}

/// What the only entry of a change is about.
fn subject(change: &Change) -> Vec<(String, String)> {
    assert_eq!(change.audit.len(), 1);
    change.audit[0].subject.clone()
}

/// Commits what was decided.
fn take<T>(world: &mut DirectoryWorld, decision: Result<Decision<T>, OperatorError>) -> T {
    world.take(decision.expect("the row is legal")).0
}

fn entropy(seed: u64) -> cholla_testkit::entropy::SeededEntropy {
    cholla_testkit::entropy::SeededEntropy::new(seed)
}
