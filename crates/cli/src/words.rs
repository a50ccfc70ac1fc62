//! What the admin API says in its own words, in those of the command line: the one place that knows both.

/// What stands in messages, and what is said instead.
const SAID: [(&str, &str); 7] = [
    // What the help of the failure says, too.
    ("; `GET /v1/keys` lists them", ""),
    ("; `GET /v1/webhooks` lists them", ""),
    ("; `GET /v1/erasures` lists them", ""),
    ("; `GET /v1/tokens` lists them", ""),
    ("`POST /v1/accounts/ID`", "`cholla accounts rename`"),
    ("`POST /v1/tokens`", "`cholla tokens create`"),
    (" as `Authorization: Bearer TOKEN`", ""),
];

/// Members of requests, and the flags that fill them, where a part of the path tells the command; the first that fits counts. What some
/// commands take without a flag stays as it is.
const FLAGS: [(&str, &str, &str); 29] = [
    ("/v1/sessions", "expires_in", "--lifetime"),
    ("/expire", "expires_in", "--in"),
    ("/expire", "expires_at", "--in"),
    ("", "expires_in", "--expires-in"),
    ("", "expires_at", "--expires-in"),
    ("/v1/keys", "app", "--app"),
    ("/v1/keys", "account", "--account"),
    ("/v1/keys", "user", "--user"),
    ("/v1/sessions", "app", "--app"),
    ("/v1/sessions", "account", "--account"),
    ("/v1/sessions", "user", "--user"),
    ("/v1/webhooks", "account", "--account"),
    ("/v1/deliveries/resend", "webhook", "--endpoint"),
    ("", "allow_values", "--allow-values"),
    ("", "code_challenge", "--code-challenge"),
    ("", "connect", "--connect"),
    ("", "developer", "--developer"),
    ("", "events", "--events"),
    ("", "expiring_within", "--expiring-within"),
    ("", "grant", "--grant"),
    ("", "kind", "--kind"),
    ("", "mode", "--mode"),
    ("", "overlap", "--overlap"),
    ("", "owner", "--owner"),
    ("", "permissions", "--permission"),
    ("", "redirect_uri", "--redirect-uri"),
    ("", "state", "--state"),
    ("", "url", "--url"),
    ("", "withdraw", "--withdraw"),
];

/// Members whose messages are about what stands in a file, in the file's words.
const FILES: [&str; 2] = ["manifest", "text"];

/// Members that a message names beside the one that it is about, where they are flags.
const BESIDE: [(&str, &str); 4] = [
    ("account", "; name an `account`."),
    ("app", "; name an `app` for a key of that app."),
    ("expires_in", "Give `expires_in` or "),
    ("grant", " stands in `grant`, too; "),
];

/// What is missing, by the member that names it, and the command that shows what there is.
const LISTS: [(&str, &str); 9] = [
    ("account", "cholla accounts list"),
    ("app", "cholla apps list"),
    ("erasure", "cholla erasures list"),
    ("event", "cholla webhooks deliveries"),
    ("install", "cholla installs list"),
    ("key", "cholla keys list"),
    ("token", "cholla tokens list"),
    ("user", "cholla users list"),
    ("webhook", "cholla webhooks list"),
];

/// The message of a refusal of a request to `path`, which is about its member `param`. What else stands in backticks may be what somebody
/// gave, and stays as it is; where something is missing nothing else does.
pub(crate) fn message(path: &str, status: u16, param: Option<&str>, said: &str) -> String {
    let mut message = said.to_owned();
    for (said, ours) in SAID {
        message = message.replace(said, ours);
    }
    let Some(param) = param.filter(|param| status != 404 && !FILES.contains(param)) else { return message };
    if let Some(flag) = flag(path, param) {
        message = message.replace(&format!("`{param}`"), flag);
        message = message.replace(&format!("param: {param}."), &format!("flag: {flag}."));
    }
    for (member, fragment) in BESIDE {
        if let Some(flag) = flag(path, member) {
            message = message.replace(fragment, &fragment.replace(&format!("`{member}`"), flag));
        }
    }
    message
}

/// The flag that fills a member of a request to `path`, where that is one flag.
pub(crate) fn flag(path: &str, member: &str) -> Option<&'static str> {
    FLAGS.iter().find(|(part, name, _)| *name == member && path.contains(part)).map(|(_, _, flag)| *flag)
}

/// The command that shows what there is of what a member names.
pub(crate) fn list(member: &str) -> Option<&'static str> {
    LISTS.iter().find(|(name, _)| *name == member).map(|(_, command)| *command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_speaks_of_flags_and_commands() {
        for (path, param, said, expected) in [
            (
                "/v1/keys/key_1/revoke",
                "key",
                "There is no such key; `GET /v1/keys` lists them.",
                "There is no such key.",
            ),
            (
                "/v1/accounts",
                "name",
                "The account is there under another name; rename it with `POST /v1/accounts/ID`.",
                "The account is there under another name; rename it with `cholla accounts rename`.",
            ),
            (
                "/v1/platform",
                "allow_values",
                "Remove them, or apply it with `allow_values`.",
                "Remove them, or apply it with --allow-values.",
            ),
            ("/v1/sessions", "expires_in", "Write `expires_in` as such.", "Write --lifetime as such."),
            ("/v1/keys", "expires_in", "Write `expires_in` as such.", "Write --expires-in as such."),
            ("/v1/keys/key_1/expire", "expires_in", "Write `expires_in` as such.", "Write --in as such."),
            ("/v1/keys", "user", "Missing required param: user.", "Missing required flag: --user."),
            ("/v1/platform", "text", "p.toml:3: `expires_in` is none", "p.toml:3: `expires_in` is none"),
            ("/v1/apps", "manifest", "entry 2 of `permissions`", "entry 2 of `permissions`"),
            ("/v1/keys", "mode", "Write `kind` as `mode`.", "Write `kind` as --mode."),
            (
                "/v1/webhooks",
                "connect",
                "Only an account's endpoint can `connect`; name an `account`.",
                "Only an account's endpoint can --connect; name an --account.",
            ),
            (
                "/v1/installs/ci_1/permissions",
                "withdraw",
                "`x` stands in `grant`, too; name each permission in one of them.",
                "`x` stands in --grant, too; name each permission in one of them.",
            ),
            (
                "/v1/keys/key_1/expire",
                "expires_at",
                "Give `expires_in` or `expires_at`, not both.",
                "Give --in or --in, not both.",
            ),
        ] {
            assert_eq!(message(path, 400, Some(param), said), expected);
        }
        let missing = "No such app: `mode`; upload it first.";
        for param in ["app", "mode"] {
            assert_eq!(message("/v1/installs", 404, Some(param), missing), missing);
        }
        assert_eq!(message("/v1/keys", 400, Some("kind"), "`mode` is none."), "`mode` is none.");
    }

    #[test]
    fn members_are_flags_where_they_are() {
        for (path, member, expected) in [
            ("/v1/sessions", "expires_in", Some("--lifetime")),
            ("/v1/tokens", "expires_in", Some("--expires-in")),
            ("/v1/keys/key_1/expire", "expires_at", Some("--in")),
            ("/v1/apps/a/publish", "app", None),
        ] {
            assert_eq!(flag(path, member), expected, "{path} {member}");
        }
    }
}
