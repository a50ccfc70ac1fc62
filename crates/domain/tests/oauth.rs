//! OAuth (contract section 15): codes, rotation, reuse, theft, lost answers. Each case is a story on a small directory whose clock the test
//! moves; the tokens are named by the order in which they were issued.

#![expect(clippy::unwrap_used, reason = "a test fails where it breaks")]

use cholla_domain::directory::access::Refused;
use cholla_domain::directory::app::ApiAccess;
use cholla_domain::directory::credential::{CredentialKey, CredentialKind};
use cholla_domain::directory::decision::Mint;
use cholla_domain::directory::record::Record;
use cholla_domain::id::{AccountId, InstallId, RequestId};
use cholla_domain::installs::{Actor, end_install, issue_code};
use cholla_domain::limits::USED_CODES_MAX;
use cholla_domain::livemode::Livemode;
use cholla_domain::oauth::{
    Developer, ExchangeRequest, OAuthError, RefreshRequest, Tokens, exchange, presented, refresh,
};
use cholla_testkit::directory_world::DirectoryWorld;
use zeroize::Zeroizing;

const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A developer's `oauth` app, installed on a shop.
struct Story {
    world: DirectoryWorld,
    install: InstallId,
    code: String,
    pairs: Vec<(String, String)>,
    /// What is known to be presented before the directory knows.
    noted: Vec<CredentialKey>,
    /// Of the last answer: the request whose answer was lost.
    replay_of: Option<RequestId>,
}

type Asked = Result<(), OAuthError>;

impl Story {
    fn new() -> Self {
        let mut world = DirectoryWorld::new(7);
        for account in ["acct_dev", "acct_other", "acct_shop"] {
            world.account(account);
        }
        world.published("com.example.a", "acct_dev", &["secret_write"]);
        world.access("com.example.a", ApiAccess::OAuth);
        world.app("com.example.b", "acct_dev", &[]);
        world.app("com.example.c", "acct_other", &[]);
        let install = world.install("com.example.a", "acct_shop", Livemode::Test);
        let mut story =
            Self { world, install, code: String::new(), pairs: Vec::new(), noted: Vec::new(), replay_of: None };
        story.new_code(None, None);
        story
    }

    fn new_code(&mut self, challenge: Option<&str>, redirect_uri: Option<&str>) {
        let ctx = self.world.context();
        let (challenge, redirect_uri) = (challenge.map(str::to_owned), redirect_uri.map(str::to_owned));
        let (grant, code) = issue_code(&ctx, ctx.directory.grant(&self.install), self.install, challenge, redirect_uri);
        self.code = code.value.to_string();
        self.world.put(Record::Grant(Box::new(grant)));
    }

    fn developer() -> Developer {
        Developer { account: AccountId::new("acct_dev"), livemode: Livemode::Test }
    }

    fn request(&self) -> ExchangeRequest {
        ExchangeRequest {
            code: Zeroizing::new(self.code.clone()),
            challenge: None,
            redirect_uri: None,
            client_id: None,
            issued_under: None,
        }
    }

    fn exchange_as(&mut self, developer: &Developer, request: &ExchangeRequest) -> Asked {
        let decision = exchange(&self.world.context(), developer, request, &|key| self.noted.contains(key));
        let (answer, _) = self.world.take(decision);
        self.keep(answer)
    }

    fn exchange(&mut self, key: Option<u8>) -> Asked {
        let request = ExchangeRequest { issued_under: key.map(|key| [key; 32]), ..self.request() };
        self.exchange_as(&Self::developer(), &request)
    }

    /// Presents the refresh token of the pair of that number, under an idempotency key where one is given.
    fn refresh(&mut self, pair: usize, key: Option<u8>) -> Asked {
        let request = RefreshRequest {
            refresh_token: Zeroizing::new(self.pairs[pair].1.clone()),
            client_id: None,
            // As the server makes it: the parameters belong to what a retry is known by.
            issued_under: key.map(|key| [key.wrapping_mul(16).wrapping_add(u8::try_from(pair).unwrap()); 32]),
        };
        let decision = refresh(&self.world.context(), &Self::developer(), &request, &|key| self.noted.contains(key));
        let (answer, _) = self.world.take(decision);
        self.keep(answer)
    }

    fn keep(&mut self, answer: Result<Tokens, OAuthError>) -> Asked {
        answer.map(|tokens| {
            assert!(tokens.access.value.starts_with("rk_test_") && tokens.access.value.len() == 8 + 64);
            assert!(tokens.refresh.value.starts_with("rt_") && tokens.refresh.value.len() == 3 + 64);
            self.replay_of = tokens.replay_of;
            self.pairs.push((tokens.access.value.to_string(), tokens.refresh.value.to_string()));
        })
    }

