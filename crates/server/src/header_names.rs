//! The names of headers that are not among HTTP's own. As constants they are hashed once, not at every look-up.

use http::HeaderName;

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
pub(crate) const STRIPE_VERSION: HeaderName = HeaderName::from_static("stripe-version");
pub(crate) const STRIPE_ACCOUNT: HeaderName = HeaderName::from_static("stripe-account");
pub(crate) const STRIPE_CONTEXT: HeaderName = HeaderName::from_static("stripe-context");
pub(crate) const SHOULD_RETRY: HeaderName = HeaderName::from_static("stripe-should-retry");
pub(crate) const STRIPE_SIGNATURE: HeaderName = HeaderName::from_static("stripe-signature");
pub(crate) const RATE_LIMITED_REASON: HeaderName = HeaderName::from_static("stripe-rate-limited-reason");
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
pub(crate) const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
pub(crate) const ORIGINAL_REQUEST: HeaderName = HeaderName::from_static("original-request");
pub(crate) const REQUEST_PRIVATE_NETWORK: HeaderName =
    HeaderName::from_static("access-control-request-private-network");
pub(crate) const ALLOW_PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-allow-private-network");
