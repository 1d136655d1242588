use std::sync::Arc;

use chrono::TimeDelta;
use convio_core::attribution::{AttributionRules, KeptCredits, NewTouch, ReportingRates, TouchKind, TouchOf};
use convio_core::change_set::{Mention, NewEvent, Receipt, Write};
use convio_core::service::{Atomicity, BatchAnswer, Expired};
use convio_core::use_case::{Completed, CreatedApiKey};
use convio_core::{
    Actor, ApiKey, ApiKeyId, Appointment, Calendar, Clock, CommitError, Contact, ContactId, Conversion,
    Corrections, Error, ErrorKind, EventBody, Ingested, IntakeId, Lead, LeadId, NewWorkspace, PageRequest,
    Provider, ProviderId, Reason, Rejection, RuleSet, Store, TouchpointId, Version, Webhook, Workspace,
    WorkspaceHandle,
};

use super::ops::{Op, Shape};
use super::words;
use crate::plans::{Plans, commit};
use crate::{ManualClock, Snapshot, World};

/// What someone was answered, in a form that can be compared.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    Webhook(Webhook),
    Workspace(Workspace),
    Provider(Provider),
    Key(CreatedApiKey),
    Revoked(ApiKey),
    Calendar(Box<Calendar>),
    Ingested(Ingested),
    Batch {
        applied: bool,
        rows: Vec<Result<Ingested, Failed>>,
    },
    Rejection(Rejection),
    Rules(RuleSet),
    Lead(Box<Lead>),
    Expired(Expired),
    Appointment(Box<Appointment>),
    Seated(Vec<Appointment>),
    Completed(Box<Completed>),
    Conversion(Conversion),
    Attribution(AttributionRules),
    Rates(ReportingRates),
    Touched(TouchpointId),
    Contact(Box<Contact>),
    Credits(Option<Box<KeptCredits>>),
    Committed(Option<Receipt>),
    /// There was nothing to do it with.
    Nothing,
    Failed(Failed),
}

/// An error without its words, which are the store's own.
pub(super) type Failed = (ErrorKind, Vec<Reason>);

/// One workspace in which operations are done, and a second one that stands by.
pub(super) struct Play {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: ManualClock,
    processes: [WorkspaceHandle<'static>; 2],
    pub(super) bystander: WorkspaceHandle<'static>,
    plans: Plans,
    shapes: Vec<Shape>,
    pub(super) providers: Vec<ProviderId>,
    pub(super) keys: Vec<ApiKeyId>,
    pub(super) leads: Vec<LeadId>,
    rejections: Vec<IntakeId>,
    /// Leads, appointments and conversions as they were last answered.
    pub(super) seen: Vec<Lead>,
    pub(super) appointments: Vec<Appointment>,
    pub(super) conversions: Vec<Conversion>,
    /// Contacts that were merged into others.
    merged: Vec<ContactId>,
    pub(super) answers: Vec<Answer>,
    /// What came in under which id: its body, where that is not made by the library.
    pub(super) sent: Vec<(IntakeId, Option<String>)>,
}

impl Play {
    /// A new workspace in this world. Two plays of the same start give the same ids.
    pub(super) async fn new(world: &World<'_>) -> Self {
        let new = NewWorkspace::named("Acme").zone(words::zone(0)).currency("USD");
        let acme = world.convio().create_workspace(new.clone()).await.unwrap();
        let bystander = world.convio().create_workspace(new).await.unwrap();
        Self {
            store: world.store(),
            clock: world.clock.clone(),
            processes: [
                acme.clone(),
                world.elsewhere(&acme).acting_as(Actor::user("jane")).in_request("r-1"),
            ],
            bystander,
            plans: Plans::of(world, acme.id()).await,
            shapes: Vec::new(),
            providers: Vec::new(),
            keys: Vec::new(),
            leads: Vec::new(),
            rejections: Vec::new(),
            seen: Vec::new(),
            appointments: Vec::new(),
            conversions: Vec::new(),
            merged: Vec::new(),
            answers: Vec::new(),
            sent: Vec::new(),
        }
    }

    /// Does one thing.
    pub(super) async fn act(&mut self, (process, op): &(bool, Op)) -> &Answer {
        let acme = self.processes[usize::from(*process)].clone();
        let answer = self.answer(&acme, op).await.unwrap_or_else(|error| Answer::Failed(failed(&error)));
        self.answers.push(answer);
        self.answers.last().expect("one was pushed")
    }

