//! The Install API (contract sections 10, 11 and 18): parameters in, `apps.install` out.

use std::collections::BTreeSet;

use cholla_domain::directory::app::Asks;
use cholla_domain::directory::install::InstallView;

use crate::error::ApiError;
use crate::expand::{self, Answer};
use crate::field;
use crate::json::{self, Object};
use crate::params::Parameters;

mod create;
mod list;

pub(crate) use create::is_unreserved as is_verifier;
pub use create::{Challenge, CreateParams, decode_challenge};
pub use list::decode_list;

/// Where the installs are, which is where auto-pagers ask for the next page.
const LIST_URL: &str = "/v1/apps/installs";

/// Which expansions a request asked for, as a set. They have no effect but where two requests are compared (contract 11.8 and 7.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expansion {
    granted: bool,
    pending: bool,
}

impl Expansion {
    /// Reads `expand`, once [`expand::check_paths`] has passed.
    fn decode(parameters: &Parameters<'_>) -> Result<Self, ApiError> {
        let paths = field::strings("expand", parameters.get("expand"))?;
        Ok(Self {
            granted: paths.contains(&"content_security_policy_granted"),
            pending: paths.contains(&"content_security_policy_pending"),
        })
    }

    /// What two requests of one idempotency key are compared by.
    pub fn canonical(self) -> [u8; 2] {
        [u8::from(self.granted), u8::from(self.pending)]
    }
}

/// Reads the parameters of a retrieve, a reauthorize or an uninstall: `expand` alone.
///
/// # Errors
/// The first rule of contract section 6 that does not hold.
pub fn decode_expand_only(parameters: &Parameters<'_>) -> Result<Expansion, ApiError> {
    expand::check_paths(Answer::Install, parameters.get("expand"))?;
    parameters.refuse_unknown(&["expand"])?;
    Expansion::decode(parameters)
}

/// An `apps.install` (contract 11.1). `code` is present in the answer to a developer's create only (contract 11.7).
pub fn install(view: &InstallView, code: Option<&str>) -> Vec<u8> {
    let mut out = Vec::new();
    json::push_body(&mut out, |object| write(object, view, code));
    out
}

/// A list of installs (contract 10.1).
pub fn list(views: &[InstallView], has_more: bool) -> Vec<u8> {
    let mut out = Vec::new();
    json::push_body(&mut out, |object| {
        object.string("object", "list");
        object.string("url", LIST_URL);
        object.boolean("has_more", has_more);
        object.objects("data", views, |object, view| write(object, view, None));
    });
    out
}

pub(crate) fn write(object: &mut Object<'_>, view: &InstallView, code: Option<&str>) {
    object.string("id", &view.id.to_string());
    object.string("object", "apps.install");
    object.string("account", view.account.as_str());
    object.string("app", &view.app.to_string());
    object.boolean("approval_required", view.approval_required());
    object.nullable("auth_code", code);
    object.string("channel", view.channel.as_str());
    write_policy(object, "content_security_policy_granted", &view.granted);
    write_policy(object, "content_security_policy_pending", &view.pending);
    object.integer("created", Some(view.created_at.as_unix()));
    object.nullable("created_by", None);
    write_texts(object, "endpoints_granted", &view.granted.endpoints);
    write_texts(object, "endpoints_pending", &view.pending.endpoints);
    object.boolean("livemode", view.id.livemode().is_live());
    write_texts(object, "permissions_granted", &view.granted.permissions);
    write_texts(object, "permissions_pending", &view.pending.permissions);
    object.string("status", if view.uninstalling { "uninstalling" } else { "installed" });
}

/// What of the install `before` is not as it is `now`, as `previous_attributes` of an event say it (contract 17.1).
pub(crate) fn write_previous(object: &mut Object<'_>, before: &InstallView, now: &InstallView) {
    let policy = |asks: &Asks| (asks.connect_src.clone(), asks.image_src.clone());
    if before.approval_required() != now.approval_required() {
        object.boolean("approval_required", before.approval_required());
    }
    if policy(&before.granted) != policy(&now.granted) {
        write_policy(object, "content_security_policy_granted", &before.granted);
    }
    if policy(&before.pending) != policy(&now.pending) {
        write_policy(object, "content_security_policy_pending", &before.pending);
    }
    for (key, before, now) in [
        ("endpoints_granted", &before.granted.endpoints, &now.granted.endpoints),
        ("endpoints_pending", &before.pending.endpoints, &now.pending.endpoints),
        ("permissions_granted", &before.granted.permissions, &now.granted.permissions),
        ("permissions_pending", &before.pending.permissions, &now.pending.permissions),
    ] {
        if before != now {
            write_texts(object, key, before);
        }
    }
}

fn write_policy(object: &mut Object<'_>, key: &str, asks: &Asks) {
    object.object(key, |policy| {
        write_texts(policy, "connect_src", &asks.connect_src);
        write_texts(policy, "image_src", &asks.image_src);
    });
}

fn write_texts(object: &mut Object<'_>, key: &str, texts: &BTreeSet<String>) {
    object.strings(key, texts.iter().map(String::as_str));
}

#[cfg(test)]
pub(crate) mod tests;
