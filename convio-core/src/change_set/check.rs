use std::collections::BTreeMap;

use super::{ChangeSet, ContactWrite, Version, Write};

impl ChangeSet {
    /// Whether it keeps the rules that every plan must keep: no write of an aggregate without its event, no event
    /// without its write, every row in the one workspace, versions that follow.
    ///
    /// Says what is wrong, in words for the developer of a use case. Stores refuse such a change set as misuse.
    pub fn check(&self) -> Result<(), String> {
        let mut writes: BTreeMap<(&str, uuid::Uuid), i64> = BTreeMap::new();
        for write in &self.contacts {
            match write {
                ContactWrite::Merge(merge) => count(&mut writes, "contact", merge.candidate.uuid()),
                ContactWrite::Update { row, at } => {
                    follows("contact", row.version, *at)?;
                    self.owns("contact", row.workspace)?;
                    count(&mut writes, "contact", row.id.uuid());
                }
            }
        }
        macro_rules! rows {
            ($field:ident, $kind:literal, |$row:ident| $uuid:expr) => {
                for write in &self.$field {
                    let $row = write.row();
                    versions($kind, write, $row.version)?;
                    self.owns($kind, $row.workspace)?;
                    count(&mut writes, $kind, $uuid);
                }
            };
        }
        for write in &self.workspaces {
            versions("workspace", write, write.row().version)?;
            self.owns("workspace", write.row().id)?;
            count(&mut writes, "workspace", write.row().id.uuid());
        }
        rows!(webhooks, "webhook", |row| row.id.uuid());
        rows!(leads, "lead", |row| row.id.uuid());
        rows!(rejections, "rejection", |row| row.id.uuid());
        rows!(appointments, "appointment", |row| row.id.uuid());
        rows!(conversions, "conversion", |row| row.id.uuid());
        for write in &self.deliveries {
            versions("delivery", write, write.row().version)?;
            self.owns("delivery", write.row().workspace)?;
        }
        for write in &self.records {
            versions("record", write, write.row().version)?;
            self.owns("record", write.row().workspace)?;
            // Only records that keep an aggregate have events.
            if let Some(subject) = write.row().subject() {
                count(&mut writes, subject.kind(), subject.uuid());
            }
        }
        for row in &self.touches {
            self.owns("touchpoint", row.workspace)?;
            count(&mut writes, "touchpoint", row.touch.id().uuid());
        }
        for payload in &self.payloads {
            self.owns("payload", payload.workspace)?;
        }
        self.events_match(writes)
    }

    fn events_match(&self, mut writes: BTreeMap<(&str, uuid::Uuid), i64>) -> Result<(), String> {
        for event in &self.events {
            let touched = [
                event.contact.filter(|mention| mention.changes).map(|mention| ("contact", mention.id.uuid())),
                event.lead.filter(|mention| mention.changes).map(|mention| ("lead", mention.id.uuid())),
                event.subject.map(|subject| (subject.kind(), subject.uuid())),
            ];
            for (kind, id) in touched.into_iter().flatten() {
                match writes.get_mut(&(kind, id)) {
                    Some(left) if *left > 0 => *left -= 1,
                    _ => {
                        return Err(format!(
                            "event `{}` changes {kind} {id}, which is not written",
                            event.body.kind()
                        ));
                    }
                }
            }
        }
        match writes.into_iter().find(|(_, left)| *left > 0) {
            Some(((kind, id), _)) => Err(format!("{kind} {id} is written without an event")),
            None => Ok(()),
        }
    }

    fn owns(&self, kind: &str, workspace: crate::WorkspaceId) -> Result<(), String> {
        if workspace == self.workspace {
            return Ok(());
        }
        Err(format!("a {kind} of workspace {workspace} in a change set of {}", self.workspace))
    }
}

fn count<'k>(writes: &mut BTreeMap<(&'k str, uuid::Uuid), i64>, kind: &'k str, id: uuid::Uuid) {
    *writes.entry((kind, id)).or_default() += 1;
}

fn versions<T>(kind: &str, write: &Write<T>, version: Version) -> Result<(), String> {
    match write {
        Write::Insert(_) => follows(kind, version, Version::ZERO),
        Write::Update { at, .. } => follows(kind, version, *at),
    }
}

fn follows(kind: &str, version: Version, at: Version) -> Result<(), String> {
    if version == at.next() {
        return Ok(());
    }
    Err(format!("a {kind} of version {version} is written over version {at}"))
}
