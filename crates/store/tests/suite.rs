//! The suite of every store, on `SQLite` in a file and in memory.

#![expect(clippy::unwrap_used, reason = "a test fails where it breaks")]

use cholla_store::sqlite::{Options, Store};
use cholla_testkit::store_suite::Stores;

mod file {
    use super::*;

    fn store() -> Stores {
        let directory = tempfile::tempdir().unwrap();
        Stores::new(Store::open(directory.path(), &Options::default()).unwrap(), directory)
    }

    cholla_testkit::store_suite!(store);
}

/// Nothing is answered from memory that the file can answer.
mod without_memory {
    use super::*;

    fn store() -> Stores {
        let directory = tempfile::tempdir().unwrap();
        let options = Options { cache_bytes: 0, recent_records: 4, ..Options::default() };
        Stores::new(Store::open(directory.path(), &options).unwrap(), directory)
    }

    cholla_testkit::store_suite!(store);
}

mod memory {
    use super::*;

    fn store() -> Stores {
        Stores::new(Store::in_memory(&Options::default()).unwrap(), ())
    }

    cholla_testkit::store_suite!(store);
}
