//! The Install API through the Rust library async-stripe. The tests run side by side, so each has an account of its own.

use cholla_interop_rust::url;
use futures_util::TryStreamExt;
use stripe::{ApiErrorsType, Client, ClientBuilder, IdempotencyKey, RequestStrategy, StripeError, StripeRequest};
use stripe_connect::apps_install::{
    CreateAppsInstall, CreateAppsInstallChannel, ListAppsInstall, ListAppsInstallChannel, RetrieveAppsInstall,
    UninstallAppsInstall, UpdateAppsInstall,
};
use stripe_connect::apps_secret::{
    CreateAppsSecret, CreateAppsSecretScope, CreateAppsSecretScopeType, FindAppsSecret, FindAppsSecretScope,
    FindAppsSecretScopeType,
};
use stripe_connect::{AppsInstall, AppsInstallChannel, AppsInstallStatus};

const MAKER_KEY: &str = "sk_test_interop_maker";
const SHOP_KEY: &str = "sk_test_interop_shop";
const DEPOT: &str = "acct_depot";
const DEPOT_KEY: &str = "sk_test_interop_depot";
const BRANCH: &str = "acct_branch_1";
const BRANCH_KEY: &str = "sk_test_interop_branch_1";
const READS_INSTALLS: &str = "rk_test_reads_installs";
const OAUTH_TOKEN: &str = "sk_test_oauth_rust";
const CATALOG: &str = "com.example.catalog";
const CATALOG_ID: &str = "app_catalogCatalogCatalogCatalog0001";
const INVENTORY: &str = "com.example.inventory";
const GRANTED: [&str; 2] = ["event_read", "secret_write"];

type Answer<T> = Result<T, StripeError>;

fn client(key: &str, account: Option<&str>) -> Client {
    let builder = ClientBuilder::new(key).url(url());
    let builder = match account {
        Some(account) => builder.account_id(account.parse().expect("an account id is legal")),
        None => builder,
    };
    builder.build().expect("the configuration is legal")
}

async fn installed(client: &Client) -> Answer<AppsInstall> {
    CreateAppsInstall::new(CATALOG).send(client).await
}

async fn found(client: &Client, name: &str) -> Answer<Option<String>> {
    let find = FindAppsSecret::new(name, FindAppsSecretScope::new(FindAppsSecretScopeType::Account));
    Ok(find.expand(["payload".to_owned()]).send(client).await?.payload)
}

async fn stored(client: &Client, name: &str, payload: &str) -> Answer<()> {
    let scope = CreateAppsSecretScope::new(CreateAppsSecretScopeType::Account);
    CreateAppsSecret::new(name, payload, scope).send(client).await.map(drop)
}

fn ids(installs: &[AppsInstall]) -> Vec<&str> {
    installs.iter().map(|install| install.id.as_str()).collect()
}

#[track_caller]
fn refused<T>(answer: Answer<T>, status: u16, code: Option<&str>, param: Option<&str>) -> String {
    let Err(StripeError::Stripe(error, seen)) = answer else { panic!("not refused by the server: {:?}", answer.err()) };
    assert_eq!(error.type_, ApiErrorsType::InvalidRequestError);
    assert_eq!(seen, status, "{:?}", error.message);
    assert_eq!(error.code.as_ref().map(stripe::ApiErrorsCode::as_str), code, "{:?}", error.message);
    assert_eq!(error.param.as_deref(), param);
    error.message.expect("every error has a message")
}

#[tokio::test]
async fn rule_10_1_to_10_5_and_14_5_the_life_of_an_install() {
    let (maker, acting, depot) = (client(MAKER_KEY, None), client(MAKER_KEY, Some(DEPOT)), client(DEPOT_KEY, None));
    let created = installed(&acting).await.unwrap();
    assert!(created.id.as_str().starts_with("appinst_test_"));
    assert_eq!((created.account.as_str(), created.app.as_str()), (DEPOT, CATALOG_ID));
    assert_eq!((created.channel.clone(), created.status.clone()), (AppsInstallChannel::Public, AppsInstallStatus::Installed));
    assert_eq!((created.livemode, created.approval_required, created.created_by.clone()), (false, false, None));
    assert_eq!((created.permissions_granted.clone(), created.permissions_pending.len()), (GRANTED.map(str::to_owned).to_vec(), 0));
    assert_eq!(created.content_security_policy_granted.connect_src, ["https://catalog.example/"]);
    assert!(created.auth_code.as_deref().is_some_and(|code| code.starts_with("ac_")));

    let everywhere = ListAppsInstall::new().app(CATALOG_ID).limit(1).paginate().stream(&maker);
    let everywhere: Vec<_> = everywhere.try_collect().await.unwrap();
    assert!(everywhere.len() > 1 && ids(&everywhere).contains(&created.id.as_str()));
    let public = ListAppsInstall::new().channel(ListAppsInstallChannel::Public).approval_required(false);
    let page = public.status(AppsInstallStatus::Installed).send(&depot).await.unwrap();
    assert_eq!((ids(&page.data), page.has_more, page.url.as_str()), (vec![created.id.as_str()], false, "/v1/apps/installs"));

    let shown = AppsInstall { auth_code: None, ..created.clone() };
    for client in [&maker, &acting, &depot] {
        assert_eq!(RetrieveAppsInstall::new(created.id.clone()).send(client).await.unwrap(), shown);
    }
    for client in [&acting, &depot] {
        assert_eq!(UpdateAppsInstall::new(created.id.clone()).send(client).await.unwrap(), shown);
    }
    stored(&acting, "kept", "payload of kept").await.unwrap();
    let gone = UninstallAppsInstall::new(created.id.clone()).send(&acting).await.unwrap();
    assert_eq!(gone, AppsInstall { status: AppsInstallStatus::Uninstalling, ..shown });
    let missing = RetrieveAppsInstall::new(created.id.clone()).send(&depot).await;
    let message = refused(missing, 404, Some("resource_missing"), Some("id"));
    assert_eq!(message, format!("No such install: '{}'", created.id));
    refused(found(&acting, "kept").await, 403, Some("account_invalid"), None);
    let again = installed(&acting).await.unwrap();
    assert_ne!(again.id, created.id);
    assert_eq!(found(&acting, "kept").await.unwrap().as_deref(), Some("payload of kept"));
}

