//! The secrets that are measured: one developer whose app is installed in 1,000 accounts, users in each, ten secrets of each user.

use std::fmt::Write as _;

use anyhow::{Result, ensure};

use crate::random::Random;

/// The developer's secret key; a find names one of the accounts beside it.
pub(crate) const SECRET_KEY: &str = "sk_test_ChollaBenchmarkOnly000000000000000000000000000000000000";
/// The installing accounts.
pub(crate) const ACCOUNTS: u32 = 1_000;
/// Secrets of one user: as many as a scope may hold.
const SECRETS_PER_USER: u32 = 10;
/// Secrets of the small world.
pub(crate) const SMALL: u32 = 1_000;
/// The small world has every tenth account.
const SMALL_STRIDE: u32 = 10;
/// The large worlds come in this step: one more user in every account.
const LARGE_STEP: u32 = ACCOUNTS * SECRETS_PER_USER;
/// Secrets of a sample.
const SAMPLE: u32 = 20_000;
/// The largest world: 100 users in every account.
const SECRETS_MAX: u32 = 100 * LARGE_STEP;

/// Characters of the shortest and the longest payload.
pub(crate) const PAYLOAD_CHARS: std::ops::RangeInclusive<usize> = 72..=400;

/// Where one secret lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    /// The account: `acct_bench` and four digits.
    pub(crate) account: u32,
    /// The user of that account: `usr_`, the account's four digits, `u` and two digits.
    pub(crate) user: u32,
    /// The secret of that user: `refresh_token_` and one digit.
    pub(crate) name: u32,
}

/// A set of secrets with an order. The small world is a part of every large one: the same requests fit both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum World {
    /// 1,000 secrets: one user in each of 100 accounts.
    Small,
    /// `users` users in each of the 1,000 accounts.
    Large {
        /// 1 to 100.
        users: u32,
    },
    /// 20,000 secrets spread evenly over `Large { users }`.
    Sample {
        /// 2 to 100.
        users: u32,
    },
}

impl World {
    /// The world of so many secrets.
    ///
    /// # Errors
    /// When it is neither 1,000 nor a multiple of 10,000 up to 1,000,000.
    pub(crate) fn of(secrets: u32) -> Result<Self> {
        if secrets == SMALL {
            return Ok(Self::Small);
        }
        let whole = secrets > 0 && secrets <= SECRETS_MAX && secrets.is_multiple_of(LARGE_STEP);
        ensure!(whole, "a world has 1,000 secrets, or a multiple of 10,000 up to 1,000,000");
        Ok(Self::Large { users: secrets / LARGE_STEP })
    }

    /// 20,000 of its secrets, or all of a smaller world.
    pub(crate) fn sample(self) -> Self {
        match self {
            Self::Large { users } if users * LARGE_STEP > SAMPLE => Self::Sample { users },
            smaller => smaller,
        }
    }

    /// How many secrets it has.
    pub(crate) fn secrets(self) -> u32 {
        match self {
            Self::Small => SMALL,
            Self::Large { users } => users * LARGE_STEP,
            Self::Sample { .. } => SAMPLE,
        }
    }

    /// The place of the secret with this number, which is smaller than [`World::secrets`].
    pub(crate) fn place(self, number: u32) -> Place {
        let (scope, name) = (number / SECRETS_PER_USER, number % SECRETS_PER_USER);
        match self {
            Self::Sample { users } => {
                let step = users * LARGE_STEP / SAMPLE;
                Self::Large { users }.place(number * step + number % step.min(SECRETS_PER_USER))
            }
            Self::Small => Place { account: scope * SMALL_STRIDE, user: 0, name },
            Self::Large { users } => Place { account: scope / users, user: scope % users, name },
        }
    }
}

/// A payload of `chars` letters and digits, as incompressible as a token.
pub(crate) fn payload(chars: usize, random: &mut Random) -> String {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    (0..chars).map(|_| char::from(ALPHABET[random.below(62) as usize])).collect()
}

/// The platform file that declares the developer, the app, the accounts and the installs.
pub(crate) fn platform_file() -> String {
    let mut file = format!(
        "[[accounts]]\nid = \"acct_benchdev\"\n\n\
         [[apps]]\nid = \"com.example.bench\"\nowner = \"acct_benchdev\"\ndistribution = \"public\"\n\
         permissions = [{{ permission = \"secret_write\", purpose = \"Benchmark\" }}]\n\n\
         [[keys]]\nkind = \"secret\"\naccount = \"acct_benchdev\"\nmode = \"test\"\nvalue = \"{SECRET_KEY}\"\n"
    );
    for account in 0..ACCOUNTS {
        let declared = write!(
            file,
            "\n[[accounts]]\nid = \"acct_bench{account:04}\"\n\n\
             [[installs]]\napp = \"com.example.bench\"\naccount = \"acct_bench{account:04}\"\n"
        );
        declared.expect("a string takes every text");
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn check(secrets: u32, expected: Option<World>) {
        assert_eq!(World::of(secrets).ok(), expected, "{secrets}");
    }

    #[test]
    fn sizes() {
        check(1_000, Some(World::Small));
        check(10_000, Some(World::Large { users: 1 }));
        check(1_000_000, Some(World::Large { users: 100 }));
        check(0, None);
        check(1_001, None);
        check(15_000, None);
        check(1_010_000, None);
    }

    #[test]
    fn places_are_distinct_and_the_small_world_lies_in_the_large_one() {
        let places = |world: World| (0..world.secrets()).map(|number| world.place(number)).collect::<HashSet<_>>();
        let (small, large) = (places(World::Small), places(World::Large { users: 2 }));
        assert_eq!((small.len(), large.len()), (1_000, 20_000));
        assert!(small.is_subset(&large));
        for users in [2, 3, 100] {
            let sample = places(World::Sample { users });
            assert_eq!(sample.len(), 20_000, "{users} users");
            assert!(sample.is_subset(&places(World::Large { users })), "{users} users");
        }
        assert_eq!(World::Large { users: 100 }.place(999_999), Place { account: 999, user: 99, name: 9 });
    }
}
