//! The requests of each measured operation, endlessly or once for each secret.

use crate::directory::Credentials;
use crate::random::Random;
use crate::template::{Hole, Template};
use crate::world::{PAYLOAD_CHARS, SECRET_KEY, World, payload};

/// Sets of different payload length that take turns.
const SET_TEMPLATES: u32 = 64;
/// One request in so many of a mix is a set.
const MIX_SET_EVERY: u32 = 10;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Find one secret, its payload expanded.
    Find,
    /// List a user's secrets.
    List,
    /// Replace one secret.
    Set,
    /// Replace one secret under an idempotency key that no other request has.
    SetWithKey,
    /// 90 % find, 10 % set.
    Mix,
}

/// What a load asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    /// Secrets of a world.
    Secrets(Operation, World),
    /// Credentials of a directory.
    Credentials(Credentials),
}

impl Source {
    /// Its requests in an order.
    pub(crate) fn stream(self, order: Order, seed: u64) -> Box<dyn Stream> {
        match self {
            Self::Secrets(operation, world) => Box::new(Requests::new(operation, world, order, seed)),
            Self::Credentials(credentials) => Box::new(credentials.requests(order, seed)),
        }
    }
}

/// Requests, one after another.
pub(crate) trait Stream: Send {
    /// The next request; `None` after the last one.
    fn next(&mut self) -> Option<&[u8]>;
}

/// In which order a world's secrets are asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    /// Any secret, each as likely as any other, without end.
    Random,
    /// Every `step`th secret from `first` on, once.
    Once {
        /// The first one.
        first: u32,
        /// The distance to the next one.
        step: u32,
    },
}

impl Order {
    /// The next of `count` numbers; `None` after the last one.
    pub(crate) fn next(&mut self, count: u32, random: &mut Random) -> Option<u32> {
        let number = match self {
            Self::Random => random.below(count),
            Self::Once { first, step } => {
                let number = *first;
                *first = number.saturating_add(*step);
                number
            }
        };
        (number < count).then_some(number)
    }
}

/// A stream of requests.
#[derive(Clone, Debug)]
pub(crate) struct Requests {
    operation: Operation,
    world: World,
    order: Order,
    read: Template,
    sets: Vec<Template>,
    random: Random,
}

impl Requests {
    /// Requests of one operation on the secrets of a world. Two streams of one run need two seeds, or their idempotency
    /// keys collide.
    pub(crate) fn new(operation: Operation, world: World, order: Order, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let read = if operation == Operation::List { list() } else { find() };
        let with_key = operation == Operation::SetWithKey;
        let (shortest, longest) = (*PAYLOAD_CHARS.start(), *PAYLOAD_CHARS.end());
        let chars = |template: u32| shortest + template as usize * (longest - shortest) / (SET_TEMPLATES - 1) as usize;
        let sets = match operation {
            Operation::Find | Operation::List => Vec::new(),
            Operation::Set | Operation::SetWithKey | Operation::Mix => {
                (0..SET_TEMPLATES).map(|template| set(&payload(chars(template), &mut random), with_key)).collect()
            }
        };
        Self { operation, world, order, read, sets, random }
    }
}

impl Stream for Requests {
    fn next(&mut self) -> Option<&[u8]> {
        let number = self.order.next(self.world.secrets(), &mut self.random)?;
        let sets = match self.operation {
            Operation::Find | Operation::List => false,
            Operation::Set | Operation::SetWithKey => true,
            Operation::Mix => self.random.below(MIX_SET_EVERY) == 0,
        };
        let template = if sets { &mut self.sets[self.random.below(SET_TEMPLATES) as usize] } else { &mut self.read };
        Some(template.fill(self.world.place(number), &mut self.random))
    }
}

fn find() -> Template {
    let target =
        user(Template::default().text("GET /v1/apps/secrets/find?name=refresh_token_").hole(Hole::Name).text("&"));
    head(target.text("&expand[]=payload")).text("\r\n")
}

fn list() -> Template {
    head(user(Template::default().text("GET /v1/apps/secrets?"))).text("\r\n")
}

fn set(payload: &str, with_key: bool) -> Template {
    let body = user(Template::default().text("name=refresh_token_").hole(Hole::Name).text("&"));
    let body = body.text("&payload=").text(payload);
    let mut request = head(Template::default().text("POST /v1/apps/secrets"));
    if with_key {
        request = request.text("Idempotency-Key: ").hole(Hole::Key).text("\r\n");
    }
    let about = format!("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n", body.len());
    request.text(&about).then(&body)
}

/// The parameters of a user's scope.
fn user(before: Template) -> Template {
    before.text("scope[type]=user&scope[user]=usr_").hole(Hole::Account).text("u").hole(Hole::User)
}

/// The rest of the request line, and the headers of every request.
fn head(method_and_target: Template) -> Template {
    method_and_target
        .text(" HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ")
        .text(SECRET_KEY)
        .text("\r\nStripe-Account: acct_bench")
        .hole(Hole::Account)
        .text("\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn first(operation: Operation) -> String {
        let mut requests = Requests::new(operation, World::Small, Order::Once { first: 13, step: 1 }, 7);
        String::from_utf8(requests.next().unwrap().to_vec()).unwrap()
    }

    #[test]
    fn reads() {
        let headers = format!(
            " HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {SECRET_KEY}\r\nStripe-Account: acct_bench0010\r\n\r\n"
        );
        let find =
            "GET /v1/apps/secrets/find?name=refresh_token_3&scope[type]=user&scope[user]=usr_0010u00&expand[]=payload";
        assert_eq!(first(Operation::Find), format!("{find}{headers}"));
        let list = "GET /v1/apps/secrets?scope[type]=user&scope[user]=usr_0010u00";
        assert_eq!(first(Operation::List), format!("{list}{headers}"));
    }

    #[test]
    fn sets_say_how_long_they_are_and_have_a_fresh_key() {
        let mut requests = Requests::new(Operation::SetWithKey, World::Small, Order::Random, 7);
        let (mut keys, mut lengths) = (HashSet::new(), HashSet::new());
        for _ in 0..1_000 {
            let request = String::from_utf8(requests.next().unwrap().to_vec()).unwrap();
            let (head, body) = request.split_once("\r\n\r\n").unwrap();
            let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
            assert!(head.starts_with("POST /v1/apps/secrets HTTP/1.1\r\n"), "{head}");
            assert_eq!(header("Content-Length: "), body.len().to_string());
            assert!(keys.insert(header("Idempotency-Key: ")));
            lengths.insert(body.split_once("payload=").unwrap().1.len());
        }
        assert_eq!((lengths.iter().min(), lengths.iter().max()), (Some(&72), Some(&400)));
        assert!(!first(Operation::Set).contains("Idempotency-Key"));
    }

    #[test]
    fn a_mix_sets_one_in_ten() {
        let mut requests = Requests::new(Operation::Mix, World::Small, Order::Random, 7);
        let sets = (0..10_000).filter(|_| requests.next().unwrap().starts_with(b"POST")).count();
        assert!((900..1_100).contains(&sets), "{sets}");
    }

    #[test]
    fn once_is_once() {
        let mut requests = Requests::new(Operation::Find, World::Small, Order::Once { first: 1, step: 3 }, 7);
        let mut asked = HashSet::new();
        while let Some(request) = requests.next() {
            assert!(asked.insert(request.to_vec()));
        }
        assert_eq!(asked.len(), 333);
    }
}
