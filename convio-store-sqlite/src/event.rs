use async_trait::async_trait;
use convio_core::change_set::{ConfigVersion, Version};
use convio_core::contact::ContactNumber;
use convio_core::event::{
    Actor, Event, EventBody, EventLog, FeedHead, Head, Link, Origin, Position, StreamRef, Subject,
};
use convio_core::page::{Cursor, Page, PageRequest};
use convio_core::store::{CommitError, Fault, StoreError, Tick};
use convio_core::{ContactId, LeadId, WorkspaceId};
use rusqlite::{Connection, Row, params};

use crate::Sqlite;
use crate::access::Access;
use crate::cells::{Cells, Id, int, micros};
use crate::put::{Put, Sql};
use crate::readers::{page_limit, query_all, query_one};

#[async_trait]
impl<A: Access> EventLog for Sqlite<A> {
    async fn history(
        &self,
        workspace: WorkspaceId,
        stream: StreamRef,
        page: &PageRequest,
    ) -> Result<Page<Event>, StoreError> {
        let page = page.clone();
        self.access
            .read(move |conn| {
                let (sql, kind, id) = match stream {
                    StreamRef::Contact(id) => (OF_CONTACT, None, id.uuid()),
                    StreamRef::Lead(id) => (OF_LEAD, None, id.uuid()),
                    StreamRef::Subject(subject) => (OF_SUBJECT, Some(subject.kind()), subject.uuid()),
                };
                let after = int(page.after.map_or(0, Cursor::as_number));
                let (workspace, id, limit) = (Id(workspace.uuid()), Id(id), page_limit(&page));
                let rows = match kind {
                    Some(kind) => query_all(conn, sql, params![workspace, id, after, limit, kind], read),
                    None => query_all(conn, sql, params![workspace, id, after, limit], read),
                };
                Ok(Page::of(rows?, page.size(), |event| {
                    Cursor::number(event.version_in(stream).map_or(0, |version| version.0))
                }))
            })
            .await
    }

    async fn feed(
        &self,
        workspace: WorkspaceId,
        after: Position,
        limit: usize,
    ) -> Result<Vec<Event>, StoreError> {
        let values = (Id(workspace.uuid()), int(after.0), int(limit as u64));
        self.access.read(move |conn| query_all(conn, FEED, values, read)).await
    }

    async fn head(&self, workspace: WorkspaceId) -> Result<Option<Head>, StoreError> {
        self.access.read(move |conn| head(conn, workspace)).await
    }

    async fn heads(&self, after: Option<WorkspaceId>, limit: usize) -> Result<Vec<FeedHead>, StoreError> {
        // No workspace has the nil id.
        let values = (Id(after.map_or(uuid::Uuid::nil(), WorkspaceId::uuid)), int(limit as u64));
        let read = |row: &Row<'_>| {
            let mut cells = Cells::of("head", row);
            Ok(FeedHead { workspace: WorkspaceId::from_uuid(cells.uuid()?), feed: Position(cells.count()?) })
        };
        self.access.read(move |conn| query_all(conn, HEADS, values, read)).await
    }

    async fn wait(&self, seen: Tick) -> Result<Tick, StoreError> {
        Ok(self.access.wait(seen).await)
    }
}

pub(crate) fn head(conn: &Connection, workspace: WorkspaceId) -> Result<Option<Head>, StoreError> {
    let sql = "SELECT workspace_id, feed, contacts, config FROM head WHERE workspace_id = ?1";
    query_one(conn, sql, [Id(workspace.uuid())], |row| {
        let mut cells = Cells::of("head", row);
        let _ = cells.uuid()?;
        Ok(Head {
            feed: Position(cells.count()?),
            contacts: cells.count()?,
            config: ConfigVersion(cells.count()?),
        })
    })
}

/// 1 statement.
pub(crate) fn put_head(put: &mut Put<'_>, workspace: WorkspaceId, head: Head) -> Result<(), CommitError> {
    let Head { feed, contacts, config } = head;
    put.row(params![Id(workspace.uuid()), int(feed.0), int(contacts), int(config.0)])
}

