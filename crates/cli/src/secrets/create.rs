//! Set: create or replace (contract 4.1). Named as Stripe's own command line names it.

use super::{PATH, answer, client, entity_tags, form, write_headers};
use crate::args::secrets::CreateArgs;
use crate::input::{self, STANDARD_INPUT};
use crate::output::Failure;
use crate::sensitive::Sensitive;

pub(super) fn run(mut args: CreateArgs) -> Result<(), Failure> {
    let reads = |value: &Option<Sensitive>| value.as_ref().is_some_and(|value| value.expose_secret() == STANDARD_INPUT);
    if reads(&args.payload) {
        if reads(&args.request.api_key) {
            let help = "Set CHOLLA_API_KEY instead of --api-key.";
            return Err(Failure::usage("standard input cannot be both the payload and the API key", help));
        }
        args.payload = Some(input::read("payload")?);
    }
    let client = client(&args.request)?;
    let form =
        form::named(args.named.name.as_ref()).with("payload", args.payload.as_ref().map(Sensitive::expose_secret));
    let form = form::with_scope(form, &args.named.scope)
        .with("expires_at", args.expires_at.map(|at| at.to_string()).as_deref());
    let form = form::with_request(form, &args.request)?;
    let mut headers = write_headers(&args.write);
    headers.extend(args.if_none_match.map(|tags| ("if-none-match", entity_tags(tags))));
    answer::print_secret(&client.post(PATH, form.as_str(), &headers)?, args.request.json)
}
