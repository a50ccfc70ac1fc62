//! The oracle passes the suite that it is the measure of.

use cholla_testkit::memory::MemoryStore;
use cholla_testkit::store_suite::Stores;

fn memory() -> Stores {
    Stores::new(MemoryStore::default(), ())
}

cholla_testkit::store_suite!(memory);