    pub(super) async fn snapshot(&self, page: usize) -> Snapshot {
        Snapshot::of(&*self.store, self.processes[0].id(), page).await.unwrap()
    }

    async fn answer(&mut self, acme: &WorkspaceHandle<'static>, op: &Op) -> Result<Answer, Error> {
        let now = self.clock.now();
        Ok(match op {
            Op::Set(setting) => self.set(acme, setting).await?,
            Op::Ingest(shape) => {
                self.shapes.push(shape.clone());
                self.ingest(acme, shape).await?
            }
            Op::Again(nth) => {
                let Some(nth) = self.shapes.len().checked_sub(1).map(|last| usize::from(*nth) % (last + 1))
                else {
                    return Ok(Answer::Nothing);
                };
                self.ingest(acme, &self.shapes[nth].clone()).await?
            }
            Op::Batch(shapes, whole) => {
                let atomicity = if *whole { Atomicity::AllOrNothing } else { Atomicity::PerRow };
                let (raws, bodies): (Vec<_>, Vec<_>) =
                    shapes.iter().map(|shape| words::raw(shape, now)).unzip();
                let BatchAnswer { rows, applied } = acme.ingest_batch(raws, atomicity).await?;
                for (body, row) in bodies.into_iter().zip(&rows) {
                    if let (Ok(answer), true) = (row, applied) {
                        self.came(body, answer);
                        self.look_at(acme, answer).await?;
                    }
                }
                let rows = rows.into_iter().map(|row| row.map_err(|error| failed(&error)));
                Answer::Batch { applied, rows: rows.collect() }
            }
            Op::Correct(nth, field, value) => {
                let Some(id) = pick(&self.rejections, *nth) else { return Ok(Answer::Nothing) };
                let (field, value) = words::correction(*field, *value);
                Answer::Rejection(acme.correct(id, Corrections::default().set(field, value)).await?)
            }
            Op::Release(nth) => {
                let Some(id) = pick(&self.rejections, *nth) else { return Ok(Answer::Nothing) };
                let answer = acme.release(id).await?;
                if let Ingested::Created(accepted) | Ingested::Linked(accepted) = &answer {
                    self.leads.push(accepted.lead);
                }
                self.look_at(acme, &answer).await?;
                Answer::Ingested(answer)
            }
            Op::Lead(nth, seen, change) => self.change(acme, *nth, *seen, change).await?,
            Op::Expire(most) => Answer::Expired(acme.expire_leads((*most).into()).await?),
            Op::Seat(size) => {
                let seated = acme.seat_appointments(&PageRequest::first((*size).into())).await?;
                seated.items.iter().for_each(|row| drop(self.visited(row.clone())));
                Answer::Seated(seated.items)
            }
            Op::Book(nth, visit) => {
                let Some(lead) = pick(&self.leads, *nth) else { return Ok(Answer::Nothing) };
                let visit = acme.book(lead, words::visit(visit, now)).await?;
                self.visited(visit)
            }
            Op::Visit(nth, seen, turn) => self.turn(acme, *nth, *seen, turn).await?,
            Op::Convert(sale) => self.convert(acme, sale).await?,
            Op::Void(nth, seen) => self.void(acme, *nth, *seen).await?,
            Op::Adjust(nth, seen, how, value, id) => {
                self.adjust(acme, *nth, *seen, (*how, *value, *id)).await?
            }
            Op::Return(nth, seen, how) => self.return_lead(acme, *nth, *seen, *how).await?,
            Op::Commission(nth, seen, which, what) => {
                self.commission(acme, *nth, *seen, *which, *what).await?
            }
            Op::Track(of, source, id, ago) => {
                let of = match of {
                    Ok(nth) => {
                        let Some(contact) = self.contact_of(acme, *nth).await? else {
                            return Ok(Answer::Nothing);
                        };
                        TouchOf::Contact(contact)
                    }
                    Err(visitor) => TouchOf::Visitor(words::visitor(*visitor)),
                };
                let mut new = NewTouch::new(of, TouchKind::Visit, words::touched_by(*source));
                if let Some(id) = id {
                    new = new.external_id(format!("touch-{id}"));
                }
                if let Some(hours) = ago {
                    new = new.at(now - TimeDelta::hours((*hours).into()));
                }
                Answer::Touched(acme.track(new).await?)
            }
            Op::Identify(nth, visitor) => {
                let Some(contact) = self.contact_of(acme, *nth).await? else { return Ok(Answer::Nothing) };
                acme.identify(contact, words::visitor(*visitor)).await?;
                Answer::Nothing
            }
            Op::Merge(from, into) => {
                let (from, into) = (self.contact_of(acme, *from).await?, self.contact_of(acme, *into).await?);
                let (Some(from), Some(into)) = (from, into) else { return Ok(Answer::Nothing) };
                let contact = acme.merge_contacts(from, into).await?;
                self.merged.push(from);
                Answer::Contact(Box::new(contact))
            }
            Op::Unmerge(nth) => {
                let Some(contact) = pick(&self.merged, *nth) else { return Ok(Answer::Nothing) };
                Answer::Contact(Box::new(acme.unmerge_contact(contact).await?))
            }
            Op::Reattribute(nth) => {
                let Some(sold) = pick(&self.conversions, *nth) else { return Ok(Answer::Nothing) };
                Answer::Credits(acme.reattribute(sold.id).await?.map(Box::new))
            }
            Op::Advance(minutes) => {
                // Not by whole milliseconds, so that what is kept to them only shows.
                self.clock.advance(TimeDelta::minutes((*minutes).into()) + TimeDelta::microseconds(7));
                Answer::Nothing
            }
            Op::Fail(shape) => {
                let Some(mut changes) = self.plans.try_ingest(words::raw(shape, now).0) else {
                    return Ok(Answer::Nothing);
                };
                changes.config = None;
                changes.records.push(self.plans.write_record("absent", 4, Some(3)));
                committed(commit(&*self.store, changes).await)?
            }
            Op::WriteLead(nth, off) => {
                let Some(lead) = pick(&self.leads, *nth) else { return Ok(Answer::Nothing) };
                let Some(mut row) = acme.lead(lead).await? else { return Ok(Answer::Nothing) };
                let at = Version(row.version.0.saturating_add_signed((*off).into()));
                row.version = at.next();
                let mut changes = self.plans.empty();
                // Only when the version is another one: nothing else may change a lead behind the back of its events.
                if *off == 0 {
                    return Ok(Answer::Nothing);
                }
                let lead = Some(Mention::changed(row.id));
                let body = EventBody::RejectionReleased;
                changes.events.push(NewEvent {
                    body,
                    contact: None,
                    lead,
                    subject: None,
                    duplicate_of: None,
                });
                changes.leads.push(Write::Update { row, at });
                committed(commit(&*self.store, changes).await)?
            }
        })
    }

