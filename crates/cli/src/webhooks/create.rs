//! `cholla webhooks create`

use serde::{Deserialize, Serialize};

use crate::admin::{Admin, Success, path};
use crate::args::webhooks::{CreateWebhookArgs, SubscriptionArgs};
use crate::output::{self, Failure, printable};
use crate::sensitive::Sensitive;
use crate::shown;

/// An endpoint that was just created.
#[derive(Deserialize)]
pub(super) struct Created {
    /// Its id.
    pub(super) id: String,
    /// Its signing secret, which is shown this once.
    pub(super) secret: Sensitive,
}

/// Creates the endpoint and shows its secret.
pub(super) fn run(args: &CreateWebhookArgs) -> Result<(), Failure> {
    let admin = Admin::open(&args.admin)?;
    let answer = endpoint(&admin, &args.url, &args.subscription)?;
    if admin.json {
        return output::bytes(answer.bytes());
    }
    let Created { id, secret } = answer.decode()?;
    shown::print(&secret, &format!("The signing secret of {}:", printable(&id)))
}

/// Creates an endpoint.
///
/// # Errors
/// When the server cannot be reached, or refuses.
pub(super) fn endpoint(admin: &Admin, url: &str, args: &SubscriptionArgs) -> Result<Success, Failure> {
    #[derive(Serialize)]
    struct NewWebhook<'a> {
        account: Option<&'a str>,
        mode: &'a str,
        url: &'a str,
        connect: bool,
        events: Option<&'a [String]>,
    }
    let SubscriptionArgs { account, mode, connect, events } = args;
    let new = NewWebhook {
        account: account.as_deref(),
        mode: mode.as_str(),
        url,
        connect: *connect,
        events: Some(events.as_slice()).filter(|listed| !listed.is_empty()),
    };
    admin.post(&path(&["webhooks"]), &new)
}