    /// What a request with the access token of that pair is answered.
    fn access(&self, pair: usize) -> Result<(), Refused> {
        let key = self.key(pair);
        let credential = self.world.directory.credential(&key).ok_or(Refused::Unknown)?;
        self.world.directory.principal(credential, None, self.world.now).map(|principal| {
            assert_eq!((principal.namespace.account.as_str(), principal.permissions.write), ("acct_shop", true));
        })
    }

    fn key(&self, pair: usize) -> CredentialKey {
        CredentialKey::of(&self.world.mint.hash(self.pairs[pair].0.as_bytes()))
    }

    fn present(&mut self, pair: usize) {
        let key = self.key(pair);
        let change = presented(&self.world.context(), &self.install, &key);
        self.world.commit(change);
    }
}

#[test]
fn rule_15_2_a_code_works_once_for_five_minutes_and_a_new_one_voids_it() {
    for (seconds, expected) in [(0, Ok(())), (299, Ok(())), (300, Err(OAuthError::CodeUnknown))] {
        let mut story = Story::new();
        story.world.pass(seconds);
        assert_eq!(story.exchange(None), expected, "{seconds}");
    }
    let mut story = Story::new();
    let first = story.code.clone();
    story.new_code(None, None);
    let second = std::mem::replace(&mut story.code, first);
    assert_eq!(story.exchange(None), Err(OAuthError::CodeUnknown));
    story.code = second;
    assert_eq!(story.exchange(None), Ok(()));
}

#[test]
fn rule_15_14_codes_of_others_are_unknown() {
    let developer = |account: &str, livemode| Developer { account: AccountId::new(account), livemode };
    for other in [developer("acct_other", Livemode::Test), developer("acct_dev", Livemode::Live)] {
        let mut story = Story::new();
        let request = story.request();
        assert_eq!(story.exchange_as(&other, &request), Err(OAuthError::CodeUnknown));
        assert_eq!(story.exchange(None), Ok(()), "a failed exchange leaves the code usable");
    }
    let mut story = Story::new();
    let install = story.world.directory.install(&story.install).unwrap().clone();
    let change = end_install(&story.world.context(), Actor::Account, &install);
    story.world.commit(change);
    assert_eq!(story.exchange(None), Err(OAuthError::CodeUnknown), "its install has ended");
}

#[test]
fn rule_15_4_client_id_and_redirect_uri_are_those_of_app_and_code() {
    let id = |story: &Story, app| Some(story.world.app_of(app).client_id.to_string());
    for (app, expected) in [
        ("com.example.a", Ok(())),
        ("com.example.b", Err(OAuthError::ClientOfAnotherApp)),
        ("com.example.c", Err(OAuthError::ClientUnknown)),
    ] {
        let mut story = Story::new();
        let request = ExchangeRequest { client_id: id(&story, app), ..story.request() };
        assert_eq!(story.exchange_as(&Story::developer(), &request), expected, "{app}");
    }
    for (of_code, sent, expected) in [
        (None, None, Ok(())),
        (Some("https://a/cb"), None, Ok(())),
        (Some("https://a/cb"), Some("https://a/cb"), Ok(())),
        (Some("https://a/cb"), Some("https://a/other"), Err(OAuthError::RedirectUriWrong)),
        (None, Some("https://a/cb"), Err(OAuthError::RedirectUriWrong)),
    ] {
        let mut story = Story::new();
        story.new_code(None, of_code);
        let request = ExchangeRequest { redirect_uri: sent.map(str::to_owned), ..story.request() };
        assert_eq!(story.exchange_as(&Story::developer(), &request), expected, "{of_code:?} {sent:?}");
    }
}

#[test]
fn rule_15_10_a_challenge_needs_its_verifier_and_no_challenge_refuses_one() {
    for (challenge, computed, expected) in [
        (Some(CHALLENGE), Some(CHALLENGE), Ok(())),
        (Some(CHALLENGE), None, Err(OAuthError::VerifierMissing)),
        (Some(CHALLENGE), Some("x"), Err(OAuthError::VerifierWrong)),
        (None, Some(CHALLENGE), Err(OAuthError::VerifierWrong)),
        (None, None, Ok(())),
    ] {
        let mut story = Story::new();
        story.new_code(challenge, None);
        let request = ExchangeRequest { challenge: computed.map(str::to_owned), ..story.request() };
        assert_eq!(story.exchange_as(&Story::developer(), &request), expected, "{challenge:?} {computed:?}");
        if expected.is_err() {
            let right = ExchangeRequest { challenge: challenge.map(str::to_owned), ..story.request() };
            assert_eq!(story.exchange_as(&Story::developer(), &right), Ok(()), "the code is still good");
        }
    }
}

