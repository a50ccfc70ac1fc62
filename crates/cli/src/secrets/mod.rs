//! `cholla apps secrets`: a client of any server that speaks the contract.

mod answer;
mod create;
mod delete;
mod find;
mod form;
mod list;
mod rows;

use crate::args::secrets::{RequestArgs, SecretsCommand, WriteArgs};
use crate::http::{self, Client, Header, Target};
use crate::input::{self, STANDARD_INPUT};
use crate::output::Failure;
use crate::sensitive::Sensitive;

/// Where the operations live (contract section 1).
const PATH: &str = "/v1/apps/secrets";

/// Runs one of the four operations.
///
/// # Errors
/// When the command line is wrong, the server cannot be reached, or the server refused.
pub(crate) fn run(command: SecretsCommand) -> Result<(), Failure> {
    match command {
        SecretsCommand::Create(args) => create::run(args),
        SecretsCommand::Find(args) => find::run(&args),
        SecretsCommand::List(args) => list::run(&args),
        SecretsCommand::Delete(args) => delete::run(&args),
    }
}

/// The server and the caller that the flags name.
fn client(args: &RequestArgs) -> Result<Client, Failure> {
    let key = match args.api_key.clone().filter(|key| !key.expose_secret().is_empty()).or_else(stripe_api_key) {
        Some(key) if key.expose_secret() == STANDARD_INPUT => input::read("API key")?,
        Some(key) => key,
        None => {
            let help = "Set CHOLLA_API_KEY or STRIPE_API_KEY, or pass --api-key; `cholla dev` prints keys of its own.";
            return Err(Failure::usage("there is no API key", help));
        }
    };
    Client::new(&Target {
        words: &http::API,
        base: &args.api_base,
        key: &key,
        account: args.stripe_account.as_deref(),
        ca_file: args.ca_file.as_deref(),
    })
}

/// The key of whoever has set up Stripe's own tools.
#[expect(
    clippy::disallowed_methods,
    reason = "a flag takes one variable, and a flag for this one would be in every completion"
)]
fn stripe_api_key() -> Option<Sensitive> {
    std::env::var("STRIPE_API_KEY").ok().filter(|key| !key.is_empty()).map(Sensitive::from)
}

/// The headers of a write (contract 7.4, 9.1).
fn write_headers(args: &WriteArgs) -> Vec<Header> {
    let key = args.idempotency_key.clone().map(|key| ("idempotency-key", key));
    let tags = args.if_match.clone().map(|tags| ("if-match", entity_tags(tags)));
    key.into_iter().chain(tags).collect()
}

/// A single tag gets the quotes that tables do not show and shells take off; `*`, lists and quoted tags stay as they are.
fn entity_tags(tags: String) -> String {
    if tags == "*" || tags.contains(['"', ',']) { tags } else { format!("\"{tags}\"") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_9_1_a_single_tag_gets_its_quotes() {
        for (given, sent) in [
            ("v1", "\"v1\""),
            ("\"v1\"", "\"v1\""),
            ("*", "*"),
            ("W/\"v1\"", "W/\"v1\""),
            ("\"a\", \"b\"", "\"a\", \"b\""),
        ] {
            assert_eq!(entity_tags(given.to_owned()), sent);
        }
    }
}
