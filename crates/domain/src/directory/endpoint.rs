//! Webhook endpoints (contract 17.4).

use std::collections::BTreeSet;

use super::codec::layout;
use super::secret::RollableSecret;
use crate::id::{AccountId, EndpointId};
use crate::livemode::Livemode;
use crate::time::Timestamp;

/// Where events of an account in one mode are delivered; or, without an account, the operator's notices of what happens to secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its id.
    pub id: EndpointId,
    /// Whose it is; `None` for the operator's.
    pub account: Option<AccountId>,
    /// Its mode.
    pub livemode: Livemode,
    /// Where to POST.
    pub url: String,
    /// `true`: events that carry `account`; `false`: those that do not.
    pub connect: bool,
    /// The types that it wants; `*` is all.
    pub events: BTreeSet<String>,
    /// Signs deliveries.
    pub secret: RollableSecret,
    /// When it was created.
    pub created_at: Timestamp,
}
layout!(Endpoint { id, account, livemode, url, connect, events, secret, created_at });

impl Endpoint {
    /// Whether it wants events of that type.
    pub fn wants(&self, kind: &str) -> bool {
        self.events.contains("*") || self.events.contains(kind)
    }
}
