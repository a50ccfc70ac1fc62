//! Request bytes with holes: everything that changes from request to request has a fixed width and is written in place.

use crate::random::Random;
use crate::world::Place;

/// What a hole is filled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hole {
    /// Four digits of the account.
    Account,
    /// Two digits of the user.
    User,
    /// One digit of the secret.
    Name,
    /// 32 random hexadecimal digits.
    Key,
}

impl Hole {
    const fn width(self) -> usize {
        match self {
            Self::Account => 4,
            Self::User => 2,
            Self::Name => 1,
            Self::Key => 32,
        }
    }
}

/// The bytes of one request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Template {
    bytes: Vec<u8>,
    holes: Vec<(usize, Hole)>,
}

impl Template {
    /// Appends bytes that never change.
    pub(crate) fn text(mut self, text: &str) -> Self {
        self.bytes.extend_from_slice(text.as_bytes());
        self
    }

    /// Appends a hole.
    pub(crate) fn hole(mut self, hole: Hole) -> Self {
        self.holes.push((self.bytes.len(), hole));
        self.bytes.resize(self.bytes.len() + hole.width(), b'0');
        self
    }

    /// Appends another template.
    pub(crate) fn then(mut self, other: &Self) -> Self {
        let offset = self.bytes.len();
        self.holes.extend(other.holes.iter().map(|(at, hole)| (at + offset, *hole)));
        self.bytes.extend_from_slice(&other.bytes);
        self
    }

    /// Its length, however it is filled.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The request for one secret, with a fresh key where it has a hole for one.
    pub(crate) fn fill(&mut self, place: Place, random: &mut Random) -> &[u8] {
        for (at, hole) in &self.holes {
            let bytes = &mut self.bytes[*at..at + hole.width()];
            match hole {
                Hole::Account => decimal(bytes, place.account),
                Hole::User => decimal(bytes, place.user),
                Hole::Name => decimal(bytes, place.name),
                Hole::Key => {
                    let (high, low) = bytes.split_at_mut(16);
                    hexadecimal(high, random.next());
                    hexadecimal(low, random.next());
                }
            }
        }
        &self.bytes
    }
}

/// Writes a number with leading zeros; what does not fit is cut off.
pub(crate) fn decimal(digits: &mut [u8], mut number: u32) {
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789"[(number % 10) as usize];
        number /= 10;
    }
}

/// Writes the lowest 16 hexadecimal digits of a number.
fn hexadecimal(digits: &mut [u8], mut number: u64) {
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(number % 16) as usize];
        number /= 16;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_filled_where_they_are() {
        let inner = Template::default().text("user=").hole(Hole::User).text("&name=").hole(Hole::Name);
        let mut template = Template::default().hole(Hole::Account).text("?").then(&inner).text(" ").hole(Hole::Key);
        let mut random = Random::new(1_234_567);
        let filled = template.fill(Place { account: 42, user: 7, name: 3 }, &mut random).to_vec();
        assert_eq!(filled, b"0042?user=07&name=3 599ed017fb08fc852c73f08458540fa5");
        assert_eq!(template.len(), filled.len());
        let again = template.fill(Place { account: 999, user: 99, name: 0 }, &mut random);
        assert_eq!(again[..20], *b"0999?user=99&name=0 ");
        assert_ne!(again[20..], filled[20..]);
    }
}
