//! Endpoints: records of the configuration.
//!
//! | call | reads first | commits | round trips on Postgres |
//! |---|---|---|---|
//! | `create_endpoint` | the consumer that deliveries are made by | 1 | 3 |
//! | `configure_endpoint` | nothing | 1 | 2 |
//!
//! So do all other changes of an endpoint.

use super::{Context, Plan, UseCase};
use crate::api_key::Permission;
use crate::change_set::{ChangeSet, NewEvent};
use crate::delivery::{
    Destination, ENDPOINTS_MAX, Endpoint, EndpointSettings, Guard, Health, NewEndpoint, SecretSource,
};
use crate::error::{Error, Reason};
use crate::event::{EndpointCreated, EventBody, Subject};
use crate::id::WorkspaceId;
use crate::record::{HEALTH_KIND, Keeps, Record, write_of};
use crate::store::{Loaded, Needs};

/// Creates an endpoint. One commit.
#[derive(Debug, Clone)]
pub struct CreateEndpoint {
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// What it shall be.
    pub new: NewEndpoint,
    /// Where it may lead.
    pub guard: Guard,
}

impl UseCase for CreateEndpoint {
    type Answer = Endpoint;

    fn permission(&self) -> Permission {
        Permission::Admin
    }

    fn needs(&self) -> Needs {
        Needs::of(self.workspace, [])
    }

    fn plan(&self, _: &Loaded, context: &Context<'_>) -> Result<Plan<Endpoint>, Error> {
        let endpoints = &context.config()?.endpoints;
        let row = self.new.clone().create(self.workspace, context.at, context.ids, &self.guard)?;
        if endpoints.iter().any(|other| other.name == row.name) {
            let message = format!("there is an endpoint `{}` already", row.name);
            return Err(Error::taken(Reason::new("name", "taken", message)));
        }
        if endpoints.len() >= ENDPOINTS_MAX {
            return Err(Error::conflict(format!("a workspace has at most {ENDPOINTS_MAX} endpoints")));
        }
        let created = EndpointCreated {
            name: row.name.clone(),
            settings: row.settings.clone(),
            signed_by: row.signing.secret.hint(),
        };
        let mut changes = context.changes(self.workspace);
        put(&mut changes, &row, EventBody::EndpointCreated(Box::new(created)))?;
        Ok(Plan { changes, answer: row })
    }
}

/// Changes an endpoint. One commit.
#[derive(Debug, Clone)]
pub struct ChangeEndpoint {
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// Its name.
    pub name: String,
    /// What becomes of it.
    pub change: EndpointChange,
}

/// What becomes of an endpoint.
#[derive(Debug, Clone)]
pub enum EndpointChange {
    /// It gets these settings, all of them.
    Configure(Box<EndpointSettings>, Guard),
    /// It is signed by another secret, and by the one until now for so many hours more.
    Sign(SecretSource, Option<u32>),
    /// It is disabled no more.
    Enable,
    /// It is deleted.
    Delete,
}

impl UseCase for ChangeEndpoint {
    type Answer = Endpoint;

    fn permission(&self) -> Permission {
        Permission::Admin
    }

    fn needs(&self) -> Needs {
        Needs::of(self.workspace, [])
    }

    fn records(&self) -> Vec<(&'static str, String)> {
        match self.change {
            EndpointChange::Enable => vec![(HEALTH_KIND, self.name.clone())],
            _ => Vec::new(),
        }
    }

    fn plan(&self, loaded: &Loaded, context: &Context<'_>) -> Result<Plan<Endpoint>, Error> {
        let found = context.config()?.endpoint(&self.name)?;
        let mut changes = context.changes(self.workspace);
        if found.deleted_at.is_some() {
            return match self.change {
                EndpointChange::Delete => Ok(Plan { changes, answer: found.clone() }),
                _ => Err(Error::conflict(format!("endpoint `{}` is deleted", found.name))),
            };
        }
        let (mut row, body) = match &self.change {
            EndpointChange::Configure(settings, guard) => {
                let mut settings = EndpointSettings::clone(settings);
                let mut reasons = settings.check(guard);
                if let (Destination::Url(url), true) = (&settings.to, reasons.is_empty()) {
                    settings.to = Destination::Url(guard.judge(url).map_err(Error::invalid)?);
                }
                if settings.to == Destination::Workspace(self.workspace) {
                    reasons.push(Reason::new("to", "itself", "a workspace is no endpoint of its own"));
                }
                if !reasons.is_empty() {
                    return Err(Error::invalid(reasons));
                }
                let body = EventBody::EndpointConfigured(Box::new(settings.clone()));
                (Endpoint { settings, ..found.clone() }, body)
            }
            EndpointChange::Sign(secret, hours) => {
                let row = found.rotate(secret.clone(), context.at, *hours)?;
                let by = row.signing.secret.hint();
                (row, EventBody::EndpointSigned { by })
            }
            EndpointChange::Enable if found.disabled.is_none() => {
                return Ok(Plan { changes, answer: found.clone() });
            }
            EndpointChange::Enable => {
                // What it failed at before counts no more.
                if let Some(record) = loaded.records.iter().find(|record| record.kind == HEALTH_KIND) {
                    changes.records.push(health_write(found, Some(record), &Health::default())?);
                }
                (found.enable(), EventBody::EndpointEnabled)
            }
            EndpointChange::Delete => (found.delete(context.at), EventBody::EndpointDeleted),
        };
        row.version = found.version.next();
        put(&mut changes, &row, body)?;
        Ok(Plan { changes, answer: row })
    }
}

/// Adds to a change set that an endpoint is disabled.
#[cfg(feature = "service")]
pub(crate) fn disable(
    changes: &mut ChangeSet,
    endpoint: &Endpoint,
    disabled: &crate::delivery::Disabled,
) -> Result<(), Error> {
    let mut row = endpoint.disable(disabled.clone());
    row.version = endpoint.version.next();
    put(changes, &row, EventBody::EndpointDisabled(disabled.clone()))
}

/// The write that keeps how an endpoint does, over what was kept before.
pub(crate) fn health_write(
    endpoint: &Endpoint,
    before: Option<&Record>,
    health: &Health,
) -> Result<crate::change_set::Write<Record>, Error> {
    let version = before.map_or(crate::change_set::Version::ZERO, |record| record.version).next();
    write_of(endpoint.workspace, (HEALTH_KIND, endpoint.name.clone()), health, version)
}

fn put(changes: &mut ChangeSet, row: &Endpoint, body: EventBody) -> Result<(), Error> {
    changes.events.push(NewEvent::about(Subject::Endpoint(row.id), body));
    changes.records.push(row.keep()?);
    Ok(())
}
