//! Secrets as a server shows them (contract 2.1, 2.3), and as people read them.

use serde::Deserialize;

use crate::output::{date, printable, table};
use crate::sensitive::Sensitive;

/// What a table shows of an `apps.secret`.
#[derive(Deserialize)]
pub(super) struct Secret {
    id: String,
    name: String,
    scope: Scope,
    created: i64,
    expires_at: Option<i64>,
    payload: Option<Sensitive>,
    #[serde(default)]
    pub(super) deleted: bool,
}

#[derive(Deserialize)]
struct Scope {
    r#type: String,
    user: Option<String>,
}

/// A list object.
#[derive(Deserialize)]
pub(super) struct Page {
    pub(super) has_more: bool,
    data: Vec<Secret>,
}

impl Page {
    /// The id of the newest.
    pub(super) fn first(&self) -> Option<&str> {
        self.data.first().map(|secret| secret.id.as_str())
    }

    /// The id of the oldest.
    pub(super) fn last(&self) -> Option<&str> {
        self.data.last().map(|secret| secret.id.as_str())
    }
}

/// The rows of one table.
#[derive(Default)]
pub(super) struct Rows(Vec<Row>);

struct Row {
    cells: [String; 5],
    etag: Option<String>,
    payload: Option<Sensitive>,
}

impl Rows {
    /// The table of a single secret, with its version where the server gave one.
    pub(super) fn of(secret: &Secret, etag: Option<&str>) -> Self {
        // Without its quotes, which a shell would take off anyway.
        Self(vec![Row { etag: etag.map(|etag| etag.trim_matches('"').to_owned()), ..Row::new(secret) }])
    }

    /// Adds a page.
    pub(super) fn add(&mut self, page: &Page) {
        self.0.extend(page.data.iter().map(Row::new));
    }

    /// The table, with the columns that hold something. The payload stands last: it is the longest.
    pub(super) fn table(&self) -> String {
        if self.0.is_empty() {
            return "No secrets.\n".to_owned();
        }
        let mut head = vec!["NAME", "SCOPE", "ID", "CREATED", "EXPIRES"];
        let mut rows: Vec<Vec<String>> = self.0.iter().map(|row| row.cells.to_vec()).collect();
        let mut add = |title, column: Vec<Option<&str>>| {
            if column.iter().any(Option::is_some) {
                head.push(title);
                for (cells, cell) in rows.iter_mut().zip(column) {
                    cells.push(printable(cell.unwrap_or_default()));
                }
            }
        };
        add("ETAG", self.0.iter().map(|row| row.etag.as_deref()).collect());
        add("PAYLOAD", self.0.iter().map(|row| row.payload.as_ref().map(Sensitive::expose_secret)).collect());
        table(&head, &rows)
    }
}

impl Row {
    fn new(secret: &Secret) -> Self {
        let scope = match &secret.scope.user {
            Some(user) => format!("{} {}", secret.scope.r#type, user),
            None => secret.scope.r#type.clone(),
        };
        let expires = secret.expires_at.map_or_else(|| "never".to_owned(), date);
        Self {
            cells: [printable(&secret.name), printable(&scope), printable(&secret.id), date(secret.created), expires],
            etag: None,
            payload: secret.payload.clone(),
        }
    }
}
