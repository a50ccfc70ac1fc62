//! Delete: one secret by its name, for good (contract 4.5).

use super::{PATH, answer, client, form, write_headers};
use crate::args::secrets::DeleteArgs;
use crate::output::Failure;

pub(super) fn run(args: &DeleteArgs) -> Result<(), Failure> {
    let client = client(&args.request)?;
    let form = form::with_scope(form::named(args.named.name.as_ref()), &args.named.scope);
    let form = form::with_request(form, &args.request)?;
    let answer = client.post(&format!("{PATH}/delete"), form.as_str(), &write_headers(&args.write))?;
    answer::print_secret(&answer, args.request.json)
}
