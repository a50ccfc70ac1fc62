//! What one write does inside a transaction. Every rule that must hold under concurrency is decided here (law 8).

use cholla_domain::idempotency::{IdempotentRequest, KeptRecord, KeptResult};
use cholla_domain::limits::SECRETS_PER_SCOPE_MAX;
use cholla_domain::ports::{DeleteOutcome, Deletion, NewSecret, SetOutcome, Swept};
use cholla_domain::record::{RecordHeader, StoredSecret};
use cholla_domain::tag::{IdempotencyTag, NameTag, ScopeTag};
use cholla_domain::time::{Timestamp, is_expired};
use rusqlite::{Connection, OptionalExtension, params};

use super::cache::{Cache, Changes, Place};
use super::idempotency::{Free, Recent, Slot};
use super::scope::Home;
use super::{reader, row};

/// An open transaction, and what it does to the cache once it is committed.
pub(super) struct Transaction<'a> {
    pub(super) connection: &'a Connection,
    pub(super) cache: &'a Cache,
    pub(super) recent: &'a mut Recent,
    pub(super) changes: &'a mut Changes,
    /// Whether somebody wants to be told what happens to secrets.
    pub(super) keeps_notices: bool,
}

/// Whether a scope takes one more secret.
enum Room {
    /// It does.
    Free,
    /// It holds as many live ones as it may.
    Full,
    /// Its namespace has lost its key.
    Closed,
}

/// A secret's row in its scope, live or expired.
struct Occupant {
    row: i64,
    name: NameTag,
    expires_at: Option<Timestamp>,
}

