//! The Rust library async-stripe, unchanged but for its URL.

use cholla_interop_rust::{LossyProxy, advance, now, url};
use futures_util::TryStreamExt;
use stripe::{ApiErrorsType, Client, ClientBuilder, IdempotencyKey, RequestStrategy, StripeError, StripeRequest};
use stripe_connect::AppsSecret;
use stripe_connect::apps_secret::{
    CreateAppsSecret, CreateAppsSecretScope, CreateAppsSecretScopeType, DeleteWhereAppsSecret,
    DeleteWhereAppsSecretScope, DeleteWhereAppsSecretScopeType, FindAppsSecret, FindAppsSecretScope,
    FindAppsSecretScopeType, ListAppsSecret, ListAppsSecretScope, ListAppsSecretScopeType,
};

const DEVELOPER_KEY: &str = "sk_test_interop_rust";
const MERCHANT: &str = "acct_rustMerchant";
const STRANGER: &str = "acct_stranger";
const OAUTH_TOKEN: &str = "sk_test_oauth_rust";
const RESTRICTED_KEY: &str = "rk_test_write_rust";
const READ_KEY: &str = "rk_test_read_rust";
const EXPIRING_KEY: &str = "ek_test_short_rust";

type Answer<T> = Result<T, StripeError>;

/// One credential in one scope: the account's without a user.
struct Secrets {
    client: Client,
    user: Option<String>,
}

fn builder(url: &str, key: &str, account: Option<&str>) -> ClientBuilder {
    let builder = ClientBuilder::new(key).url(url);
    match account {
        Some(account) => builder.account_id(account.parse().expect("an account id is legal")),
        None => builder,
    }
}

impl Secrets {
    fn with(key: &str, account: Option<&str>, user: Option<&str>) -> Self {
        let client = builder(&url(), key, account).build().expect("the configuration is legal");
        Self { client, user: user.map(str::to_owned) }
    }

    fn of_new_user() -> Self {
        Self::with(DEVELOPER_KEY, Some(MERCHANT), Some(&format!("usr_{}", uuid::Uuid::new_v4())))
    }

    fn creation(&self, name: &str, payload: &str) -> CreateAppsSecret {
        let mut scope = CreateAppsSecretScope::new(CreateAppsSecretScopeType::Account);
        if let Some(user) = &self.user {
            (scope.type_, scope.user) = (CreateAppsSecretScopeType::User, Some(user.clone()));
        }
        CreateAppsSecret::new(name, payload, scope)
    }

    fn search(&self, name: &str) -> FindAppsSecret {
        let mut scope = FindAppsSecretScope::new(FindAppsSecretScopeType::Account);
        if let Some(user) = &self.user {
            (scope.type_, scope.user) = (FindAppsSecretScopeType::User, Some(user.clone()));
        }
        FindAppsSecret::new(name, scope)
    }

    fn listing(&self) -> ListAppsSecret {
        let mut scope = ListAppsSecretScope::new(ListAppsSecretScopeType::Account);
        if let Some(user) = &self.user {
            (scope.type_, scope.user) = (ListAppsSecretScopeType::User, Some(user.clone()));
        }
        ListAppsSecret::new(scope)
    }

    fn removal(&self, name: &str) -> DeleteWhereAppsSecret {
        let mut scope = DeleteWhereAppsSecretScope::new(DeleteWhereAppsSecretScopeType::Account);
        if let Some(user) = &self.user {
            (scope.type_, scope.user) = (DeleteWhereAppsSecretScopeType::User, Some(user.clone()));
        }
        DeleteWhereAppsSecret::new(name, scope)
    }

    async fn create(&self, name: &str, payload: &str) -> Answer<AppsSecret> {
        self.creation(name, payload).send(&self.client).await
    }

    async fn find(&self, name: &str) -> Answer<AppsSecret> {
        self.search(name).expand(["payload".to_owned()]).send(&self.client).await
    }

    async fn delete(&self, name: &str) -> Answer<AppsSecret> {
        self.removal(name).send(&self.client).await
    }

    async fn names(&self) -> Vec<String> {
        names(&self.listing().send(&self.client).await.expect("the list is answered").data)
    }

    /// Stores `count` secrets and answers their names, newest first.
    async fn fill(&self, count: usize) -> Vec<String> {
        let mut names = Vec::new();
        for index in 0..count {
            let name = format!("name_{index}");
            self.create(&name, &format!("payload of {name}")).await.expect("it fits");
            names.insert(0, name);
        }
        names
    }
}

fn names(secrets: &[AppsSecret]) -> Vec<String> {
    secrets.iter().map(|secret| secret.name.clone()).collect()
}

