//! The built-in demo world: the Cactus Practice.

use std::io;

use cholla_domain::id::{AccountId, UserId};
use cholla_domain::livemode::Livemode;
use cholla_domain::place::Scope;

use super::Platform;

/// The demo world is an ordinary platform file, and so an example of one.
const DEMO: &str = include_str!("demo.toml");

/// What the apps of the demo world have stored: developer, user (none: the account scope), name, payload.
const DEMO_SECRETS: [(&str, Option<&str>, &str, &str); 10] = [
    ("acct_devA", None, "foo_api_key", "foo_key_of_the_cactus_practice"),
    ("acct_devA", Some("usr_1"), "oauth_access_token", "foo_access_token_of_user_1"),
    ("acct_devA", Some("usr_1"), "oauth_refresh_token", "foo_refresh_token_of_user_1"),
    ("acct_devA", Some("usr_2"), "oauth_access_token", "foo_access_token_of_user_2"),
    ("acct_devA", Some("usr_2"), "oauth_refresh_token", "foo_refresh_token_of_user_2"),
    ("acct_devB", None, "bar_api_key", "bar_key_of_the_cactus_practice"),
    ("acct_devB", Some("usr_1"), "oauth_access_token", "bar_access_token_of_user_1"),
    ("acct_devB", Some("usr_1"), "oauth_refresh_token", "bar_refresh_token_of_user_1"),
    ("acct_devB", Some("usr_2"), "oauth_access_token", "bar_access_token_of_user_2"),
    ("acct_devB", Some("usr_2"), "oauth_refresh_token", "bar_refresh_token_of_user_2"),
];

/// A secret of the demo world, to be stored by the ordinary set operation.
#[derive(Clone, Debug)]
pub struct DemoSecret {
    /// The developer whose app stores it.
    pub developer: AccountId,
    /// The installing account.
    pub account: AccountId,
    /// The mode.
    pub livemode: Livemode,
    /// The account's or one user's.
    pub scope: Scope,
    /// Its name.
    pub name: String,
    /// Its payload, plainly made up and no secret.
    pub payload: String,
}

impl Platform {
    /// The Cactus Practice with its two users, and App A and App B of two developers, installed in both modes. All values are
    /// generated.
    pub fn demo() -> Self {
        let no_manifests = |_: &str| Err(io::ErrorKind::NotFound.into());
        Self::parse("demo.toml", DEMO, &no_manifests).expect("the demo world is a legal platform file")
    }

    /// What the apps of [`demo`](Self::demo) have stored, in test mode only, so that live mode shows itself apart.
    pub fn demo_secrets() -> Vec<DemoSecret> {
        let secret = |&(developer, user, name, payload): &(&str, Option<&str>, &str, &str)| DemoSecret {
            developer: AccountId::new(developer),
            account: AccountId::new("acct_cactus"),
            livemode: Livemode::Test,
            scope: user.map_or(Scope::Account, |user| Scope::User(UserId::new(user))),
            name: name.to_owned(),
            payload: payload.to_owned(),
        };
        DEMO_SECRETS.iter().map(secret).collect()
    }
}
