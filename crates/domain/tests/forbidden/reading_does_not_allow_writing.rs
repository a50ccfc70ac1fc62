//! What was authorized to read cannot delete.

use cholla_domain::place::SealedPlace;
use cholla_domain::policy::Read;
use cholla_domain::ports::{Deletion, SecretStore};
use cholla_domain::time::Timestamp;

async fn delete(store: &dyn SecretStore, at: &SealedPlace<Read>, deletion: Deletion, now: Timestamp) {
    let _ = store.delete(at, deletion, now).await;
}

fn main() {}
