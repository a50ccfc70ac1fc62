//! The bytes of a record of the directory, before it is sealed: fields one after another, in their order, texts behind their length.
//!
//! A record begins with the version of its layout. A layout that was released never changes: another one gets another version.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::id::{AccountId, AppId, UserId};
use crate::livemode::Livemode;
use crate::place::push_field;
use crate::time::Timestamp;

/// Writes fields; what is written is wiped when dropped.
#[derive(Default)]
pub(super) struct Encoder(Zeroizing<Vec<u8>>);

impl Encoder {
    /// The bytes so far.
    pub(super) fn finish(self) -> Zeroizing<Vec<u8>> {
        self.0
    }

    /// Bytes whose length the layout knows.
    pub(super) fn fixed(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Bytes of any length.
    pub(super) fn field(&mut self, bytes: &[u8]) {
        push_field(&mut self.0, bytes);
    }
}

/// The ids that records share: where a million records name a hundred thousand accounts, there is one copy of each id.
#[derive(Default)]
pub struct SharedIds(HashSet<Arc<str>>);

impl SharedIds {
    fn get(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = text.into();
        self.0.insert(Arc::clone(&new));
        new
    }
}

impl fmt::Debug for SharedIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedIds")
    }
}

/// Reads fields in the order in which they were written.
pub(super) struct Decoder<'a> {
    bytes: &'a [u8],
    shared: Option<&'a mut SharedIds>,
}

