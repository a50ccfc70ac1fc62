mod given;
mod inventory;
mod pages;
mod platform;
mod resources;
mod tokens;
mod webhooks;

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use cholla_domain::limits::GRACE_SECONDS_DEFAULT;
use cholla_seal::RootKey;
use cholla_store::sqlite::Options;
use hyper::body::Frame;

use super::*;
use crate::assembly::{Foundation, Settings};
use crate::clock::ServerClock;
use crate::testing;
use route::{Gives, Kind, Member, Shape};

/// The token that a server of these tests is started with.
const TOKEN: &str = "bootstrap";
/// Asks for the document to be written anew, instead of compared.
const WRITE: &str = "CHOLLA_WRITE_SNAPSHOTS";

/// A server with an empty directory, in memory.
pub(super) struct Server {
    admin: Arc<Admin>,
    foundation: Foundation,
}

/// What a server answered.
struct Answered {
    status: u16,
    body: Value,
}

impl Server {
    async fn start() -> Self {
        Self::start_with(Reach::Everywhere).await
    }

    async fn start_with(webhook_reach: Reach) -> Self {
        let store = Store::in_memory(&Options::default()).unwrap();
        let foundation = Foundation::lay(store, RootKey::generate().unwrap()).await.unwrap();
        let clock = Arc::new(ServerClock::default());
        let keeper = foundation.keeper(&clock, GRACE_SECONDS_DEFAULT).unwrap();
        let api = Arc::new(foundation.api(keeper, Settings { clock, ..testing::settings() }));
        let token = foundation.instance.credential_hash(TOKEN.as_bytes());
        let admin = Admin { api, store: Arc::clone(&foundation.store), token, webhook_reach, dev: None };
        Self { admin: Arc::new(admin), foundation }
    }

    /// A server with accounts, and an app that is uploaded.
    async fn peopled() -> Self {
        let server = Self::start().await;
        for account in ["acct_dev", "acct_cactus"] {
            server.ok("POST /v1/accounts", json!({"id": account})).await;
        }
        server
            .ok("POST /v1/apps", json!({"owner": "acct_dev", "manifest": manifest("1.0.0", &["secret_write"])}))
            .await;
        server
    }