#[track_caller]
fn refused<T>(answer: Answer<T>, status: u16, code: Option<&str>, param: Option<&str>) -> String {
    let Err(StripeError::Stripe(error, seen)) = answer else { panic!("not refused by the server: {:?}", answer.err()) };
    assert_eq!(error.type_, ApiErrorsType::InvalidRequestError);
    assert_eq!(seen, status);
    assert_eq!(error.code.as_ref().map(stripe::ApiErrorsCode::as_str), code);
    assert_eq!(error.param.as_deref(), param);
    error.message.expect("every error has a message")
}

#[track_caller]
fn missing<T>(answer: Answer<T>) {
    refused(answer, 404, Some("resource_missing"), Some("name"));
}

#[tokio::test]
async fn rule_4_6_the_four_operations() {
    for secrets in [Secrets::with(DEVELOPER_KEY, Some(MERCHANT), None), Secrets::of_new_user()] {
        let name = format!("name_{}", uuid::Uuid::new_v4());
        let created = secrets.create(&name, "v1").await.unwrap();
        assert!(created.id.as_str().starts_with("appsecret_"));
        assert_eq!((created.payload, created.expires_at, created.livemode, created.deleted), (None, None, false, None));
        assert_eq!(created.scope.user, secrets.user);
        let found = secrets.find(&name).await.unwrap();
        assert_eq!((found.id, found.payload.as_deref()), (created.id.clone(), Some("v1")));
        assert!(secrets.names().await.contains(&name));
        let deleted = secrets.delete(&name).await.unwrap();
        assert_eq!((deleted.id, deleted.deleted), (created.id, Some(true)));
        missing(secrets.find(&name).await);
        missing(secrets.delete(&name).await);
    }
}

#[tokio::test]
async fn rule_4_1_and_4_2_replace_and_the_limit() {
    let secrets = Secrets::of_new_user();
    let expires_at = now().await + 1_000_000;
    secrets.fill(9).await;
    let first = secrets.creation("x", "v1").expires_at(expires_at).send(&secrets.client).await.unwrap();
    assert_eq!(first.expires_at, Some(expires_at));
    let second = secrets.create("x", "v2").await.unwrap();
    assert_eq!((second.id, second.created, second.expires_at), (first.id, first.created, None));
    assert_eq!(secrets.find("x").await.unwrap().payload.as_deref(), Some("v2"));
    refused(secrets.create("y", "v").await, 400, None, Some("name"));
}

#[tokio::test]
async fn rule_4_7_pages_and_the_stream() {
    let secrets = Secrets::of_new_user();
    let filled = secrets.fill(10).await;
    let page = secrets.listing().limit(3).send(&secrets.client).await.unwrap();
    assert_eq!((names(&page.data), page.has_more, page.url.as_str()), (filled[..3].to_vec(), true, "/v1/apps/secrets"));
    let streamed: Vec<_> = secrets.listing().limit(3).paginate().stream(&secrets.client).try_collect().await.unwrap();
    assert_eq!(names(&streamed), filled);
    // The library's own stream only goes forwards, so backwards is one page.
    let oldest = streamed[9].id.to_string();
    let back = secrets.listing().limit(3).ending_before(oldest).send(&secrets.client).await.unwrap();
    assert_eq!((names(&back.data), back.has_more), (filled[6..9].to_vec(), true));
    let unknown = secrets.listing().starting_after("appsecret_x").send(&secrets.client).await;
    refused(unknown, 400, Some("resource_missing"), Some("starting_after"));
}

#[tokio::test]
async fn rule_4_8_expansion() {
    let secrets = Secrets::of_new_user();
    secrets.fill(2).await;
    let page = secrets.listing().expand(["data.payload".to_owned()]).send(&secrets.client).await.unwrap();
    let payloads: Vec<_> = page.data.iter().map(|secret| secret.payload.as_deref()).collect();
    assert_eq!(payloads, [Some("payload of name_1"), Some("payload of name_0")]);
    let deleted = secrets.removal("name_0").expand(["payload".to_owned()]).send(&secrets.client).await.unwrap();
    assert_eq!(deleted.payload.as_deref(), Some("payload of name_0"));
    refused(secrets.search("name_1").expand(["foo".to_owned()]).send(&secrets.client).await, 400, None, None);
}

#[tokio::test]
async fn rule_6_errors() {
    let secrets = Secrets::of_new_user();
    let user = secrets.user.as_deref();
    let unknown = Secrets::with("sk_live_unknownUnknown1234", Some(MERCHANT), user).find("x").await;
    assert_eq!(refused(unknown, 401, None, None), "Invalid API Key provided: sk_live_****1234");
    let publishable = Secrets::with("pk_test_anything", None, user).find("x").await;
    refused(publishable, 401, Some("secret_key_required"), None);
    let stranger = Secrets::with(DEVELOPER_KEY, Some(STRANGER), user).find("x").await;
    refused(stranger, 403, Some("account_invalid"), None);
    let reader = Secrets::with(READ_KEY, None, user);
    assert_eq!(reader.names().await, Vec::<String>::new());
    refused(reader.create("x", "v").await, 403, Some("more_permissions_required"), None);
    refused(secrets.create("", "v").await, 400, Some("parameter_invalid_empty"), Some("name"));
    refused(secrets.create("x", "").await, 400, Some("parameter_invalid_empty"), Some("payload"));
    let past = secrets.creation("x", "v").expires_at(1).send(&secrets.client).await;
    refused(past, 400, None, Some("expires_at"));
    let scope = CreateAppsSecretScope::new(CreateAppsSecretScopeType::User);
    let no_user = CreateAppsSecret::new("x", "v", scope).send(&secrets.client).await;
    refused(no_user, 400, Some("parameter_missing"), Some("scope[user]"));
    let scope = CreateAppsSecretScope::new(CreateAppsSecretScopeType::Unknown("team".to_owned()));
    let bad_type = CreateAppsSecret::new("x", "v", scope).send(&secrets.client).await;
    refused(bad_type, 400, None, Some("scope[type]"));
}