impl<'a> Decoder<'a> {
    /// Reads one record.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, shared: None }
    }

    /// Reads one of many records, which have ids in common.
    pub(super) fn sharing(bytes: &'a [u8], shared: &'a mut SharedIds) -> Self {
        Self { bytes, shared: Some(shared) }
    }

    /// The text of an id that many records name.
    fn id(&mut self) -> Option<Arc<str>> {
        let text = self.text()?;
        Some(self.shared.as_mut().map_or_else(|| text.into(), |shared| shared.get(text)))
    }

    /// `N` bytes.
    pub(super) fn fixed<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.bytes.split_first_chunk()?;
        self.bytes = rest;
        Some(*bytes)
    }

    /// Bytes behind their length.
    pub(super) fn field(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(u32::from_be_bytes(self.fixed()?)).ok()?;
        let (bytes, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        Some(bytes)
    }

    /// A text behind its length.
    pub(super) fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.field()?).ok()
    }

    /// Whether everything was read.
    pub(super) fn is_at_end(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// Something with a layout.
pub(super) trait Layout: Sized {
    /// Writes it.
    fn encode(&self, out: &mut Encoder);
    /// Reads it; `None` for bytes that were never written so.
    fn decode(input: &mut Decoder<'_>) -> Option<Self>;
}

/// A layout that is the fields in the order given here.
macro_rules! layout {
    ($type:ty { $($field:ident),* $(,)? }) => {
        impl $crate::directory::codec::Layout for $type {
            fn encode(&self, out: &mut $crate::directory::codec::Encoder) {
                $($crate::directory::codec::Layout::encode(&self.$field, out);)*
            }

            fn decode(input: &mut $crate::directory::codec::Decoder<'_>) -> Option<Self> {
                Some(Self { $($field: $crate::directory::codec::Layout::decode(input)?,)* })
            }
        }
    };
}
pub(super) use layout;

/// A layout of one byte: which of the variants it is.
macro_rules! variants {
    ($type:ty { $($variant:ident = $number:literal),* $(,)? }) => {
        impl $crate::directory::codec::Layout for $type {
            fn encode(&self, out: &mut $crate::directory::codec::Encoder) {
                out.fixed(&[match self { $(Self::$variant => $number,)* }]);
            }

            fn decode(input: &mut $crate::directory::codec::Decoder<'_>) -> Option<Self> {
                match input.fixed::<1>()?[0] {
                    $($number => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}
pub(super) use variants;

impl Layout for u64 {
    fn encode(&self, out: &mut Encoder) {
        out.fixed(&self.to_be_bytes());
    }

    fn decode(input: &mut Decoder<'_>) -> Option<Self> {
        input.fixed().map(Self::from_be_bytes)
    }
}

impl Layout for u32 {
    fn encode(&self, out: &mut Encoder) {
        out.fixed(&self.to_be_bytes());
    }

    fn decode(input: &mut Decoder<'_>) -> Option<Self> {
        input.fixed().map(Self::from_be_bytes)
    }
}

impl Layout for bool {
    fn encode(&self, out: &mut Encoder) {
        out.fixed(&[u8::from(*self)]);
    }

    fn decode(input: &mut Decoder<'_>) -> Option<Self> {
        match input.fixed()? {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }
}

impl Layout for Timestamp {
    fn encode(&self, out: &mut Encoder) {
        out.fixed(&self.as_unix().to_be_bytes());
    }

    fn decode(input: &mut Decoder<'_>) -> Option<Self> {
        input.fixed().map(|bytes| Self::from_unix(i64::from_be_bytes(bytes)))
    }
}

impl Layout for Livemode {
    fn encode(&self, out: &mut Encoder) {
        self.is_live().encode(out);
    }

    fn decode(input: &mut Decoder<'_>) -> Option<Self> {
        Some(if bool::decode(input)? { Self::Live } else { Self::Test })
    }
}

impl Layout for String {
    fn encode(&self, out: &mut Encoder) {
        out.field(self.as_bytes());
    }

    fn decode(input: &mut Decoder<'_>) -> Option<Self> {
        input.text().map(str::to_owned)
    }
}

impl<const N: usize> Layout for [u8; N] {
    fn encode(&self, out: &mut Encoder) {
        out.fixed(self);
    }

    fn decode(input: &mut Decoder<'_>) -> Option<Self> {
        input.fixed()
    }
}

impl<T: Layout> Layout for Option<T> {
    fn encode(&self, out: &mut Encoder) {
        self.is_some().encode(out);
        if let Some(value) = self {
            value.encode(out);
        }
    }

    fn decode(input: &mut Decoder<'_>) -> Option<Self> {
        if bool::decode(input)? { T::decode(input).map(Some) } else { Some(None) }
    }
}

/// How many follow.
fn encode_count(count: usize, out: &mut Encoder) {
    u32::try_from(count).expect("a record's lists are bounded by the limits, far below 2^32").encode(out);
}

impl<T: Layout> Layout for Vec<T> {
    fn encode(&self, out: &mut Encoder) {
        encode_count(self.len(), out);
        for item in self {
            item.encode(out);
        }
    }

    fn decode(input: &mut Decoder<'_>) -> Option<Self> {
        (0..u32::decode(input)?).map(|_| T::decode(input)).collect()
    }
}

impl<T: Layout + Ord> Layout for BTreeSet<T> {
    fn encode(&self, out: &mut Encoder) {
        encode_count(self.len(), out);
        for item in self {
            item.encode(out);
        }
    }

    fn decode(input: &mut Decoder<'_>) -> Option<Self> {
        (0..u32::decode(input)?).map(|_| T::decode(input)).collect()
    }
}

impl<K: Layout + Ord, V: Layout> Layout for BTreeMap<K, V> {
    fn encode(&self, out: &mut Encoder) {
        encode_count(self.len(), out);
        for (key, value) in self {
            key.encode(out);
            value.encode(out);
        }
    }

    fn decode(input: &mut Decoder<'_>) -> Option<Self> {
        (0..u32::decode(input)?).map(|_| Some((K::decode(input)?, V::decode(input)?))).collect()
    }
}

macro_rules! text_layout {
    ($($type:ty: $read:ident),*) => {
        $(impl Layout for $type {
            fn encode(&self, out: &mut Encoder) {
                out.field(self.as_str().as_bytes());
            }

            fn decode(input: &mut Decoder<'_>) -> Option<Self> {
                input.$read().map(Self::new)
            }
        })*
    };
}
text_layout!(AccountId: id, AppId: id, UserId: text);

impl<T: Layout> Layout for Box<T> {
    fn encode(&self, out: &mut Encoder) {
        (**self).encode(out);
    }

    fn decode(input: &mut Decoder<'_>) -> Option<Self> {
        T::decode(input).map(Self::new)
    }
}