    /// Sends a request as whoever has `token`.
    async fn send(&self, token: Option<&str>, line: &str, body: &str) -> Answered {
        let (method, target) = line.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(target);
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request.body(Full::new(Bytes::from(body.to_owned()))).unwrap();
        let answer = serve(&self.admin, request).await;
        let status = answer.status().as_u16();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        Answered { status, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
    }

    /// Sends a request whose body comes later, and answers its status.
    fn begin(&self, token: &str, line: &str) -> (tokio::task::JoinHandle<u16>, tokio::sync::oneshot::Sender<String>) {
        let (method, target) = line.split_once(' ').unwrap();
        let (sender, body) = tokio::sync::oneshot::channel();
        let request = Request::builder().method(method).uri(target).header(AUTHORIZATION, format!("Bearer {token}"));
        let request = request.body(Late(body)).unwrap();
        let admin = Arc::clone(&self.admin);
        (tokio::spawn(async move { serve(&admin, request).await.status().as_u16() }), sender)
    }

    /// Sends a request as the operator.
    async fn ask(&self, line: &str, body: &Value) -> Answered {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(Some(TOKEN), line, &body).await
    }

    /// Sends a request that is granted, and checks that the answer is what the document says.
    async fn ok(&self, line: &str, body: Value) -> Value {
        let answered = self.ask(line, &body).await;
        assert_eq!(answered.status, 200, "{line} {body}: {}", answered.body);
        let (method, target) = line.split_once(' ').unwrap();
        let path = target.split('?').next().unwrap();
        let (route, _) = found(&method.parse().unwrap(), path).ok().unwrap();
        check_gives(&route.gives, &answered.body);
        answered.body
    }

    /// Sends a request that is refused, and answers the status, the parameter and the message.
    async fn refused(&self, line: &str, body: Value) -> (u16, String, String) {
        let Answered { status, body: answer } = self.ask(line, &body).await;
        let error = &answer["error"];
        assert!(error["type"].is_string() && error["message"].is_string(), "{line} {body}: {answer}");
        let text = |key: &str| error[key].as_str().unwrap_or("-").to_owned();
        (status, text("param"), text("message"))
    }

    /// The actions in the audit log, the newest first.
    async fn actions(&self) -> Vec<String> {
        let log = self.ok("GET /v1/audit?limit=100", Value::Null).await;
        let entries = log["data"].as_array().unwrap();
        entries.iter().map(|entry| entry["action"].as_str().unwrap().to_owned()).collect()
    }
}

fn manifest(version: &str, permissions: &[&str]) -> Value {
    let permissions: Vec<_> =
        permissions.iter().map(|name| json!({"permission": name, "purpose": "Keeps the key"})).collect();
    json!({
        "id": "com.example.a",
        "version": version,
        "name": "App A",
        "permissions": permissions,
        "allowed_redirect_uris": ["https://example.com/callback"],
    })
}

/// Checks that an answer is exactly what its endpoint gives.
fn check_gives(gives: &Gives, answer: &Value) {
    let page = |check: &dyn Fn(&Value)| {
        assert_eq!(answer["object"], "list", "{answer}");
        assert!(answer["has_more"].is_boolean(), "{answer}");
        answer["data"].as_array().unwrap().iter().for_each(check);
    };
    let install = |answer: &Value| assert_eq!(answer["object"], "apps.install", "{answer}");
    match gives {
        Gives::One(shape) => check_shape(shape, answer),
        Gives::Page(shape) => page(&|item| check_shape(shape, item)),
        Gives::Install => install(answer),
        Gives::Installs => page(&install),
        Gives::AnyOf(shapes) => {
            let fitting = shapes.iter().find(|shape| names(&shape.all_members()) == keys(answer));
            check_shape(fitting.unwrap_or_else(|| panic!("of no shape: {answer}")), answer);
        }
    }
}

fn names(members: &[&Member]) -> Vec<String> {
    let mut names: Vec<_> = members.iter().map(|member| member.name.to_owned()).collect();
    names.sort();
    names
}

fn keys(object: &Value) -> Vec<String> {
    let object = object.as_object().unwrap_or_else(|| panic!("no object: {object}"));
    let mut keys: Vec<_> = object.keys().cloned().collect();
    keys.sort();
    keys
}

fn check_shape(shape: &Shape, answer: &Value) {
    assert_eq!(keys(answer), names(&shape.all_members()), "{}: {answer}", shape.name);
    for member in shape.all_members() {
        let value = &answer[member.name];
        let fits = match member.kind {
            _ if value.is_null() => member.is_nullable,
            Kind::Text | Kind::Span => value.is_string(),
            Kind::Word(words) => value.as_str().is_some_and(|word| words.contains(&word)),
            Kind::Texts => value.as_array().is_some_and(|items| items.iter().all(Value::is_string)),
            Kind::Integer | Kind::Time => value.is_i64(),
            Kind::Flag => value.is_boolean(),
            Kind::Map => value.as_object().is_some_and(|map| map.values().all(Value::is_string)),
            Kind::Install => value["object"] == "apps.install",
            Kind::Document => value.is_object(),
            Kind::Object(shape) => {
                check_shape(shape, value);
                true
            }
            Kind::Objects(shape) => {
                value.as_array().unwrap().iter().for_each(|item| check_shape(shape, item));
                true
            }
        };
        assert!(fits, "{}.{}: {value}", shape.name, member.name);
    }
}

/// A body that does not come.
struct Silent;

impl Body for Silent {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

/// A body that comes when it is sent, or panics when its sender is gone.
struct Late(tokio::sync::oneshot::Receiver<String>);

impl Body for Late {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let late = &mut self.get_mut().0;
        if late.is_terminated() {
            return Poll::Ready(None);
        }
        Pin::new(late).poll(context).map(|body| Some(Ok(Frame::data(body.unwrap().into()))))
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_has_a_length_and_a_deadline() {
    let of = |length| receive(Full::new(Bytes::from(vec![b' '; length])));
    let read =
        |body: Result<Bytes, (StatusCode, String)>| body.map(|body| body.len()).map_err(|(status, _)| status.as_u16());
    assert_eq!(read(of(0).await), Ok(0));
    assert_eq!(read(of(ADMIN_BODY_BYTES_MAX).await), Ok(ADMIN_BODY_BYTES_MAX));
    assert_eq!(read(of(ADMIN_BODY_BYTES_MAX + 1).await), Err(413));
    assert_eq!(read(receive(Silent).await), Err(408));
}

/// Run with `CHOLLA_WRITE_SNAPSHOTS` set, it writes the document instead.
#[test]
fn the_document_is_the_one_in_the_documentation() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/admin-api.openapi.json");
    if option_env!("CHOLLA_WRITE_SNAPSHOTS").is_some() {
        std::fs::write(&path, document()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written.as_bytes() == document(),
        "docs/admin-api.openapi.json is not up to date: run this test with {WRITE}=1"
    );
}

#[test]
fn every_endpoint_is_in_the_document_and_the_reverse() {
    let document = openapi::document();
    let mut documented = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap();
            documented.push(format!("{} {path} {name}", method.to_uppercase()));
        }
    }
    let mut served: Vec<_> = routes().map(|route| format!("{} {} {}", route.method, route.path, route.name)).collect();
    documented.sort();
    served.sort();
    assert_eq!(documented, served);
    for route in routes() {
        let example = route.path.replace(['{', '}'], "");
        let (same, _) = found(&route.method, &example).ok().unwrap();
        assert_eq!(same.name, route.name, "a request reaches it");
    }
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let text = document.to_string();
    for name in schemas.keys() {
        assert!(text.contains(&format!("\"#/components/schemas/{name}\"")), "nothing refers to {name}");
    }
    for reference in text.split("\"#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(schemas.contains_key(reference), "{reference} is not there");
    }
}

#[test]
fn every_endpoint_is_on_its_page() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/admin-api.md");
    let page = std::fs::read_to_string(path).unwrap();
    for route in routes() {
        let (method, path) = (&route.method, route.path);
        assert!(page.contains(&format!("`{method} {path}`")), "docs/admin-api.md does not name {method} {path}");
    }
}

