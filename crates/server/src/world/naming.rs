//! Values that a platform file leaves out: in dev mode the same at every start, in production drawn once.

use cholla_domain::directory::credential::CredentialKey;
use cholla_domain::directory::decision::{Context, Drawn};
use cholla_domain::directory::secret::SigningSecret;
use cholla_domain::id::{AppId, AppPublicId, ClientId, InstallId, UserId, alphanumerics};
use cholla_seal::Instance;
use zeroize::Zeroizing;

use crate::platform::{App, Install, Key, Webhook};

/// Letters and digits after the prefix of a generated value.
const GENERATED_CHARS: usize = 32;

/// Where values that a file leaves out come from.
pub(crate) struct Naming<'a> {
    instance: &'a Instance,
    /// Whether they are always the same: ids those of their manifest id, on every machine; secrets those of this installation.
    is_derived: bool,
}

impl<'a> Naming<'a> {
    /// Dev mode's.
    pub(crate) fn derived(instance: &'a Instance) -> Self {
        Self { instance, is_derived: true }
    }

    /// A production server's.
    pub(crate) fn drawn(instance: &'a Instance) -> Self {
        Self { instance, is_derived: false }
    }

    /// The signing secret that an app has: the file's, or the installation's own for it.
    pub(crate) fn signing_secret(&self, app: &App) -> Option<SigningSecret> {
        let derived = || self.secret("absec_", &["signing secret", app.id.as_str()]);
        app.signing_secret.clone().or_else(derived)
    }

    /// The secret that an endpoint has.
    pub(crate) fn webhook_secret(&self, webhook: &Webhook) -> Option<SigningSecret> {
        let connect = if webhook.connect { "connect" } else { "account" };
        let fields = ["webhook", webhook.account.as_str(), webhook.livemode.as_str(), &webhook.url, connect];
        webhook.secret.clone().or_else(|| self.secret("whsec_", &fields))
    }

    /// The value of a key of the file that leaves it out, the `ordinal`-th of those that nothing else tells apart.
    pub(crate) fn key(&self, key: &Key, ordinal: usize) -> Option<Zeroizing<String>> {
        if !self.is_derived {
            return None;
        }
        let app = key.kind.app().map_or("", AppId::as_str);
        let user = key.kind.user().map_or("", UserId::as_str);
        let (kind, mode) = (key.kind.as_str(), key.livemode.as_str());
        let ordinal = ordinal.to_string();
        let fields = ["key", kind, key.account.as_str(), app, user, mode, &ordinal];
        self.text(&format!("{}_{mode}_", key.kind.prefix()), &fields)
    }

    /// What a credential of that value is found by.
    pub(crate) fn hash(&self, value: &str) -> CredentialKey {
        CredentialKey::of(&self.instance.credential_hash(value.as_bytes()))
    }

    /// The `app_` id of an app (contract 11.3).
    pub(crate) fn app_public_id(&self, app: &AppId) -> Option<AppPublicId> {
        AppPublicId::from_suffix(self.public(&["app id", app.as_str()])?.as_bytes())
    }

    /// The client id of an app.
    pub(crate) fn client_id(&self, app: &AppId) -> Option<ClientId> {
        ClientId::from_suffix(self.public(&["client id", app.as_str()])?.as_bytes())
    }

    /// The id of a declared install.
    pub(crate) fn install(&self, install: &Install) -> Option<InstallId> {
        let fields = ["install", install.app.as_str(), install.account.as_str(), install.livemode.as_str()];
        InstallId::from_suffix(install.livemode, self.public(&fields)?.as_bytes())
    }

    /// Draws a value.
    #[expect(clippy::unused_self, reason = "whoever names values draws them too")]
    pub(crate) fn draw(&self, ctx: &Context<'_>, prefix: &str) -> Zeroizing<String> {
        Drawn::draw(ctx.mint, prefix, GENERATED_CHARS).value
    }

    /// Draws a secret.
    pub(crate) fn draw_secret(&self, ctx: &Context<'_>, prefix: &str) -> SigningSecret {
        SigningSecret::new(self.draw(ctx, prefix).to_string())
    }

    fn secret(&self, prefix: &str, fields: &[&str]) -> Option<SigningSecret> {
        self.text(prefix, fields).map(|text| SigningSecret::new(text.to_string()))
    }

    /// A secret value that this installation always has for what `fields` name. No field holds NUL, so no two lists share a label.
    fn text(&self, prefix: &str, fields: &[&str]) -> Option<Zeroizing<String>> {
        if !self.is_derived {
            return None;
        }
        let random = self.instance.derive_alphanumerics(&fields.join("\0"), GENERATED_CHARS);
        let mut value = Zeroizing::new(String::with_capacity(prefix.len() + GENERATED_CHARS));
        value.push_str(prefix);
        value.push_str(&random);
        Some(value)
    }

    /// An id that is no secret: the same on every machine, so that it may stand in a test.
    fn public(&self, fields: &[&str]) -> Option<String> {
        if !self.is_derived {
            return None;
        }
        let label = fields.join("\0");
        let mut random = Vec::with_capacity(2 * GENERATED_CHARS);
        for block in ["0", "1"] {
            random.extend_from_slice(&cholla_seal::sha256(format!("cholla dev\0{block}\0{label}").as_bytes()));
        }
        Some(alphanumerics(&random).take(GENERATED_CHARS).collect())
    }
}