impl Transaction<'_> {
    /// Contract 4.1, 4.2, 4.4; the order of the checks is that of the port.
    pub(super) fn set(&mut self, home: Home, secret: &NewSecret, now: Timestamp) -> rusqlite::Result<SetOutcome> {
        if self.is_overtaken(home.namespace, secret.judged)? {
            return Ok(SetOutcome::Overtaken);
        }
        let scope = home.scope;
        let key = match self.slot(secret.idempotency, now)? {
            Some(Slot::Kept(kept)) => return Ok(SetOutcome::Kept(kept)),
            Some(Slot::Free(free)) => Some(free),
            None => None,
        };
        let current = self.current(scope, secret.name)?.filter(|(_, header)| !is_expired(header.expires_at, now));
        if !secret.precondition.holds(current.map(|(_, header)| header.version)) {
            self.keep(key.as_ref(), KeptResult::PreconditionFailed, now)?;
            return Ok(SetOutcome::PreconditionFailed);
        }
        if secret.replaces.map(|header| header.id) != current.map(|(_, header)| header.id) {
            return Ok(SetOutcome::Moved);
        }
        let row = match current {
            Some((row, _)) => self.replace(row, secret)?,
            None => match self.make_room(home, now)? {
                Room::Free => self.insert(scope, secret)?,
                Room::Full => {
                    self.keep(key.as_ref(), KeptResult::ScopeFull, now)?;
                    return Ok(SetOutcome::ScopeFull);
                }
                Room::Closed => return Ok(SetOutcome::Overtaken),
            },
        };
        self.notice_set(home.namespace, row, &secret.header, now)?;
        self.changes.put(self.cache, Place { scope, name: secret.name }, || StoredSecret {
            scope,
            name: secret.name,
            header: secret.header,
            sealed: secret.sealed.clone(),
        });
        self.keep(key.as_ref(), KeptResult::Set(secret.header), now)?;
        Ok(SetOutcome::Done)
    }

    /// Contract 4.5; the order of the checks is that of the port.
    pub(super) fn delete(
        &mut self,
        home: Home,
        deletion: &Deletion,
        now: Timestamp,
    ) -> rusqlite::Result<DeleteOutcome> {
        if self.is_overtaken(home.namespace, deletion.judged)? {
            return Ok(DeleteOutcome::Overtaken);
        }
        let scope = home.scope;
        let key = match self.slot(deletion.idempotency, now)? {
            Some(Slot::Kept(kept)) => return Ok(DeleteOutcome::Kept(kept)),
            Some(Slot::Free(free)) => Some(free),
            None => None,
        };
        let Some(current) = reader::find(self.connection, scope, deletion.name)?
            .filter(|secret| !is_expired(secret.header.expires_at, now))
        else {
            self.keep(key.as_ref(), KeptResult::NotFound, now)?;
            return Ok(DeleteOutcome::NotFound);
        };
        if !deletion.precondition.holds(Some(current.header.version)) {
            self.keep(key.as_ref(), KeptResult::PreconditionFailed, now)?;
            return Ok(DeleteOutcome::PreconditionFailed);
        }
        let mut statement = self.connection.prepare_cached("DELETE FROM secret WHERE scope = ?1 AND name = ?2")?;
        statement.execute(params![scope.as_bytes(), deletion.name.as_bytes()])?;
        self.forget(Place { scope, name: deletion.name })?;
        self.close_scope(scope)?;
        self.notice_deleted(home.namespace, &current.header, now)?;
        self.keep(key.as_ref(), KeptResult::Deleted(current.header), now)?;
        Ok(DeleteOutcome::Deleted(current))
    }

    /// The row under a name, live or expired.
    fn current(&self, scope: ScopeTag, name: NameTag) -> rusqlite::Result<Option<(i64, RecordHeader)>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT row, id, version, created_at, expires_at FROM secret WHERE scope = ?1 AND name = ?2",
        )?;
        statement
            .query_row(params![scope.as_bytes(), name.as_bytes()], |columns| {
                Ok((columns.get(0)?, row::header(columns, 1)?))
            })
            .optional()
    }

    /// Whether the scope has room for one more. If so, what has expired there is erased, so that a scope never has more rows than
    /// live secrets are allowed: neither this look nor a list gets slower, however fast secrets expire.
    fn make_room(&mut self, home: Home, now: Timestamp) -> rusqlite::Result<Room> {
        let scope = home.scope;
        let mut statement =
            self.connection.prepare_cached("SELECT row, name, expires_at FROM secret WHERE scope = ?1")?;
        let occupants = statement.query_map(params![scope.as_bytes()], |columns| {
            Ok(Occupant {
                row: columns.get(0)?,
                name: NameTag::from_bytes(row::bytes(columns, 1)?),
                expires_at: columns.get::<_, Option<i64>>(2)?.map(Timestamp::from_unix),
            })
        })?;
        let occupants = occupants.collect::<rusqlite::Result<Vec<_>>>()?;
        if occupants.is_empty() {
            return Ok(if self.open_scope(home)? { Room::Free } else { Room::Closed });
        }
        let (expired, live): (Vec<_>, Vec<_>) =
            occupants.into_iter().partition(|occupant| is_expired(occupant.expires_at, now));
        if live.len() >= SECRETS_PER_SCOPE_MAX {
            return Ok(Room::Full);
        }
        for occupant in expired {
            self.erase_expired(occupant.row, Place { scope, name: occupant.name }, now)?;
        }
        Ok(Room::Free)
    }

    /// Answers the new row.
    fn insert(&self, scope: ScopeTag, secret: &NewSecret) -> rusqlite::Result<i64> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO secret (scope, name, id, version, created_at, expires_at, sealed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        statement.execute(params![
            scope.as_bytes(),
            secret.name.as_bytes(),
            secret.header.id.suffix().as_bytes(),
            secret.header.version.as_bytes(),
            secret.header.created_at.as_unix(),
            secret.header.expires_at.map(Timestamp::as_unix),
            secret.sealed.as_bytes(),
        ])?;
        Ok(self.connection.last_insert_rowid())
    }

    /// Answers the row.
    fn replace(&self, row: i64, secret: &NewSecret) -> rusqlite::Result<i64> {
        let mut statement = self.connection.prepare_cached(
            "UPDATE secret SET version = ?2, created_at = ?3, expires_at = ?4, sealed = ?5 WHERE row = ?1",
        )?;
        statement.execute(params![
            row,
            secret.header.version.as_bytes(),
            secret.header.created_at.as_unix(),
            secret.header.expires_at.map(Timestamp::as_unix),
            secret.sealed.as_bytes(),
        ])?;
        Ok(row)
    }

    /// Erases a secret that has expired. Its scope stays listed: the caller knows whether it is empty now.
    fn erase_expired(&mut self, row: i64, place: Place, now: Timestamp) -> rusqlite::Result<()> {
        self.notice_expired(row, now)?;
        self.connection.prepare_cached("DELETE FROM secret WHERE row = ?1")?.execute([row])?;
        self.forget(place)
    }

    /// Forgets what is known of a secret besides its row.
    fn forget(&mut self, place: Place) -> rusqlite::Result<()> {
        self.changes.remove(place);
        self.forget_read_day(place)
    }

    fn slot(&self, request: Option<IdempotentRequest>, now: Timestamp) -> rusqlite::Result<Option<Slot>> {
        request.map(|request| self.recent.slot(self.connection, request, now)).transpose()
    }

    fn keep(&mut self, key: Option<&Free>, result: KeptResult, now: Timestamp) -> rusqlite::Result<()> {
        key.map_or(Ok(()), |key| self.recent.keep(self.connection, key, result, now))
    }

    pub(super) fn kept(&self, tag: IdempotencyTag, now: Timestamp) -> rusqlite::Result<Option<KeptRecord>> {
        self.recent.kept(self.connection, tag, now)
    }

    /// Erases at most `max` of each kind that are gone at `now`, the longest gone first.
    pub(super) fn sweep(&mut self, now: Timestamp, max: Swept) -> rusqlite::Result<Swept> {
        let mut statement = self.connection.prepare_cached(
            "SELECT row, scope, name FROM secret WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2",
        )?;
        let expired = statement.query_map(params![now.as_unix(), max.secrets], |columns| {
            let place = Place {
                scope: ScopeTag::from_bytes(row::bytes(columns, 1)?),
                name: NameTag::from_bytes(row::bytes(columns, 2)?),
            };
            Ok((columns.get(0)?, place))
        })?;
        let expired = expired.collect::<rusqlite::Result<Vec<(i64, Place)>>>()?;
        for &(row, place) in &expired {
            self.erase_expired(row, place, now)?;
            self.close_scope(place.scope)?;
        }
        Ok(Swept {
            secrets: u32::try_from(expired.len()).unwrap_or(max.secrets),
            idempotency_records: self.recent.sweep(self.connection, now, max.idempotency_records)?,
        })
    }

    /// Changes one row, so that a page is written: an update to the value that is there would write none.
    pub(super) fn probe(&self) -> rusqlite::Result<()> {
        self.connection.prepare_cached("UPDATE probe SET written = NOT written")?.execute([])?;
        Ok(())
    }

    /// Erases everything but the installation's own key.
    pub(super) fn erase_all(&mut self) -> rusqlite::Result<()> {
        self.connection.execute("DELETE FROM secret", [])?;
        self.recent.erase_all(self.connection)?;
        self.erase_inventory()?;
        self.erase_directory()?;
        self.erase_outbox()?;
        self.erase_notices()?;
        self.destroy_keys()?;
        self.changes.remove_all();
        Ok(())
    }
}