#[tokio::test]
async fn rule_13_9_and_13_5_the_account_grants_and_throws_out() {
    let (acting, branch) = (client(MAKER_KEY, Some(BRANCH)), client(BRANCH_KEY, None));
    let page = ListAppsInstall::new().approval_required(true).send(&branch).await.unwrap();
    let [pending] = &page.data[..] else { panic!("{} installs wait for approval", page.data.len()) };
    assert_eq!((pending.permissions_granted.len(), &pending.permissions_pending[..]), (0, &GRANTED.map(str::to_owned)[..]));
    refused(stored(&acting, "x", "payload of x").await, 403, Some("more_permissions_required"), None);
    refused(UpdateAppsInstall::new(pending.id.clone()).send(&acting).await, 403, None, None);
    let granted = UpdateAppsInstall::new(pending.id.clone()).send(&branch).await.unwrap();
    assert_eq!((granted.permissions_granted, granted.approval_required), (GRANTED.map(str::to_owned).to_vec(), false));
    stored(&acting, "x", "payload of x").await.unwrap();
    UninstallAppsInstall::new(pending.id.clone()).send(&branch).await.unwrap();
    refused(installed(&acting).await, 403, Some("account_invalid"), None);
}

#[tokio::test]
async fn rule_13_3_and_10_13_an_account_installs_its_own_app() {
    let shop = client(SHOP_KEY, None);
    let key = IdempotencyKey::new_uuid_v4();
    let own = || CreateAppsInstall::new(INVENTORY).channel(CreateAppsInstallChannel::PrivateTest);
    let with_key = || own().customize().request_strategy(RequestStrategy::Idempotent(key.clone())).send(&shop);
    let created = with_key().await.unwrap();
    assert_eq!((created.channel.clone(), created.auth_code.clone()), (AppsInstallChannel::PrivateTest, None));
    assert_eq!(with_key().await.unwrap().id, created.id);
    assert_eq!(own().send(&shop).await.unwrap().id, created.id);
    UninstallAppsInstall::new(created.id.clone()).send(&shop).await.unwrap();
    assert_ne!(own().send(&shop).await.unwrap().id, created.id);
}

#[tokio::test]
async fn rule_18_errors() {
    let (maker, shop) = (client(MAKER_KEY, None), client(SHOP_KEY, None));
    let stranger = client(MAKER_KEY, Some("acct_stranger"));
    refused(installed(&stranger).await, 403, Some("account_invalid"), None);
    refused(installed(&client("sk_live_unknownUnknown1234", None)).await, 401, None, None);
    refused(CreateAppsInstall::new("").send(&shop).await, 400, Some("parameter_invalid_empty"), Some("app"));
    refused(CreateAppsInstall::new(INVENTORY).send(&shop).await, 400, None, Some("channel"));
    let private = |app: &str| CreateAppsInstall::new(app).channel(CreateAppsInstallChannel::PrivateTest);
    refused(private("app_x").send(&shop).await, 404, Some("resource_missing"), Some("app"));
    for key in [READS_INSTALLS, OAUTH_TOKEN] {
        refused(private(INVENTORY).send(&client(key, None)).await, 403, Some("more_permissions_required"), None);
    }
    let unpaired = private(INVENTORY).code_challenge("c".repeat(43)).send(&shop).await;
    refused(unpaired, 400, Some("parameter_missing"), Some("code_challenge_method"));
    let unknown = ListAppsInstall::new().starting_after("appinst_test_x").send(&shop).await;
    refused(unknown, 400, Some("resource_missing"), Some("starting_after"));
    let bad = ListAppsInstall::new().status(AppsInstallStatus::Unknown("gone".to_owned())).send(&shop).await;
    refused(bad, 400, None, Some("status"));
    let page = ListAppsInstall::new().app(CATALOG).account("acct_branch_2").send(&maker).await.unwrap();
    let remote = UninstallAppsInstall::new(page.data[0].id.clone()).send(&maker).await;
    assert!(refused(remote, 403, None, None).contains("Stripe-Account: acct_branch_2"));
}
