use convio_core::change_set::{ConfigVersion, Version};
use convio_core::contact::ContactNumber;
use convio_core::event::{
    Actor, Event, EventBody, FeedHead, Head, Link, Origin, Position, StreamRef, Subject,
};
use convio_core::page::{Cursor, Page, PageRequest};
use convio_core::store::{CommitError, StoreError, Tick};
use convio_core::{ContactId, LeadId, WorkspaceId};
use sqlx::postgres::PgRow;

use crate::cells::{Cells, int};
use crate::rows::read_all;
use crate::session::{Session, page_limit};
use crate::table::{Args, Column, Table, There, table};

table! {
    EVENT, bind: "event" ["position"] Refused, |event| &Event {
        "position" int8 = int(event.position.0);
        "at" timestamptz = event.at;
        "kind" text = event.body.kind();
        "contact_id" uuid = event.contact.map(|link| link.id.uuid());
        "contact_seq" int8 = event.contact.and_then(|link| link.version).map(|version| int(version.0));
        "lead_id" uuid = event.lead.map(|link| link.id.uuid());
        "lead_seq" int8 = event.lead.and_then(|link| link.version).map(|version| int(version.0));
        "subject_kind" text = event.about.map(|(subject, _)| subject.kind());
        "subject_id" uuid = event.about.map(|(subject, _)| subject.uuid());
        "subject_seq" int8 = event.about.map(|(_, version)| int(version.0));
        "contact_number" int8 = event.contact_number.map(|number| int(number.as_u64()));
        "duplicate_of" uuid = event.duplicate_of.map(LeadId::uuid);
        "actor" text = event.origin.actor.as_str();
        "request" text = event.origin.request.as_deref();
        "causation" text = event.origin.causation.as_deref();
        "facts" json = event.body.facts().map_err(no_json)?;
        "personal" json = event.body.personal().map_err(no_json)?;
    }
}

/// Written by statements of its own: see [`crate::write`].
pub(crate) static HEAD: Table = Table {
    name: "head",
    key: &[],
    columns: &[count("feed"), count("contacts"), count("config"), count("commits")],
    there: There::Replaced,
};

const fn count(name: &'static str) -> Column {
    Column { name, sql_type: "int8", is_read: true }
}

impl Session<'_> {
    pub(crate) async fn history(
        &self,
        workspace: WorkspaceId,
        stream: StreamRef,
        page: &PageRequest,
    ) -> Result<Page<Event>, StoreError> {
        let (rest, kind, id) = match stream {
            StreamRef::Contact(id) => (OF_CONTACT, None, id.uuid()),
            StreamRef::Lead(id) => (OF_LEAD, None, id.uuid()),
            StreamRef::Subject(subject) => (OF_SUBJECT, Some(subject.kind()), subject.uuid()),
        };
        let after = int(page.after.map_or(0, Cursor::as_number));
        let mut args = Args::default().with(workspace.uuid()).with(id).with(after).with(page_limit(page));
        if let Some(kind) = kind {
            args.add(kind);
        }
        let rows = self.read(workspace, self.sql().select(&EVENT, rest), args).await?;
        Ok(Page::of(read_all(&rows, read)?, page.size(), |event| {
            Cursor::number(event.version_in(stream).map_or(0, |version| version.0))
        }))
    }

    pub(crate) async fn feed(
        &self,
        workspace: WorkspaceId,
        after: Position,
        limit: usize,
    ) -> Result<Vec<Event>, StoreError> {
        let args = Args::default().with(workspace.uuid()).with(int(after.0)).with(int(limit as u64));
        let rows = self.read(workspace, self.sql().select(&EVENT, FEED), args).await?;
        read_all(&rows, read)
    }

    pub(crate) async fn head(&self, workspace: WorkspaceId) -> Result<Option<Head>, StoreError> {
        let text = self.sql().select(&HEAD, "x.workspace_id = $1");
        let rows = self.read(workspace, text, Args::default().with(workspace.uuid())).await?;
        Ok(rows.first().map(read_head).transpose()?.map(|(head, _)| head))
    }

    pub(crate) async fn heads(
        &self,
        after: Option<WorkspaceId>,
        limit: usize,
    ) -> Result<Vec<FeedHead>, StoreError> {
        if self.options().row_security {
            // It would be answered none, as if nothing had happened anywhere.
            let message = "under row security one workspace is seen at a time: read all of them as a role with BYPASSRLS, through a \
                           store without the option";
            return Err(StoreError::Misuse(message.to_owned()));
        }
        // No workspace has the nil id.
        let after = after.unwrap_or(WorkspaceId::from_uuid(uuid::Uuid::nil()));
        let args = Args::default().with(after.uuid()).with(int(limit as u64));
        let rows = self.read(after, self.sql().select(&HEAD, HEADS), args).await?;
        read_all(&rows, |row| {
            let mut cells = Cells::of(&HEAD, row)?;
            Ok(FeedHead { workspace: WorkspaceId::from_uuid(cells.uuid()?), feed: Position(cells.count()?) })
        })
    }

    pub(crate) async fn wait(&self, seen: Tick) -> Result<Tick, StoreError> {
        Ok(self.bell().wait(seen).await)
    }
}

/// The head, and how often the workspace was committed to.
pub(crate) fn read_head(row: &PgRow) -> Result<(Head, i64), StoreError> {
    let mut cells = Cells::of(&HEAD, row)?;
    let _ = cells.uuid()?;
    let head = Head {
        feed: Position(cells.count()?),
        contacts: cells.count()?,
        config: ConfigVersion(cells.count()?),
    };
    Ok((head, cells.get()?))
}

pub(crate) fn read(row: &PgRow) -> Result<Event, StoreError> {
    let mut cells = Cells::of(&EVENT, row)?;
    let workspace = WorkspaceId::from_uuid(cells.uuid()?);
    let position = Position(cells.count()?);
    let at = cells.time()?;
    let kind: String = cells.get()?;
    let contact = link(cells.get()?, cells.get()?, ContactId::from_uuid);
    let lead = link(cells.get()?, cells.get()?, LeadId::from_uuid);
    let (subject_kind, subject_id, subject_seq): (Option<String>, _, Option<i64>) =
        (cells.get()?, cells.get()?, cells.get()?);
    let about = match (subject_kind, subject_id, subject_seq) {
        (Some(kind), Some(id), Some(seq)) => {
            let corrupt = || cells.corrupt(format!("no kind of subject: `{kind}`"));
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
        duplicate_of: cells.get::<Option<_>>()?.map(LeadId::from_uuid),
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

fn no_json(error: serde_json::Error) -> CommitError {
    CommitError::Misuse(error.to_string())
}

const HEADS: &str = "x.workspace_id > $1 ORDER BY x.workspace_id LIMIT $2";
const FEED: &str = "x.workspace_id = $1 AND x.position > $2 ORDER BY x.position LIMIT $3";
const OF_CONTACT: &str =
    "x.workspace_id = $1 AND x.contact_id = $2 AND x.contact_seq > $3 ORDER BY x.contact_seq LIMIT $4";
const OF_LEAD: &str =
    "x.workspace_id = $1 AND x.lead_id = $2 AND x.lead_seq > $3 ORDER BY x.lead_seq LIMIT $4";
const OF_SUBJECT: &str =
    "x.workspace_id = $1 AND x.subject_kind = $5 AND x.subject_id = $2 AND x.subject_seq > $3
    ORDER BY x.subject_seq LIMIT $4";