    async fn ingest(&mut self, acme: &WorkspaceHandle<'static>, shape: &Shape) -> Result<Answer, Error> {
        let (raw, body) = words::raw(shape, self.clock.now());
        let answer = acme.ingest(raw).await?;
        self.came(body, &answer);
        self.look_at(acme, &answer).await?;
        Ok(Answer::Ingested(answer))
    }

    /// Remembers the appointment that came with a lead.
    async fn look_at(&mut self, acme: &WorkspaceHandle<'static>, answer: &Ingested) -> Result<(), Error> {
        if let Ingested::Created(accepted) | Ingested::Linked(accepted) = answer
            && let Some(id) = accepted.appointment
        {
            let found = self.store.fetch_appointments(acme.id(), &[id]).await?;
            self.appointments.extend(found.into_iter().flatten());
        }
        Ok(())
    }

    /// Remembers what came in, and what became of it.
    fn came(&mut self, body: Option<String>, answer: &Ingested) {
        let intake = match answer {
            Ingested::Created(accepted) | Ingested::Linked(accepted) => {
                self.leads.push(accepted.lead);
                accepted.lead.intake()
            }
            Ingested::Duplicate(refused) | Ingested::Rejected(refused) => {
                self.rejections.push(refused.id);
                refused.id
            }
            Ingested::Replayed(_) => return,
        };
        self.sent.push((intake, body));
    }
}

fn committed(answer: Result<Receipt, CommitError>) -> Result<Answer, Error> {
    Ok(Answer::Committed(Some(answer?)))
}

fn failed(error: &Error) -> Failed {
    (error.kind(), error.reasons().to_vec())
}

pub(super) fn pick<T: Clone>(of: &[T], nth: u8) -> Option<T> {
    (!of.is_empty()).then(|| of[usize::from(nth) % of.len()].clone())
}
