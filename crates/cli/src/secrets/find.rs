//! Find: one secret by its name (contract 4.5).

use super::{PATH, answer, client, form};
use crate::args::secrets::FindArgs;
use crate::output::Failure;

pub(super) fn run(args: &FindArgs) -> Result<(), Failure> {
    let client = client(&args.request)?;
    let query = form::with_scope(form::named(args.named.name.as_ref()), &args.named.scope);
    let query = form::with_request(query, &args.request)?;
    answer::print_secret(&client.get(&format!("{PATH}/find"), query.as_str())?, args.request.json)
}
