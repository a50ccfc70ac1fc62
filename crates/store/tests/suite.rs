//! The suite of every store, on SQLite in a file and in memory.

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

mod without_cache {
    use super::*;

    fn store() -> Stores {
        let directory = tempfile::tempdir().unwrap();
        let options = Options { cache_bytes: 0, ..Options::default() };
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
