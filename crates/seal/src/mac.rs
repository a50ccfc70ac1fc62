//! HMAC-SHA-256 under a prepared key, fed piece by piece so that nothing is allocated.

use aws_lc_rs::hmac;

/// A key whose inner and outer block are hashed once, when it is made. The provider wipes them when it is dropped.
pub(crate) struct MacKey(hmac::Key);

impl MacKey {
    /// Prepares `key`, of any length.
    pub(crate) fn new(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// The first `N` bytes of the hash of what `feed` feeds. The context is large: it is filled where it stands, not passed around.
    pub(crate) fn hash<const N: usize>(&self, feed: impl FnOnce(&mut Mac)) -> [u8; N] {
        const { assert!(N <= Mac::LENGTH) }
        let mut mac = Mac(hmac::Context::with_key(&self.0));
        feed(&mut mac);
        let hash = mac.0.sign();
        let (head, _) =
            hash.as_ref().split_first_chunk().expect("the hash has 32 bytes, asserted to be no fewer than N");
        *head
    }
}

/// A message on its way into the hash.
pub(crate) struct Mac(hmac::Context);

impl Mac {
    /// Bytes of the whole hash.
    pub(crate) const LENGTH: usize = 32;

    /// Feeds bytes whose number is fixed by what came before them.
    pub(crate) fn fixed(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Feeds bytes of any number behind their length, as `domain::place::push_field` writes them.
    pub(crate) fn field(&mut self, bytes: &[u8]) {
        let length = u32::try_from(bytes.len()).expect("fields are bounded by the body limit, far below 4 GiB");
        self.0.update(&length.to_be_bytes());
        self.0.update(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_fed_as_the_domain_writes_it() {
        let key = MacKey::new(b"key");
        for field in [&b""[..], b"a", &[0; 300]] {
            let mut written = Vec::new();
            cholla_domain::place::push_field(&mut written, field);
            let as_field: [u8; 32] = key.hash(|mac| mac.field(field));
            assert_eq!(as_field, key.hash(|mac| mac.fixed(&written)), "{} bytes", field.len());
        }
    }
}
