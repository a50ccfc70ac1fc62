//! What was authorized to write is not passed where a read was to be checked.

use cholla_domain::place::SealedPlace;
use cholla_domain::policy::Write;
use cholla_domain::ports::SecretStore;
use cholla_domain::tag::NameTag;
use cholla_domain::time::Timestamp;

async fn find(store: &dyn SecretStore, at: &SealedPlace<Write>, name: NameTag, now: Timestamp) {
    let _ = store.find(at, name, now).await;
}

fn main() {}