#[test]
fn rule_15_6_tokens_have_their_time() {
    for (seconds, expected) in [
        (3_599, Ok(())),
        (3_600, Err(Refused::Expired)),
        (3_600 + 7 * 86_400 - 1, Err(Refused::Expired)),
        (3_600 + 7 * 86_400, Err(Refused::Unknown)),
    ] {
        let mut story = Story::new();
        story.exchange(None).unwrap();
        story.world.pass(seconds);
        assert_eq!(story.access(0), expected, "{seconds}");
    }
    for (seconds, expected) in [(365 * 86_400 - 1, Ok(())), (365 * 86_400, Err(OAuthError::RefreshTokenUnknown))] {
        let mut story = Story::new();
        story.exchange(None).unwrap();
        story.world.pass(seconds);
        assert_eq!(story.refresh(0, None), expected, "{seconds}");
    }
    let mut story = Story::new();
    story.exchange(None).unwrap();
    story.new_code(None, None);
    story.exchange(None).unwrap();
    assert_eq!((story.access(0), story.access(1)), (Err(Refused::Unknown), Ok(())), "a new code ends the grant before");
    assert_eq!(story.refresh(0, None), Err(OAuthError::RefreshTokenUnknown));
    assert_eq!(story.access(1), Ok(()), "of another family: no theft of this one");
}

#[test]
fn rule_15_7_a_refresh_rotates_and_the_old_access_token_stops_after_ten_seconds() {
    let mut story = Story::new();
    story.exchange(None).unwrap();
    story.refresh(0, None).unwrap();
    for (seconds, old) in [(0, Ok(())), (9, Ok(())), (1, Err(Refused::Unknown))] {
        story.world.pass(seconds);
        assert_eq!((story.access(0), story.access(1)), (old, Ok(())), "after {seconds} more");
    }
}

#[test]
fn rule_15_8_reuse() {
    let mut story = Story::new();
    story.exchange(None).unwrap();
    story.refresh(0, None).unwrap();
    assert_eq!(story.exchange(None), Err(OAuthError::CodeReused));
    assert_eq!((story.access(0), story.access(1)), (Err(Refused::Unknown), Err(Refused::Unknown)));
    assert_eq!(story.refresh(1, None), Err(OAuthError::RefreshTokenUnknown));
    assert_eq!(story.exchange(None), Err(OAuthError::CodeReused), "and again");
    assert!(story.world.directory.install(&story.install).is_some(), "the install stays");

    // Two workers raced: up to a minute that is all. Later it is theft.
    for (seconds, survives) in [(0, true), (60, true), (61, false)] {
        let mut story = Story::new();
        story.exchange(None).unwrap();
        story.refresh(0, None).unwrap();
        story.world.pass(seconds);
        let decision = refresh(
            &story.world.context(),
            &Story::developer(),
            &RefreshRequest {
                refresh_token: Zeroizing::new(story.pairs[0].1.clone()),
                client_id: None,
                issued_under: None,
            },
            &|_| false,
        );
        let audited: Vec<_> = decision.change.audit.iter().map(|entry| entry.action.as_str()).collect();
        assert_eq!(audited, if survives { vec![] } else { vec!["oauth.refresh_token_reused"] });
        let (answer, _) = story.world.take(decision);
        assert_eq!(answer.map(|_| ()), Err(OAuthError::RefreshTokenUnknown));
        assert_eq!(story.access(1), if survives { Ok(()) } else { Err(Refused::Unknown) }, "{seconds}");
    }
}

#[test]
fn rule_15_8_the_last_codes_that_were_used_are_known_until_they_would_have_expired() {
    for (codes, which, seconds, expected) in [
        (2, 0, 0, OAuthError::CodeReused),
        (2, 0, 299, OAuthError::CodeReused),
        (2, 0, 300, OAuthError::CodeUnknown),
        // What lives descends from the last one: it is known for as long as the grant is.
        (2, 1, 0, OAuthError::CodeReused),
        (2, 1, 300, OAuthError::CodeReused),
        (USED_CODES_MAX, 0, 0, OAuthError::CodeReused),
        (USED_CODES_MAX + 1, 0, 0, OAuthError::CodeUnknown),
        (USED_CODES_MAX + 1, 1, 0, OAuthError::CodeReused),
    ] {
        let mut story = Story::new();
        let mut used = Vec::new();
        for _ in 0..codes {
            story.new_code(None, None);
            used.push(story.code.clone());
            story.exchange(None).unwrap();
        }
        story.world.pass(seconds);
        story.code.clone_from(&used[which]);
        assert_eq!(story.exchange(None), Err(expected), "{codes} {which} {seconds}");
        let survives = which + 1 < codes;
        let living = if survives { Ok(()) } else { Err(Refused::Unknown) };
        assert_eq!(story.access(codes - 1), living, "{codes} {which} {seconds}");
    }
    // Those whose time is over make room.
    let mut story = Story::new();
    for _ in 0..3 {
        story.new_code(None, None);
        story.exchange(None).unwrap();
        story.world.pass(200);
    }
    assert_eq!(story.world.directory.grant(&story.install).unwrap().used_codes.len(), 2);
}

