//! A large directory against a small one: the same developer platform, with a hundred accounts or a hundred thousand.

use std::fmt::Write as _;

use anyhow::Result;

use crate::data::{Workshop, load_once};
use crate::process::Process;
use crate::progress;
use crate::random::Random;
use crate::request::{Order, Source, Stream};
use crate::template::decimal;
use crate::world::payload;

/// Credentials of each account on average.
const CREDENTIALS_PER_ACCOUNT: u32 = 10;
/// Accounts that install each app, one install an account.
const INSTALLS_PER_APP: u32 = 10;
/// Sessions per account on average; all of them belong to a few accounts.
const SESSIONS_PER_ACCOUNT: u32 = CREDENTIALS_PER_ACCOUNT - 2;
/// Accounts that have users with sessions, in a directory of any size: so that the same number of secrets is asked for, which is what the
/// processor's caches feel first.
const SESSION_ACCOUNTS: u32 = 1_000;
/// Digits of every number in ids and keys.
const DIGITS: usize = 8;
/// Characters of a payload.
const PAYLOAD: usize = 200;

/// How large a directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    /// Accounts; each has a secret key, and one install with a key of that app.
    pub(crate) accounts: u32,
}

impl Size {
    /// Apps, each of another account, all published.
    pub(crate) fn apps(self) -> u32 {
        self.accounts / INSTALLS_PER_APP
    }

    /// Keys and sessions.
    pub(crate) fn credentials(self) -> u32 {
        self.accounts * CREDENTIALS_PER_ACCOUNT
    }

    fn sessions(self) -> u32 {
        self.accounts * SESSIONS_PER_ACCOUNT
    }

    /// Accounts that have sessions.
    fn session_accounts(self) -> u32 {
        self.accounts.min(SESSION_ACCOUNTS)
    }

    /// The app that an account has installed: another account's.
    fn app_of(self, account: u32) -> u32 {
        (account + 1) % self.apps()
    }

    /// The platform file that declares it.
    fn platform_file(self) -> String {
        let mut file = String::with_capacity(self.credentials() as usize * 160);
        let developers = 0..self.apps();
        for app in developers {
            // One half of the apps asks for tokens, the other for restricted keys.
            let access = if app.is_multiple_of(2) { "oauth" } else { "restricted_api_key" };
            push(
                &mut file,
                format_args!(
                    "[[apps]]\nid = \"com.example.app{app:08}\"\nowner = \"acct_{app:08}\"\ndistribution = \"public\"\n\
                     api_access = \"{access}\"\n\
                     permissions = [{{ permission = \"secret_write\", purpose = \"Benchmark\" }}]\n\n"
                ),
            );
        }
        for account in 0..self.accounts {
            let app = self.app_of(account);
            let kind = if app.is_multiple_of(2) { "oauth" } else { "restricted" };
            push(
                &mut file,
                format_args!(
                    "[[accounts]]\nid = \"acct_{account:08}\"\nname = \"Account {account}\"\n\n\
                     [[installs]]\napp = \"com.example.app{app:08}\"\naccount = \"acct_{account:08}\"\n\n\
                     [[keys]]\nkind = \"secret\"\naccount = \"acct_{account:08}\"\nvalue = \"{}{account:08}\"\n\n\
                     [[keys]]\nkind = \"{kind}\"\naccount = \"acct_{account:08}\"\napp = \"com.example.app{app:08}\"\n\
                     value = \"{}{account:08}\"\n\n",
                    Keys::Secret.prefix(),
                    Keys::Installs.prefix(),
                ),
            );
        }
        for session in 0..self.sessions() {
            let account = session % self.session_accounts();
            let app = self.app_of(account);
            push(
                &mut file,
                format_args!(
                    "[[keys]]\nkind = \"embedded\"\naccount = \"acct_{account:08}\"\napp = \"com.example.app{app:08}\"\n\
                     user = \"usr_{session:08}\"\nvalue = \"{}{session:08}\"\n\n",
                    Keys::Sessions.prefix(),
                ),
            );
        }
        file
    }

