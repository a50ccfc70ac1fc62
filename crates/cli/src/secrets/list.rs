//! List: the secrets of one scope, newest first (contract 4.7), a page or all of them.

use cholla_wire::client::Form;

use super::rows::{Page, Rows};
use super::{PATH, answer, client, form};
use crate::args::secrets::ListArgs;
use crate::http::Client;
use crate::output::{self, Exit, Failure};

/// Pages that `--all` follows at most: far more than a scope can fill, so that a broken server cannot keep it going for ever.
const PAGES_MAX: usize = 1_000;

pub(super) fn run(args: &ListArgs) -> Result<(), Failure> {
    let client = client(&args.request)?;
    let mut rows = Rows::default();
    let mut cursor = Cursor { after: args.starting_after.clone(), before: args.ending_before.clone() };
    for _ in 0..PAGES_MAX {
        let page = page(&client, args, &cursor)?;
        rows.add(&page);
        let next = if page.has_more { cursor.next(&page) } else { None };
        match next {
            Some(next) if args.all => cursor = next,
            next => return finish(&rows, next.as_ref(), args.request.json),
        }
    }
    Err(Failure::new(Exit::Unavailable, format!("there are more than {PAGES_MAX} pages"), "List without --all."))
}

/// Where the next page begins.
struct Cursor {
    after: Option<String>,
    before: Option<String>,
}

impl Cursor {
    /// The page that follows `page` in the direction that was asked.
    fn next(&self, page: &Page) -> Option<Self> {
        if self.before.is_some() {
            page.first().map(|id| Self { before: Some(id.to_owned()), after: None })
        } else {
            page.last().map(|id| Self { after: Some(id.to_owned()), before: None })
        }
    }
}

/// Asks for one page; where JSON was asked for, prints it as it came.
fn page(client: &Client, args: &ListArgs, cursor: &Cursor) -> Result<Page, Failure> {
    let query = form::with_scope(Form::default(), &args.scope)
        .with("limit", args.limit.map(|limit| limit.to_string()).as_deref())
        .with("starting_after", cursor.after.as_deref())
        .with("ending_before", cursor.before.as_deref());
    let query = form::with_request(query, &args.request)?;
    let answer = client.get(PATH, query.as_str())?;
    answer::check(&answer, args.request.json)?;
    let page = answer::decode::<Page>(&answer)?;
    if args.request.json {
        output::bytes(&answer.body)?;
    }
    Ok(page)
}

fn finish(rows: &Rows, next: Option<&Cursor>, json: bool) -> Result<(), Failure> {
    if json {
        return Ok(());
    }
    output::bytes(rows.table().as_bytes())?;
    match next {
        Some(Cursor { before: Some(id), .. }) => output::remark(&format!("newer ones: --all, or --ending-before {id}")),
        Some(Cursor { after: Some(id), .. }) => output::remark(&format!("older ones: --all, or --starting-after {id}")),
        _ => {}
    }
    Ok(())
}