#[test]
fn rule_15_8_of_sixteen_refreshes_one_wins_and_nothing_is_revoked() {
    let mut story = Story::new();
    story.exchange(None).unwrap();
    let answers: Vec<_> = (0..16).map(|_| story.refresh(0, None)).collect();
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert_eq!((story.pairs.len(), story.access(1)), (2, Ok(())));
    assert_eq!(story.refresh(1, None), Ok(()), "the winner's pair lives");
}

#[test]
fn rule_15_9_a_lost_answer_is_given_again_until_it_was_used() {
    let mut story = Story::new();
    story.exchange(Some(1)).unwrap();
    story.exchange(Some(1)).unwrap();
    assert_eq!((story.access(0), story.access(1)), (Err(Refused::Unknown), Ok(())), "the unseen pair dies");
    story.present(1);
    assert_eq!(story.exchange(Some(1)), Err(OAuthError::CodeUsed));
    assert_eq!(story.access(1), Ok(()), "nothing is revoked");
    assert_eq!(story.exchange(Some(2)), Err(OAuthError::CodeReused), "another key is no retry");
    assert_eq!(story.access(1), Err(Refused::Unknown));

    let mut story = Story::new();
    story.exchange(None).unwrap();
    story.refresh(0, Some(3)).unwrap();
    story.world.pass(3_000);
    story.refresh(0, Some(3)).unwrap();
    assert_eq!((story.access(1), story.access(2)), (Err(Refused::Unknown), Ok(())));
    story.present(2);
    assert_eq!(story.refresh(0, Some(3)), Err(OAuthError::RefreshTokenUnknown));
    assert_eq!(story.access(2), Ok(()), "nothing is revoked");
    story.refresh(2, Some(4)).unwrap();
    story.world.pass(61);
    assert_eq!(story.refresh(0, Some(3)), Err(OAuthError::RefreshTokenUnknown), "a late retry");
    assert_eq!(story.exchange(None), Err(OAuthError::CodeReused));
}

#[test]
fn rule_15_9_what_is_known_to_be_presented_counts_before_it_is_written_down() {
    let mut story = Story::new();
    story.exchange(Some(1)).unwrap();
    story.noted.push(story.key(0));
    assert_eq!(story.exchange(Some(1)), Err(OAuthError::CodeUsed));
    assert_eq!(story.access(0), Ok(()), "nothing is revoked");
    story.refresh(0, Some(2)).unwrap();
    story.refresh(0, Some(2)).unwrap();
    story.noted.push(story.key(2));
    assert_eq!(story.refresh(0, Some(2)), Err(OAuthError::RefreshTokenUnknown));
    assert_eq!(story.access(2), Ok(()), "nothing is revoked");
}

#[test]
fn rule_15_9_and_7_4_a_replay_names_the_request_that_came_first() {
    let mut story = Story::new();
    for kind in ["exchange", "refresh"] {
        let first = story.world.request;
        for tried in 0..3 {
            let answer = if kind == "exchange" { story.exchange(Some(1)) } else { story.refresh(2, Some(1)) };
            assert_eq!(answer, Ok(()), "{kind} {tried}");
            assert_eq!(story.replay_of, (tried > 0).then_some(first), "{kind} {tried}");
        }
        assert_ne!(story.world.request, first);
    }
}

#[test]
fn rule_15_5_a_publishable_key_is_named_where_there_is_one() {
    let mut story = Story::new();
    let kind = CredentialKind::Publishable { value: "pk_test_shop".to_owned() };
    story.world.credential("pk_test_shop", kind, "acct_shop", Livemode::Test);
    let request = story.request();
    let decision = exchange(&story.world.context(), &Story::developer(), &request, &|_| false);
    assert_eq!(decision.outcome.unwrap().publishable.as_deref(), Some("pk_test_shop"));
}