#[tokio::test]
async fn rule_7_4_idempotency() {
    let secrets = Secrets::of_new_user();
    let key = IdempotencyKey::new_uuid_v4();
    let with_key = |payload: &str| {
        let strategy = RequestStrategy::Idempotent(key.clone());
        secrets.creation("x", payload).customize().request_strategy(strategy).send(&secrets.client)
    };
    let first = with_key("v1").await.unwrap();
    assert_eq!(with_key("v1").await.unwrap().id, first.id);
    let Err(StripeError::Stripe(error, 400)) = with_key("v2").await else { panic!("other parameters were accepted") };
    assert_eq!(error.type_, ApiErrorsType::IdempotencyError);
    assert_eq!(secrets.find("x").await.unwrap().payload.as_deref(), Some("v1"));
}

#[tokio::test]
async fn rule_7_4_and_7_5_retries() {
    let secrets = Secrets::of_new_user();
    let through = |proxy: &LossyProxy| {
        let builder = builder(&proxy.url, DEVELOPER_KEY, Some(MERCHANT)).request_strategy(RequestStrategy::Retry(3));
        Secrets { client: builder.build().unwrap(), user: secrets.user.clone() }
    };
    let honest = LossyProxy::start(0).await;
    missing(through(&honest).delete("x").await);
    assert_eq!(honest.requests(), 1);

    let losing = LossyProxy::start(1).await;
    let created = through(&losing).create("x", "v").await.unwrap();
    assert_eq!(losing.requests(), 2);
    assert_eq!(secrets.find("x").await.unwrap().id, created.id);
    assert_eq!(secrets.names().await, ["x"]);
}

#[tokio::test]
async fn rule_5_2_to_5_4_accounts_and_tokens() {
    let secrets = Secrets::of_new_user();
    let user = secrets.user.as_deref();
    let created = secrets.create("x", "v").await.unwrap();
    let plain = Secrets::with(DEVELOPER_KEY, None, user);
    missing(plain.find("x").await);
    let per_request = plain.search("x").customize().account_id(MERCHANT.parse().unwrap());
    assert_eq!(per_request.send(&plain.client).await.unwrap().id, created.id);
    for key in [OAUTH_TOKEN, RESTRICTED_KEY] {
        assert_eq!(Secrets::with(key, None, user).find("x").await.unwrap().id, created.id);
        assert_eq!(Secrets::with(key, Some(MERCHANT), user).find("x").await.unwrap().id, created.id);
        refused(Secrets::with(key, Some(STRANGER), user).find("x").await, 403, Some("account_invalid"), None);
    }
}

#[tokio::test]
async fn rule_3_5_and_3_7_any_unicode() {
    let secrets = Secrets::of_new_user();
    let longest = "🔐".repeat(5000);
    for (name, payload) in
        [("ключ 🔑 & key=1+1%20", "päylöad\r\n\t\"\\/<>& ="), ("null", "null"), ("longest", longest.as_str())]
    {
        secrets.create(name, payload).await.unwrap();
        let found = secrets.find(name).await.unwrap();
        assert_eq!((found.name.as_str(), found.payload.as_deref()), (name, Some(payload)));
    }
    let message = refused(secrets.create("longer", &"🔐".repeat(5001)).await, 400, None, Some("payload"));
    assert!(!message.contains('🔐'));
}

#[tokio::test]
async fn rule_4_4_expiry() {
    let secrets = Secrets::of_new_user();
    let expires_at = now().await + 3600;
    let created = secrets.creation("x", "v").expires_at(expires_at).send(&secrets.client).await.unwrap();
    assert_eq!(secrets.find("x").await.unwrap().expires_at, Some(expires_at));
    advance("2h").await;
    missing(secrets.find("x").await);
    assert_eq!(secrets.names().await, Vec::<String>::new());
    assert_ne!(secrets.create("x", "v").await.unwrap().id, created.id);
    let expired = Secrets::with(EXPIRING_KEY, None, None).find("x").await;
    refused(expired, 401, Some("api_key_expired"), None);
}