#[test]
fn words_stand_in_alphabetical_order_and_names_once() {
    for route in routes() {
        let mut seen = std::collections::BTreeSet::new();
        for member in route.takes {
            assert!(seen.insert(member.name), "{} takes {} twice", route.name, member.name);
            if let Kind::Word(words) = member.kind {
                assert!(words.is_sorted(), "{}.{}", route.name, member.name);
            }
        }
    }
}

#[tokio::test]
async fn requests_find_their_endpoint() {
    let server = Server::start().await;
    for (line, status, message) in [
        ("GET /v1/nothing", 404, "does not serve GET /v1/nothing"),
        ("GET /v1/accounts/", 404, "does not serve"),
        ("GET /v1/accounts/a/b/c", 404, "does not serve"),
        ("DELETE /v1/accounts", 405, "/v1/accounts takes GET, POST."),
        ("PUT /v1/accounts/acct_x", 405, "takes GET, POST."),
        ("GET /v1/erasures/plan", 400, "Give `install` alone"),
        ("GET /v1/erasures/erasure_x", 404, "no such erasure"),
        ("GET /v1/accounts/acct%5Fnone", 404, "no account `acct_none`"),
        ("GET /v1/accounts/%ff", 404, "does not serve"),
        ("POST /v1/accounts?id=acct_x", 400, "nothing in the query"),
    ] {
        let (found, _, text) = server.refused(line, Value::Null).await;
        assert_eq!(found, status, "{line}: {text}");
        assert!(text.contains(message), "{line}: {text}");
    }
}

#[tokio::test]
async fn a_panic_is_answered_and_counted() {
    let server = Server::start().await;
    let (answer, body) = server.begin(TOKEN, "POST /v1/accounts");
    drop(body);
    assert_eq!(answer.await.unwrap(), 500);
    assert_eq!(server.admin.api.metrics.panics.get(), 1);
    server.ok("POST /v1/accounts", json!({"id": "acct_next"})).await;
}
