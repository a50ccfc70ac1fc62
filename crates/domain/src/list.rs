//! List: the secrets of one scope, newest first, in pages (contract 4.7).

use crate::error::Error;
use crate::id::SecretId;
use crate::limits::{PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX};
use crate::place::{Scope, SealedPlace};
use crate::policy::{Denied, Read, authorize};
use crate::ports::Ports;
use crate::principal::Principal;
use crate::record::{SecretView, StoredSecret};
use crate::time::Timestamp;

/// How many secrets a page holds at most: any integer, clamped to 1..=100, never refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageLimit(usize);

impl PageLimit {
    /// Clamps `limit`.
    pub fn clamp(limit: i64) -> Self {
        Self(usize::try_from(limit.max(1)).map_or(PAGE_LIMIT_MAX, |limit| limit.min(PAGE_LIMIT_MAX)))
    }

    /// The number.
    pub(crate) fn get(self) -> usize {
        self.0
    }
}

impl Default for PageLimit {
    fn default() -> Self {
        Self(PAGE_LIMIT_DEFAULT)
    }
}

/// Which of the two cursors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// Older than the secret it names.
    StartingAfter,
    /// Immediately newer than the secret it names.
    EndingBefore,
}

/// A list as a client asked for it. Cursors are whatever the client sent: what is no id is unknown like any other.
#[derive(Debug, Default)]
pub struct PageRequest {
    /// At most so many.
    pub limit: PageLimit,
    /// Older than this id.
    pub starting_after: Option<String>,
    /// Immediately newer than this id.
    pub ending_before: Option<String>,
    /// Whether payloads are part of the answer.
    pub expand_payload: bool,
}

/// One page.
#[derive(Debug)]
pub struct Page {
    /// Newest first.
    pub secrets: Vec<SecretView>,
    /// Whether there are more in the direction asked.
    pub has_more: bool,
}

/// Lists a scope. A UI extension that names another user sees an empty scope (contract 5.7).
///
/// # Errors
/// For a cursor that names nothing here, or why the scope could not be read.
pub async fn list(
    ports: &Ports,
    caller: &Principal,
    scope: Scope,
    page: PageRequest,
    now: Timestamp,
) -> Result<Page, Error> {
    let authorized = match authorize::<Read>(caller, scope) {
        Ok(authorized) => Some(authorized),
        Err(Denied::ForeignUser | Denied::BeingErased) => None,
        Err(denied @ Denied::PermissionMissing) => return Err(Error::Denied(denied)),
    };
    let cipher = match &authorized {
        Some(authorized) => ports.keys.find(authorized.namespace()).await?,
        None => None,
    };
    let (Some(authorized), Some(cipher)) = (authorized, cipher) else {
        cut(&[], &page)?;
        return Ok(Page { secrets: Vec::new(), has_more: false });
    };
    let stored = ports.store.list(&SealedPlace::new(&authorized, &*cipher), now).await?;
    let (rows, has_more) = cut(&stored, &page)?;
    let mut secrets = Vec::with_capacity(rows.len());
    for row in rows {
        let opened = cipher.open(row)?;
        if page.expand_payload {
            ports.reads.note(row, now);
        }
        let payload = page.expand_payload.then_some(opened.payload);
        secrets.push(SecretView { header: row.header, name: opened.name, scope: opened.scope, payload });
    }
    Ok(Page { secrets, has_more })
}

/// The part of `newest_first` that `page` asks for, and whether there is more in that direction.
fn cut<'a>(newest_first: &'a [StoredSecret], page: &PageRequest) -> Result<(&'a [StoredSecret], bool), Error> {
    let position = |cursor: &Option<String>, which| match cursor {
        None => Ok(None),
        Some(text) => SecretId::parse(text)
            .and_then(|id| newest_first.iter().position(|row| row.header.id == id))
            .map(Some)
            .ok_or(Error::UnknownCursor(which)),
    };
    let after = position(&page.starting_after, Cursor::StartingAfter)?;
    let before = position(&page.ending_before, Cursor::EndingBefore)?;
    let PageLimit(limit) = page.limit;
    match (after, before) {
        (Some(_), Some(_)) => Err(Error::BothCursors),
        (None, Some(end)) => Ok((&newest_first[end.saturating_sub(limit)..end], end > limit)),
        (after, None) => {
            let start = after.map_or(0, |position| position + 1);
            let end = newest_first.len().min(start + limit);
            Ok((&newest_first[start..end], end < newest_first.len()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Entropy;
    use crate::payload::Sealed;
    use crate::record::RecordHeader;
    use crate::tag::{NameTag, RecordVersion, ScopeTag};

    struct Fixed(u8);

    impl Entropy for Fixed {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(self.0);
        }
    }

    fn row(n: u8) -> StoredSecret {
        StoredSecret {
            scope: ScopeTag::from_bytes([0; 16]),
            name: NameTag::from_bytes([n; 16]),
            header: RecordHeader {
                id: SecretId::draw(&Fixed(n)),
                version: RecordVersion::from_bytes([n; 16]),
                created_at: Timestamp::from_unix(i64::from(n)),
                expires_at: None,
            },
            sealed: Sealed::assertion(Vec::new()),
        }
    }

    /// Rows 5, 4, 3, 2, 1 and the page that `after`, `before` and `limit` cut out of them.
    fn check(after: Option<u8>, before: Option<u8>, limit: i64, expected: &str) {
        let rows: Vec<_> = (1..=5).rev().map(row).collect();
        let id = |n: Option<u8>| n.map(|n| SecretId::draw(&Fixed(n)).to_string());
        let page = PageRequest {
            limit: PageLimit::clamp(limit),
            starting_after: id(after),
            ending_before: id(before),
            expand_payload: false,
        };
        let actual = match cut(&rows, &page) {
            Ok((page, more)) => {
                let numbers: String = page.iter().map(|row| row.header.created_at.as_unix().to_string()).collect();
                format!("{numbers}{}", if more { "+" } else { "" })
            }
            Err(error) => format!("{error:?}"),
        };
        assert_eq!(actual, expected, "after {after:?} before {before:?} limit {limit}");
    }

    #[test]
    fn rule_4_7_pages() {
        check(None, None, 10, "54321");
        check(None, None, 2, "54+");
        check(None, None, 0, "5+");
        check(None, None, -3, "5+");
        check(None, None, 5, "54321");
        check(None, None, i64::MAX, "54321");
        check(Some(4), None, 2, "32+");
        check(Some(3), None, 2, "21");
        check(Some(1), None, 2, "");
        check(None, Some(2), 2, "43+");
        check(None, Some(3), 2, "54");
        check(None, Some(5), 2, "");
        check(Some(9), None, 2, "UnknownCursor(StartingAfter)");
        check(None, Some(9), 2, "UnknownCursor(EndingBefore)");
        check(Some(9), Some(9), 2, "UnknownCursor(StartingAfter)");
        check(Some(2), Some(9), 2, "UnknownCursor(EndingBefore)");
        check(Some(2), Some(1), 2, "BothCursors");
    }
}
