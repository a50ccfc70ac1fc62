//! The directory takes the keyed hash of an API key, not the key.

use cholla_domain::directory::credential::Credential;

fn keep(credential: Credential) -> Credential {
    Credential { key: "sk_test_123", ..credential }
}

fn main() {}
