//! What the admin API answers, as rows of tables.

use cholla_wire::client::Form;
use serde::de::DeserializeOwned;

use crate::admin::{Admin, Success};
use crate::output::{self, Failure, printable, table};

/// An object of the admin API, as far as a table shows it.
pub(crate) trait Row {
    /// The titles of the columns.
    const HEAD: &'static [&'static str];
    /// What a list without rows says.
    const NONE: &'static str;

    /// The cells, as many as there are titles. What a terminal would obey in them is escaped by whoever prints them.
    fn cells(&self) -> Vec<String>;
}

/// Prints the object that was answered, as a table of one row or as the JSON it came in.
///
/// # Errors
/// When it is something else, or standard output cannot be written.
pub(crate) fn print_one<R: Row + DeserializeOwned>(admin: &Admin, answer: &Success) -> Result<(), Failure> {
    if admin.json { output::bytes(answer.bytes()) } else { print_all(&[answer.decode::<R>()?]) }
}

/// Asks for a list and prints all of it.
///
/// # Errors
/// When the server cannot be reached or refuses, or standard output cannot be written.
pub(crate) fn print_list<R: Row + DeserializeOwned>(
    admin: &Admin,
    path: &str,
    filter: impl Fn(Form) -> Form,
) -> Result<(), Failure> {
    print_some::<R>(admin, path, usize::MAX, filter)
}

/// Asks for a list and prints its first rows, at most `limit`.
///
/// # Errors
/// When the server cannot be reached or refuses, or standard output cannot be written.
pub(crate) fn print_some<R: Row + DeserializeOwned>(
    admin: &Admin,
    path: &str,
    limit: usize,
    filter: impl Fn(Form) -> Form,
) -> Result<(), Failure> {
    let rows = admin.list::<R>(path, limit, filter)?;
    if admin.json { Ok(()) } else { print_all(&rows) }
}

/// How many rows a flag asks for.
pub(crate) fn limit(asked: u32) -> usize {
    usize::try_from(asked).unwrap_or(usize::MAX)
}

/// Prints a table.
///
/// # Errors
/// When standard output cannot be written.
pub(crate) fn print_all<R: Row>(rows: &[R]) -> Result<(), Failure> {
    if rows.is_empty() {
        return output::bytes(format!("{}\n", R::NONE).as_bytes());
    }
    let cells: Vec<Vec<String>> =
        rows.iter().map(|row| row.cells().iter().map(|cell| printable(cell)).collect()).collect();
    output::bytes(table(R::HEAD, &cells).as_bytes())
}

/// A cell of what may be absent.
pub(crate) fn or_dash(text: Option<&str>) -> String {
    text.filter(|text| !text.is_empty()).unwrap_or("-").to_owned()
}

/// A cell of several words.
pub(crate) fn listed(words: &[String]) -> String {
    or_dash(Some(&words.join(", ")))
}