    /// The home of a server with this directory, where every install has stored one secret; made if it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn home(self, workshop: &Workshop) -> Result<std::path::PathBuf> {
        workshop.made(&format!("directory-{}", self.accounts), |home| {
            workshop.make_home(home)?;
            let process = workshop.serve(home, "", Some(&self.platform_file()))?;
            progress(&format!("declared {} accounts in {:.1} s", self.accounts, process.ready_after.as_secs_f64()));
            load_once(&process, self.ask(Ask::Set, Keys::Installs), self.accounts)?;
            process.end()?;
            std::fs::remove_file(home.join("platform.toml"))?;
            Ok(())
        })
    }

    /// Starts the server of such a home.
    ///
    /// # Errors
    /// When it does not become ready.
    pub(crate) fn start(workshop: &Workshop, home: &std::path::Path) -> Result<Process> {
        workshop.serve(home, "", None)
    }

    /// Requests with keys of this directory.
    pub(crate) fn ask(self, ask: Ask, keys: Keys) -> Source {
        let count = match keys {
            Keys::One => 1,
            Keys::Secret | Keys::Installs => self.accounts,
            Keys::FewSessions => self.session_accounts(),
            Keys::Sessions => self.sessions(),
        };
        Source::Credentials(Credentials { ask, keys, count })
    }
}

fn push(file: &mut String, text: std::fmt::Arguments<'_>) {
    file.write_fmt(text).expect("a string takes every text");
}

/// What is done with the secret of an account that its app has stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// It is found, with its payload.
    Find,
    /// It is set.
    Set,
}

/// Which credentials take turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    /// The first install's.
    One,
    /// One user's of each account that has users: as many secrets as those below, but few credentials.
    FewSessions,
    /// Those of users, each as likely as any other: of a million credentials most, but a thousand secrets.
    Sessions,
    /// The key of each install: as many secrets as accounts.
    Installs,
    /// Accounts' own, which have stored nothing.
    Secret,
}

impl Keys {
    /// What their values begin with, before the number.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::One | Self::Installs => "rk_test_ChollaBenchmarkOnly",
            Self::FewSessions | Self::Sessions => "ek_test_ChollaBenchmarkOnly",
            Self::Secret => "sk_test_ChollaBenchmarkOnly",
        }
    }
}

/// Requests that differ in their credential only.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Credentials {
    ask: Ask,
    keys: Keys,
    count: u32,
}

impl Credentials {
    /// The requests in an order.
    pub(crate) fn requests(self, order: Order, seed: u64) -> Numbered {
        let mut random = Random::new(seed);
        let head = match self.ask {
            Ask::Find => "GET /v1/apps/secrets/find?name=api_key&scope[type]=account&expand[]=payload",
            Ask::Set => "POST /v1/apps/secrets",
        };
        let mut bytes = format!("{head} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {}", self.keys.prefix());
        let at = bytes.len();
        bytes.push_str("00000000\r\n");
        match self.ask {
            Ask::Find => bytes.push_str("\r\n"),
            Ask::Set => {
                let body = format!("name=api_key&scope[type]=account&payload={}", payload(PAYLOAD, &mut random));
                push(
                    &mut bytes,
                    format_args!(
                        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
                        body.len()
                    ),
                );
            }
        }
        Numbered { bytes: bytes.into_bytes(), at, count: self.count, order, random }
    }
}

/// A request with a number in it.
pub(crate) struct Numbered {
    bytes: Vec<u8>,
    at: usize,
    count: u32,
    order: Order,
    random: Random,
}

impl Stream for Numbered {
    fn next(&mut self) -> Option<&[u8]> {
        let number = self.order.next(self.count, &mut self.random)?;
        decimal(&mut self.bytes[self.at..self.at + DIGITS], number);
        Some(&self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(accounts: u32, (apps, credentials): (u32, u32)) {
        let size = Size { accounts };
        assert_eq!((size.apps(), size.credentials()), (apps, credentials));
        let file = size.platform_file();
        let count = |heading: &str| u32::try_from(file.matches(heading).count()).unwrap();
        assert_eq!(count("[[apps]]"), apps);
        assert_eq!((count("[[accounts]]"), count("[[installs]]")), (accounts, accounts));
        assert_eq!(count("[[keys]]"), credentials);
    }

    #[test]
    fn a_file_declares_what_its_size_says() {
        check(100, (10, 1_000));
        check(1_000, (100, 10_000));
    }

    #[test]
    fn requests_differ_in_their_credential() {
        let Source::Credentials(credentials) = (Size { accounts: 100 }).ask(Ask::Find, Keys::Sessions) else {
            panic!("credentials are asked for")
        };
        let mut requests = credentials.requests(Order::Once { first: 798, step: 1 }, 1);
        for number in ["00000798", "00000799"] {
            let request = String::from_utf8(requests.next().unwrap().to_vec()).unwrap();
            let expected = format!("Authorization: Bearer ek_test_ChollaBenchmarkOnly{number}\r\n\r\n");
            assert!(request.ends_with(&expected), "{request}");
        }
        assert!(requests.next().is_none());
    }
}
