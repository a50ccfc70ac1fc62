//! What an endpoint of the admin API is: one entry of a table, from which requests are checked and the document is written.

use std::pin::Pin;

use http::Method;

use super::call::{Answer, Call};
use super::failure::Failure;

/// What a handler comes to.
pub(super) type Outcome = Result<Answer, Failure>;
/// A handler at work.
pub(super) type Answering<'c> = Pin<Box<dyn Future<Output = Outcome> + Send + 'c>>;

/// An endpoint.
pub(super) struct Route {
    /// Its name, such as `accounts.create`: the resource, and what is done.
    pub(super) name: &'static str,
    /// Its method.
    pub(super) method: Method,
    /// Its path, with `{name}` for what stands in it.
    pub(super) path: &'static str,
    /// What it does, for people.
    pub(super) about: &'static str,
    /// What it takes: in the query where the method is GET or DELETE, else as a JSON object.
    pub(super) takes: &'static [Member],
    /// What it answers.
    pub(super) gives: Gives,
    /// What answers it.
    pub(super) answer: for<'c> fn(&'c Call) -> Answering<'c>,
}

/// What an endpoint answers with 200.
#[derive(Clone, Copy)]
pub(super) enum Gives {
    /// An object.
    One(&'static Shape),
    /// A page of objects.
    Page(&'static Shape),
    /// An `apps.install` (contract 11.1).
    Install,
    /// A page of these.
    Installs,
    /// One of several objects.
    AnyOf(&'static [&'static Shape]),
}

/// An object of the admin API.
pub(super) struct Shape {
    /// Its name in the document.
    pub(super) name: &'static str,
    /// What it is, for people.
    pub(super) about: &'static str,
    /// The shape whose members come before its own.
    pub(super) extends: Option<&'static Self>,
    /// Its members. In an answer all of them are present.
    pub(super) members: &'static [Member],
}

impl Shape {
    /// All members, those of the shape that it extends first.
    pub(super) fn all_members(&self) -> Vec<&Member> {
        let mut members = self.extends.map(Self::all_members).unwrap_or_default();
        members.extend(self.members);
        members
    }
}

/// A member of an object, or a parameter.
pub(super) struct Member {
    /// Its name.
    pub(super) name: &'static str,
    /// What it holds.
    pub(super) kind: Kind,
    /// Whether a request must have it.
    pub(super) is_required: bool,
    /// Whether it may be null.
    pub(super) is_nullable: bool,
    /// Whether an empty text is as good as none.
    pub(super) may_be_empty: bool,
    /// What it means, for people.
    pub(super) about: &'static str,
}

/// What a member holds.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// A string of 1 to 5,000 characters without NUL.
    Text,
    /// One of these words, in alphabetical order.
    Word(&'static [&'static str]),
    /// A length of time: a whole number and one of `s`, `m`, `h`, `d`.
    Span,
    /// A list of strings.
    Texts,
    /// A whole number.
    Integer,
    /// A moment in Unix seconds.
    Time,
    /// True or false.
    Flag,
    /// An object.
    Object(&'static Shape),
    /// A list of objects.
    Objects(&'static Shape),
    /// Words to texts.
    Map,
    /// An object, or the text of a file.
    Document,
    /// An `apps.install`.
    Install,
}

/// A member that may be left out of a request; an answer has it all the same.
pub(super) const fn member(name: &'static str, kind: Kind, about: &'static str) -> Member {
    Member { name, kind, is_required: false, is_nullable: false, may_be_empty: false, about }
}

impl Member {
    /// One that a request must have.
    pub(super) const fn required(self) -> Self {
        Self { is_required: true, ..self }
    }

    /// One that may be null.
    pub(super) const fn nullable(self) -> Self {
        Self { is_nullable: true, ..self }
    }

    /// The same, of which an empty text is as good as none.
    pub(super) const fn or_empty(self) -> Self {
        Self { may_be_empty: true, ..self }
    }
}

/// The modes, as they are written.
pub(super) const MODES: Kind = Kind::Word(&["live", "test"]);
/// `mode` of a request.
pub(super) const MODE: Member = member("mode", MODES, "The mode; `test` where absent.");
/// How long a page is.
pub(super) const LIMIT: Member = member(
    "limit",
    Kind::Integer,
    "How many at the most, 1 to 100; 10 where absent. Other numbers count as the nearest of these.",
);
/// Where a page begins.
pub(super) const AFTER: Member = member(
    "starting_after",
    Kind::Text,
    "The last one of the page before: its `id`, or what the list names as `next`.",
);
/// How long what is rolled lives on.
pub(super) const OVERLAP: Member = member(
    "overlap",
    Kind::Span,
    "How long the old one lives on, such as `24h`; at most `7d`. Not at all where absent.",
);