/// 1 statement.
pub(crate) fn put(put: &mut Put<'_>, event: &Event) -> Result<(), CommitError> {
    let Event { workspace, position, at, origin, body, contact, lead, about, contact_number, duplicate_of } =
        event;
    let Origin { actor, request, causation } = origin;
    let json = |error: serde_json::Error| CommitError::Misuse(error.to_string());
    put.row(params![
        Id(workspace.uuid()),
        int(position.0),
        micros(*at),
        body.kind(),
        contact.map(|link| Id(link.id.uuid())),
        contact.and_then(|link| link.version).map(|version| int(version.0)),
        lead.map(|link| Id(link.id.uuid())),
        lead.and_then(|link| link.version).map(|version| int(version.0)),
        about.map(|(subject, _)| subject.kind()),
        about.map(|(subject, _)| Id(subject.uuid())),
        about.map(|(_, version)| int(version.0)),
        contact_number.map(|number| int(number.as_u64())),
        duplicate_of.map(|id| Id(id.uuid())),
        actor.as_str(),
        request,
        causation,
        body.facts().map_err(json)?,
        body.personal().map_err(json)?,
    ])
}

fn read(row: &Row<'_>) -> Result<Event, StoreError> {
    let mut cells = Cells::of("event", row);
    let workspace = WorkspaceId::from_uuid(cells.uuid()?);
    let position = Position(cells.count()?);
    let at = cells.time()?;
    let kind: String = cells.get()?;
    let contact = link(cells.opt_uuid()?, cells.get()?, ContactId::from_uuid);
    let lead = link(cells.opt_uuid()?, cells.get()?, LeadId::from_uuid);
    let (subject_kind, subject_id, subject_seq): (Option<String>, _, Option<i64>) =
        (cells.get()?, cells.opt_uuid()?, cells.get()?);
    let about = match (subject_kind, subject_id, subject_seq) {
        (Some(kind), Some(id), Some(seq)) => {
            let corrupt = || StoreError::Corrupt {
                table: "event",
                column: "subject_kind".to_owned(),
                id: format!("{workspace}/{}", position.0),
                fault: Fault::new(format!("no kind of subject: `{kind}`")),
            };
            Some((Subject::from_parts(&kind, id).ok_or_else(corrupt)?, version(seq)))
        }
        _ => None,
    };
    Ok(Event {
        workspace,
        position,
        at,
        contact,
        lead,
        about,
        contact_number: cells.map_opt(|n: i64| {
            u64::try_from(n).ok().and_then(ContactNumber::from_stored).ok_or("no contact number")
        })?,
        duplicate_of: cells.opt_uuid()?.map(LeadId::from_uuid),
        origin: Origin {
            actor: Actor::from_stored(cells.get::<String>()?),
            request: cells.get()?,
            causation: cells.get()?,
        },
        body: {
            let facts: String = cells.get()?;
            cells.map(|personal: Option<String>| EventBody::from_parts(&kind, &facts, personal.as_deref()))?
        },
    })
}

fn link<I>(id: Option<uuid::Uuid>, seq: Option<i64>, of: impl Fn(uuid::Uuid) -> I) -> Option<Link<I>> {
    Some(Link { id: of(id?), version: seq.map(version) })
}

fn version(seq: i64) -> Version {
    Version(u64::try_from(seq).unwrap_or_default())
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT workspace_id, position, at, kind, contact_id, contact_seq, lead_id, lead_seq, subject_kind, subject_id,
             subject_seq, contact_number, duplicate_of, actor, request, causation, facts, personal FROM event
             WHERE workspace_id = ?1 AND ",
            $rest
        )
    };
}

const HEADS: &str =
    "SELECT workspace_id, feed FROM head WHERE workspace_id > ?1 ORDER BY workspace_id LIMIT ?2";
const FEED: &str = select!("position > ?2 ORDER BY position LIMIT ?3");
const OF_CONTACT: &str = select!("contact_id = ?2 AND contact_seq > ?3 ORDER BY contact_seq LIMIT ?4");
const OF_LEAD: &str = select!("lead_id = ?2 AND lead_seq > ?3 ORDER BY lead_seq LIMIT ?4");
const OF_SUBJECT: &str =
    select!("subject_kind = ?5 AND subject_id = ?2 AND subject_seq > ?3 ORDER BY subject_seq LIMIT ?4");

pub(crate) const PUT_HEAD: Sql = Sql {
    head: "INSERT OR FAIL INTO head (workspace_id, feed, contacts, config) VALUES",
    values: 4,
    tail: "ON CONFLICT (workspace_id) DO UPDATE SET feed = excluded.feed, contacts = excluded.contacts,
           config = excluded.config",
};
pub(crate) const INSERT: Sql = Sql {
    head: "INSERT OR FAIL INTO event (workspace_id, position, at, kind, contact_id, contact_seq, lead_id, lead_seq,
           subject_kind, subject_id, subject_seq, contact_number, duplicate_of, actor, request, causation, facts, personal)
           VALUES",
    values: 18,
    tail: "",
};
