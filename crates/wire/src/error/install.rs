//! Errors of the Install API and of consent (contract section 18).

use cholla_domain::directory::install::Channel;
use cholla_domain::list::Cursor;

use super::ApiError;
use crate::auth::MaskedKey;
use crate::text::shown;

/// What an account's restricted key would need (contract 18.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstallRight {
    /// `app_install_read`
    Read,
    /// `app_install_write`
    Write,
}

impl ApiError {
    /// Contract 18.1: an install that is missing, not visible, or has ended.
    pub fn no_such_install(id: &str) -> Self {
        Self::new(404, format!("No such install: '{}'", shown(id))).with_code("resource_missing").with_param("id")
    }

    /// Contract 18.2: a cursor that marks no place in this list.
    pub fn unknown_install_cursor(which: Cursor, cursor: &str) -> Self {
        let param = match which {
            Cursor::StartingAfter => "starting_after",
            Cursor::EndingBefore => "ending_before",
        };
        Self::new(400, format!("No such install: '{}'", shown(cursor))).with_code("resource_missing").with_param(param)
    }

    /// Contract 18.3: no such app, or none of the caller's.
    pub fn no_such_app(app: &str) -> Self {
        Self::new(404, format!("No such app: '{}'", shown(app))).with_code("resource_missing").with_param("app")
    }

    /// Contract 18.5.
    pub fn bad_channel() -> Self {
        Self::new(400, "Invalid channel: must be one of private_live, private_test, public, or testing")
            .with_param("channel")
    }

    /// Contract 18.5.
    pub fn bad_status() -> Self {
        Self::new(
            400,
            "Invalid status: must be one of install_failed, installed, installing, uninstall_failed, or uninstalling",
        )
        .with_param("status")
    }

    /// Contract 18.6: an account's own key installs its own apps only.
    pub fn own_key_needs_private_channel() -> Self {
        Self::new(
            400,
            "With a key of the account's own, pass `private_test` or `private_live` as the channel: it installs the account's own \
             apps. Other apps are installed on the platform's pages.",
        )
        .with_param("channel")
    }

    /// Contract 18.7: a private channel of the other mode.
    pub fn channel_of_other_mode(mode: &'static str) -> Self {
        Self::new(400, format!("This key is in {mode} mode: pass `private_{mode}` as the channel."))
            .with_param("channel")
    }

    /// Contract 18.7: a private channel on another account.
    pub fn private_channel_elsewhere() -> Self {
        Self::new(
            400,
            "On another account, pass `public` or `testing` as the channel: the private ones are for the account that owns the app.",
        )
        .with_param("channel")
    }

    /// Contract 18.8.
    pub fn installed_on_other_channel(channel: Channel) -> Self {
        Self::new(
            400,
            format!(
                "The app is installed on this account already, on the channel `{}`. Uninstall it before you install it on another.",
                channel.as_str()
            ),
        )
        .with_param("channel")
    }

    /// Contract 18.9.
    pub fn nothing_to_install(channel: Channel) -> Self {
        Self::new(
            400,
            format!(
                "The app has nothing to install on the channel `{}`: `public` needs a published version, the others an upload.",
                channel.as_str()
            ),
        )
        .with_param("channel")
    }

    /// Contract 18.10.
    pub fn no_embedding() -> Self {
        Self::new(
            403,
            "Only the app's developer can install it for an account: installing the apps of others on accounts of one's own is not \
             offered by this server.",
        )
    }

    /// Contract 18.12: the key lacks a right on the Install API.
    pub fn install_right_missing(key: &MaskedKey, account: &str, right: InstallRight) -> Self {
        let right = match right {
            InstallRight::Read => "\"App Installs Read\" ('app_install_read')",
            InstallRight::Write => "\"App Installs Write\" ('app_install_write')",
        };
        Self::new(
            403,
            format!(
                "The provided key '{key}' does not have the required permissions for this endpoint on account '{}'. Having {right} \
                 permissions would allow this request to continue.",
                shown(account)
            ),
        )
        .with_code("more_permissions_required")
    }

    /// Contract 18.12 at 10.6 and 10.7.
    pub fn developer_key_needed(key: &MaskedKey, account: &str) -> Self {
        Self::new(
            403,
            format!(
                "The provided key '{key}' does not have the required permissions for this endpoint on account '{}'. The secret key \
                 of the app's developer would allow this request to continue.",
                shown(account)
            ),
        )
        .with_code("more_permissions_required")
    }

    /// Contract 18.13.
    pub fn developer_must_name_account(account: &str) -> Self {
        Self::new(
            403,
            format!(
                "This install is on another account. Send `Stripe-Account: {}` to act on it as the app's developer.",
                shown(account)
            ),
        )
    }

    /// Contract 18.14.
    pub fn account_not_connected(account: &str) -> Self {
        Self::new(
            403,
            format!(
                "Account '{}' is not connected to this developer, so the developer cannot install apps on it. The account installs \
                 the app on the platform's pages.",
                shown(account)
            ),
        )
    }

    /// Contract 18.15.
    pub fn account_must_reauthorize() -> Self {
        Self::new(
            403,
            "This would grant the app something new, which only the account can do: it must reauthorize the install itself.",
        )
    }

    /// Contract 18.16.
    pub fn list_of_other_account() -> Self {
        Self::new(
            400,
            "This key lists the installs of one account only: leave `account` out, pass that account, or pass one of your own apps.",
        )
        .with_param("account")
    }

    /// Contract 18.17.
    pub fn not_a_boolean(param: &'static str, value: &str) -> Self {
        Self::new(400, format!("Invalid boolean: {}", shown(value))).with_param(param)
    }

    /// Contract 18.19: nothing of the value is echoed.
    pub fn bad_challenge() -> Self {
        Self::new(400, "Invalid code_challenge: must be 43 to 128 of A-Z, a-z, 0-9, '-', '.', '_' and '~'")
            .with_param("code_challenge")
    }

    /// Contract 18.21.
    pub fn bad_challenge_method() -> Self {
        Self::new(400, "Invalid code_challenge_method: must be S256").with_param("code_challenge_method")
    }
}
