//! The other direction: the form that a client sends (contract 3.1).

use form_urlencoded::byte_serialize;
use zeroize::Zeroizing;

/// A scope as a client names it. Nothing is checked: that is the server's part.
#[derive(Clone, Copy, Default)]
pub struct ScopeFields<'a> {
    /// `scope[type]`
    pub kind: Option<&'a str>,
    /// `scope[user]`
    pub user: Option<&'a str>,
}

/// An encoded form: a POST's body or a GET's query. Wiped when dropped.
#[derive(Default)]
pub struct Form(Zeroizing<String>);

impl Form {
    /// The form of a set (contract 1.1).
    pub fn set(name: &str, payload: &str, scope: ScopeFields<'_>, expires_at: Option<&str>) -> Self {
        Self::default()
            .with("name", Some(name))
            .with("payload", Some(payload))
            .with_scope(scope)
            .with("expires_at", expires_at)
    }

    /// The query of a list (contract 1.2).
    pub fn list(
        scope: ScopeFields<'_>,
        limit: Option<&str>,
        starting_after: Option<&str>,
        ending_before: Option<&str>,
    ) -> Self {
        Self::default()
            .with_scope(scope)
            .with("limit", limit)
            .with("starting_after", starting_after)
            .with("ending_before", ending_before)
    }

    /// The query of a find, and the form of a delete (contract 1.3 and 1.4).
    pub fn named(name: &str, scope: ScopeFields<'_>) -> Self {
        Self::default().with("name", Some(name)).with_scope(scope)
    }

    /// Adds a path to expand (contract 4.8).
    #[must_use]
    pub fn with_expand(self, path: &str) -> Self {
        self.with("expand[]", Some(path))
    }

    /// Adds a parameter as somebody typed it, `key=value`, not encoded. `None` when there is no `=`.
    #[must_use]
    pub fn with_pair(self, pair: &str) -> Option<Self> {
        pair.split_once('=').map(|(name, value)| self.with(name, Some(value)))
    }

    /// Adds a parameter that is given. Brackets in its name stay literal.
    #[must_use]
    pub fn with(mut self, name: &str, value: Option<&str>) -> Self {
        let Some(value) = value else { return self };
        // A buffer that grows leaves a copy behind; this one is replaced, and the old one wiped.
        let room = self.0.len() + 3 * (name.len() + value.len()) + 2;
        if self.0.capacity() < room {
            let mut larger = Zeroizing::new(String::with_capacity(2 * room));
            larger.push_str(&self.0);
            self.0 = larger;
        }
        if !self.0.is_empty() {
            self.0.push('&');
        }
        for part in name.split_inclusive(['[', ']']) {
            let plain = part.trim_end_matches(['[', ']']);
            self.0.extend(byte_serialize(plain.as_bytes()));
            self.0.push_str(&part[plain.len()..]);
        }
        self.0.push('=');
        self.0.extend(byte_serialize(value.as_bytes()));
        self
    }

    fn with_scope(self, scope: ScopeFields<'_>) -> Self {
        self.with("scope[type]", scope.kind).with("scope[user]", scope.user)
    }

    /// The encoded text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_3_1_forms_as_clients_send_them() {
        let account = ScopeFields { kind: Some("account"), user: None };
        let user = ScopeFields { kind: Some("user"), user: Some("usr 5&") };
        for (form, expected) in [
            (Form::default(), ""),
            (Form::set("n", "p", account, None), "name=n&payload=p&scope[type]=account"),
            (
                Form::set("ä=", "1+1 %\n", user, Some("5")).with_expand("payload"),
                "name=%C3%A4%3D&payload=1%2B1+%25%0A&scope[type]=user&scope[user]=usr+5%26&expires_at=5&expand[]=payload",
            ),
            (Form::named("n", ScopeFields::default()), "name=n"),
            (
                Form::list(account, Some("3"), Some("a"), Some("b")),
                "scope[type]=account&limit=3&starting_after=a&ending_before=b",
            ),
            (Form::default().with_pair("a[b c][]=d=e").unwrap(), "a[b+c][]=d%3De"),
            (Form::default().with_pair("=x").unwrap(), "=x"),
        ] {
            assert_eq!(form.as_str(), expected);
        }
        assert!(Form::default().with_pair("payload").is_none());
    }
}
