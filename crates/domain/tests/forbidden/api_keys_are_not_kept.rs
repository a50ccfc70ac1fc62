//! The directory takes the keyed hash of an API key, not the key.

use cholla_domain::directory::{Credential, Directory};

fn keep(directory: &mut Directory, credential: Credential) {
    directory.add_credential("sk_test_123", credential);
}

fn main() {}
