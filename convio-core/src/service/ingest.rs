use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use uuid::Uuid;

use super::drive::Permit;
use super::{TRIES_MAX, WorkspaceHandle};
use crate::api_key::Permission;
use crate::appointment::{Appointment, NewAppointment};
use crate::change_set::{ChangeSet, ClaimKind, GateLost, Receipt};
use crate::contact::{Contact, ContactRef};
use crate::error::{Error, ErrorKind, Reason};
use crate::id::{AppointmentId, ContactId, IntakeId, LeadId};
use crate::lead::RawLead;
use crate::rejection::RejectionState;
use crate::store::{CommitError, Need, Needs};
use crate::use_case::ConfigSnapshot;
use crate::use_case::ingest::{self, Accepted, Barred, IngestPlan, Ingested, Refused, Verdict};

/// Whether a batch is taken row by row or as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Atomicity {
    /// Each row for itself: a row that is rejected or fails leaves the others alone.
    PerRow,
    /// All rows or none: a single row that can't be taken keeps every row out.
    AllOrNothing,
}

/// What became of an appointment that came with its customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// What became of the lead.
    pub taken: Ingested,
    /// The appointment, booked and routed; `None` where the lead was not taken.
    pub appointment: Option<Appointment>,
}

/// What became of a batch.
#[derive(Debug)]
pub struct BatchAnswer {
    /// Per row, in the order given. Of a batch that was kept out whole: why the row could not be taken, or that it was
    /// kept out because of others.
    pub rows: Vec<Result<Ingested, Error>>,
    /// Whether anything was stored.
    pub applied: bool,
}

impl WorkspaceHandle<'_> {
    /// Takes a raw lead: reads, checks and normalises it, finds or makes its contact, stores the lead. What can't be taken
    /// is kept with every reason. The answer holds once the store's durability does.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound): no such workspace or webhook. [`Invalid`](crate::ErrorKind::Invalid): an
    /// unusable idempotency key, an oversized payload. [`Conflict`](crate::ErrorKind::Conflict): the idempotency key or
    /// external id came before with another payload. [`Overloaded`](crate::ErrorKind::Overloaded): the webhook's limit is
    /// reached. [`Denied`](crate::ErrorKind::Denied): the workspace is inactive. Nothing is stored then.
    pub async fn ingest(&self, raw: RawLead) -> Result<Ingested, Error> {
        let rows = std::slice::from_ref(&raw);
        self.per_row(rows).await.pop().unwrap_or_else(|| Err(Error::bug("the batch of one came back empty")))
    }

    /// Takes an appointment that comes from outside with its customer: contact, lead and appointment are stored and routed
    /// in one commit, by the product and the postal code that come with it. It is not known yet
    /// whose lead it is: no [sticky](crate::Rule::sticky) rule finds an owner. Where the lead can't be taken, both are kept, and booked when the rejection is released.
    ///
    /// # Errors
    /// Those of [`WorkspaceHandle::ingest`], and [`Invalid`](crate::ErrorKind::Invalid) names every wrong field of the
    /// appointment.
    pub async fn receive(&self, raw: RawLead, new: impl Into<NewAppointment>) -> Result<Received, Error> {
        let taken = self.ingest(raw.appointment(new)).await?;
        let id = taken.accepted().ok().and_then(|accepted| accepted.appointment);
        let permit = self.permit(Permission::Ingest).await?;
        let found = match id {
            Some(id) => self.store(permit).fetch_appointments(self.id(), &[id]).await?,
            None => Vec::new(),
        };
        Ok(Received { taken, appointment: found.into_iter().next().flatten() })
    }

    /// Takes many raw leads in one commit: answers in their order, and rows of the same contact or key as if one came
    /// after the other.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) for more than [`BATCH_ROWS_MAX`] rows. What fails with single rows is in
    /// [`BatchAnswer::rows`], each with the errors of [`WorkspaceHandle::ingest`].
    pub async fn ingest_batch(&self, rows: Vec<RawLead>, atomicity: Atomicity) -> Result<BatchAnswer, Error> {
        if rows.len() > BATCH_ROWS_MAX {
            let message = format!("a batch has at most {BATCH_ROWS_MAX} rows, not {}", rows.len());
            return Err(Error::invalid(vec![Reason::new("rows", "too_many", message)]));
        }
        match atomicity {
            Atomicity::PerRow => {
                let rows = self.per_row(&rows).await;
                let applied = rows.iter().any(Result::is_ok);
                Ok(BatchAnswer { rows, applied })
            }
            Atomicity::AllOrNothing => self.all_or_nothing(&rows).await,
        }
    }

    /// Takes any number of raw leads, in commits of at most [`CHUNK_ROWS_MAX`] rows: answers come in the order of the rows, each with its
    /// number from 0 on, and rows of the same contact or key as if one came after the other. Of the rows no more than two chunks
    /// are held at once: while the store commits one, the next one is read and planned.
    ///
    /// It goes on after a row that fails: the errors are those of [`WorkspaceHandle::ingest`], and which rows are worth sending again
    /// each of them tells. Answers how many rows there were.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { pollster::block_on(async {
    /// use convio_core::{Convio, NewWorkspace, RawLead};
    /// use convio_store_memory::MemoryStore;
    ///
    /// let convio = Convio::new(MemoryStore::new());
    /// let acme = convio.create_workspace(NewWorkspace::named("Acme Solar")).await?;
    /// let rows = (0..5_000).map(|n| RawLead::json(format!(r#"{{"phone":"+1212{:07}"}}"#, 2_000_000 + n % 1_000)));
    /// let mut contacts = std::collections::HashSet::new();
    /// let sent = acme
    ///     .ingest_many(rows, |_, answer| {
    ///         let taken = answer.expect("nothing is wrong with it");
    ///         contacts.extend(taken.accepted().map(|accepted| accepted.contact));
    ///     })
    ///     .await;
    /// assert_eq!((sent, contacts.len()), (5_000, 1_000));
    /// # Ok(()) }) }
    /// ```
    pub async fn ingest_many(
        &self,
        rows: impl IntoIterator<Item = RawLead>,
        mut each: impl FnMut(usize, Result<Ingested, Error>),
    ) -> usize {
        let mut rows = rows.into_iter();
        let (mut number, mut early) = (0, None);
        let mut chunk = next_chunk(&mut rows);
        while !chunk.is_empty() {
            let next;
            let answers = {
                let mut answers = pin!(self.per_row_from(&chunk, early.take()));
                // Begun before the next chunk is looked at: the store works meanwhile.
                let begun = poll_fn(|context| Poll::Ready(answers.as_mut().poll(context))).await;
                next = next_chunk(&mut rows);
                early = self.plan_early(&next);
                match begun {
                    Poll::Ready(answers) => answers,
                    Poll::Pending => answers.await,
                }
            };
            for answer in answers {
                each(number, answer);
                number += 1;
            }
            chunk = next;
        }
        number
    }

    /// Makes a lead of a rejected one, read again with its corrections and under the rules of today. The lead has the
    /// rejection's id.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound): no such rejection. A lead that still can't be taken is an answer
    /// ([`Ingested::Rejected`], [`Ingested::Duplicate`]), and stays as it was.
    pub async fn release(&self, rejection: IntakeId) -> Result<Ingested, Error> {
        self.release_as(rejection, None).await
    }

    /// The same, with this appointment in place of the one that the lead came with, or with none: that one's time may be gone.
    ///
    /// # Errors
    /// Those of [`release`](Self::release).
    pub async fn release_with(
        &self,
        rejection: IntakeId,
        appointment: Option<NewAppointment>,
    ) -> Result<Ingested, Error> {
        self.release_as(rejection, Some(appointment)).await
    }

    /// With another appointment, or, where nothing is said of it, with its own.
    async fn release_as(
        &self,
        rejection: IntakeId,
        with: Option<Option<NewAppointment>>,
    ) -> Result<Ingested, Error> {
        let mut fresh = false;
        for _ in 0..TRIES_MAX {
            let config = self.config(fresh).await?;
            let permit = match self.check(Permission::Update, Some(&*config)) {
                Ok(permit) => permit,
                Err(error) if fresh => return Err(error),
                Err(_) => {
                    fresh = true;
                    continue;
                }
            };
            let loaded = self.store(permit).load(&Needs::of(self.id(), [Need::Rejection(rejection)])).await?;
            let (row, payload) =
                loaded.rejection(rejection).ok_or_else(|| Error::not_found("rejection", rejection))?;
            if row.state == RejectionState::Released {
                return self.first_answer(permit, rejection).await;
            }
            let appointment = with.as_ref().unwrap_or(&row.appointment).as_ref();
            let context = self.context(Some(&*config));
            let plan = ingest::plan_release(row, payload, appointment, &config, &context);
            if !is_taken(&plan) && !fresh {
                fresh = true; // no commit will tell that the configuration at hand is too old for this answer
                continue;
            }
            let IngestPlan { changes, verdict, appointment, .. } = plan?;
            if let Verdict::Reject(refused) = verdict {
                return Ok(Ingested::refused(refused));
            }
            match self.commit_one(changes).await {
                Ok(receipt) => {
                    return answer(Sent { intake: rejection, verdict, appointment }, &receipt, 0);
                }
                Err(CommitError::Conflict { .. }) => {}
                Err(CommitError::GateLost(GateLost::Config { current: Some(_) })) => fresh = true,
                Err(CommitError::GateLost(GateLost::Repeat { of, .. })) => {
                    return Ok(kept_out_by(rejection, &Barred::Repeats(of)));
                }
                Err(CommitError::GateLost(GateLost::Clash { clash, .. })) => {
                    return Ok(kept_out_by(rejection, &Barred::Clash(clash)));
                }
                Err(error) => return Err(self.gate_error(error)),
            }
        }
        Err(Error::conflict(format!("rejection `{rejection}` is changed by others all the time")))
    }

    async fn per_row(&self, rows: &[RawLead]) -> Vec<Result<Ingested, Error>> {
        self.per_row_from(rows, None).await
    }

    /// Plans and commits rows until each has an answer; those that lost a gate which only means "plan again" travel
    /// together in the next round. The first round may be planned already.
    async fn per_row_from(&self, rows: &[RawLead], early: Option<Round>) -> Vec<Result<Ingested, Error>> {
        let mut answers: Vec<Option<Result<Ingested, Error>>> = rows.iter().map(|_| None).collect();
        let mut open: Vec<(usize, Option<Barred>)> = (0..rows.len()).map(|row| (row, None)).collect();
        let (mut early, mut fresh) = (early, false);
        for _ in 0..TRIES_MAX {
            let planned = match early.take() {
                Some(round) => Ok(round),
                None => self.plan_round(rows, &open, fresh).await,
            };
            let round = match planned {
                Ok(round) => round,
                // No commit will tell that the configuration at hand is too old for this answer.
                Err(error) if !fresh && error.kind() == ErrorKind::Denied => {
                    fresh = true;
                    continue;
                }
                Err(error) => {
                    for (row, _) in open.drain(..) {
                        answers[row] = Some(Err(error.clone()));
                    }
                    break;
                }
            };
            let Round { permit, batch, sent, failed, again } = round;
            (fresh, open) = (!again.is_empty(), again);
            for (row, error) in failed {
                answers[row] = Some(Err(error));
            }
            if batch.is_empty() && open.is_empty() {
                break;
            }
            let results = self.commit(batch).await;
            let mut claimed = Vec::new();
            for ((row, barred, sent), result) in sent.into_iter().zip(results) {
                match result {
                    Ok(receipt) => answers[row] = Some(answer(sent, &receipt, 0)),
                    Err(CommitError::GateLost(GateLost::Config { current: Some(_) })) => {
                        fresh = true;
                        open.push((row, barred));
                    }
                    Err(CommitError::GateLost(GateLost::Repeat { of, .. })) => {
                        open.push((row, Some(Barred::Repeats(of))));
                    }
                    Err(CommitError::GateLost(GateLost::Clash { clash, .. })) => {
                        open.push((row, Some(Barred::Clash(clash))));
                    }
                    Err(CommitError::GateLost(GateLost::Claim { holder, same_body: true, .. })) => {
                        claimed.push((row, IntakeId::from_uuid(holder)));
                    }
                    Err(CommitError::GateLost(GateLost::Claim { kind, holder, .. })) => {
                        answers[row] = Some(Err(other_payload(kind, holder)));
                    }
                    Err(error) => answers[row] = Some(Err(self.gate_error(error))),
                }
            }
            for (row, answer) in self.first_answers(permit, claimed).await {
                answers[row] = Some(answer);
            }
            if open.is_empty() {
                break;
            }
        }
        let bound = || Err(Error::conflict("the configuration is changed by others all the time"));
        answers.into_iter().map(|answer| answer.unwrap_or_else(bound)).collect()
    }

    async fn plan_round(
        &self,
        rows: &[RawLead],
        open: &[(usize, Option<Barred>)],
        fresh: bool,
    ) -> Result<Round, Error> {
        let config = self.config(fresh).await?;
        let permit = self.check(Permission::Ingest, Some(&*config))?;
        Ok(self.plan_under(&config, permit, rows, open, fresh))
    }

    /// The first round of rows whose turn has not come, if the configuration is at hand. Should it be another one by then, the
    /// commit tells.
    fn plan_early(&self, rows: &[RawLead]) -> Option<Round> {
        let config = self.config_at_hand()?;
        let permit = self.check(Permission::Ingest, Some(&*config)).ok()?;
        let open: Vec<_> = (0..rows.len()).map(|row| (row, None)).collect();
        Some(self.plan_under(&config, permit, rows, &open, false))
    }

    fn plan_under(
        &self,
        config: &ConfigSnapshot,
        permit: Permit,
        rows: &[RawLead],
        open: &[(usize, Option<Barred>)],
        certain: bool,
    ) -> Round {
        let (batch, sent) = (Vec::with_capacity(open.len()), Vec::with_capacity(open.len()));
        let mut round = Round { permit, batch, sent, failed: Vec::new(), again: Vec::new() };
        for (row, barred) in open.iter().cloned() {
            match self.plan_row(&rows[row], barred.as_ref(), config) {
                Ok(IngestPlan { intake, changes, verdict, appointment }) => {
                    round.batch.push(changes);
                    round.sent.push((row, barred, Sent { intake, verdict, appointment }));
                }
                // No commit will tell that the configuration at hand is too old for this answer.
                Err(error) if !certain && is_of_config(&error) => round.again.push((row, barred)),
                Err(error) => round.failed.push((row, error)),
            }
        }
        round
    }

    fn plan_row(
        &self,
        raw: &RawLead,
        barred: Option<&Barred>,
        config: &ConfigSnapshot,
    ) -> Result<IngestPlan, Error> {
        match barred {
            None => ingest::plan(raw, config, &self.context(Some(config))),
            Some(by) => ingest::plan_barred(raw, by, config, &self.context(Some(config))),
        }
    }

    async fn all_or_nothing(&self, rows: &[RawLead]) -> Result<BatchAnswer, Error> {
        let mut fresh = false;
        for _ in 0..TRIES_MAX {
            let config = self.config(fresh).await?;
            let permit = match self.check(Permission::Ingest, Some(&*config)) {
                Ok(permit) => permit,
                Err(error) if fresh => return Err(error),
                Err(_) => {
                    fresh = true;
                    continue;
                }
            };
            let plans: Vec<_> = rows.iter().map(|raw| self.plan_row(raw, None, &config)).collect();
            if !plans.iter().all(is_taken) {
                if !fresh {
                    fresh = true; // no commit will tell that the configuration at hand is too old for this answer
                    continue;
                }
                return Ok(kept_out(plans.into_iter().map(|plan| plan.map(|plan| plan.verdict))));
            }
            let mut whole: Option<ChangeSet> = None;
            let mut sent = Vec::with_capacity(plans.len());
            for plan in plans.into_iter().flatten() {
                let IngestPlan { intake, changes, verdict, appointment } = plan;
                sent.push(Sent { intake, verdict, appointment });
                match &mut whole {
                    Some(whole) => whole.absorb(changes),
                    None => whole = Some(changes),
                }
            }
            let Some(whole) = whole else {
                return Ok(BatchAnswer { rows: Vec::new(), applied: false });
            };
            let lost = match self.commit_one(whole).await {
                Ok(receipt) => {
                    let rows = sent.into_iter().enumerate();
                    let rows = rows.map(|(n, sent)| answer(sent, &receipt, n));
                    return Ok(BatchAnswer { rows: rows.collect(), applied: true });
                }
                Err(CommitError::GateLost(GateLost::Config { current: Some(_) })) => {
                    fresh = true;
                    continue;
                }
                Err(error @ CommitError::GateLost(_)) => error,
                Err(error) => return Err(error.into()),
            };
            let (culprit, why) = match lost {
                CommitError::GateLost(GateLost::Claim { claimant, kind, holder, same_body }) => {
                    // A holder in the batch itself was not stored, and so has no answer.
                    let within = sent.iter().any(|sent| sent.intake.uuid() == holder);
                    let why = if within {
                        Err(reused(kind, "is that of another row of the batch"))
                    } else {
                        self.claimed(permit, kind, holder, same_body).await
                    };
                    (IntakeId::from_uuid(claimant), why)
                }
                CommitError::GateLost(GateLost::Repeat { lead, of }) => {
                    (lead.intake(), Ok(kept_out_by(lead.intake(), &Barred::Repeats(of))))
                }
                // An appointment that came with a lead has the id of what came in.
                CommitError::GateLost(GateLost::Clash { by, clash }) => {
                    let intake = IntakeId::from_uuid(by);
                    (intake, Ok(kept_out_by(intake, &Barred::Clash(clash))))
                }
                error => return Err(self.gate_error(error)),
            };
            let rows =
                sent.into_iter().map(|sent| if sent.intake == culprit { why.clone() } else { Err(others()) });
            return Ok(BatchAnswer { rows: rows.collect(), applied: false });
        }
        Err(Error::conflict("the configuration is changed by others all the time"))
    }

    /// The answer to a call whose name is claimed: what was answered first, or an error if it says something else.
    async fn claimed(
        &self,
        permit: Permit,
        kind: ClaimKind,
        holder: Uuid,
        same_body: bool,
    ) -> Result<Ingested, Error> {
        // An appointment that came with a lead has the id of what came in.
        if same_body {
            return self.first_answer(permit, IntakeId::from_uuid(holder)).await;
        }
        Err(other_payload(kind, holder))
    }

    /// What was answered when this intake came in.
    async fn first_answer(&self, permit: Permit, intake: IntakeId) -> Result<Ingested, Error> {
        let answers = self.first_answers(permit, vec![((), intake)]).await;
        answers
            .into_iter()
            .next()
            .map_or_else(|| Err(Error::bug("one answer was asked for")), |(_, answer)| answer)
    }

    /// What was answered when these intakes came in, however many they are, in one read of each kind.
    async fn first_answers<R: Copy>(
        &self,
        permit: Permit,
        intakes: Vec<(R, IntakeId)>,
    ) -> Vec<(R, Result<Ingested, Error>)> {
        if intakes.is_empty() {
            return Vec::new();
        }
        let ids: Vec<IntakeId> = intakes.iter().map(|(_, intake)| *intake).collect();
        match self.read_first_answers(permit, &ids).await {
            Ok(answers) => intakes.into_iter().zip(answers).map(|((row, _), answer)| (row, answer)).collect(),
            Err(error) => intakes.into_iter().map(|(row, _)| (row, Err(error.clone()))).collect(),
        }
    }

    async fn read_first_answers(
        &self,
        permit: Permit,
        intakes: &[IntakeId],
    ) -> Result<Vec<Result<Ingested, Error>>, Error> {
        let store = self.store(permit);
        let rejections = store.fetch_rejections(self.id(), intakes).await?;
        let of_leads: Vec<LeadId> = intakes.iter().map(|intake| intake.lead()).collect();
        let leads = store.fetch_leads(self.id(), &of_leads).await?;
        let of_contacts: Vec<ContactRef> =
            leads.iter().flatten().map(|lead| ContactRef::Id(lead.contact)).collect();
        let contacts = store.fetch_contacts(self.id(), &of_contacts).await?;
        let contacts: HashMap<ContactId, Contact> =
            contacts.into_iter().flatten().map(|contact| (contact.id, contact)).collect();
        let of_appointments: Vec<AppointmentId> = intakes.iter().map(|intake| intake.appointment()).collect();
        let came = store.fetch_appointments(self.id(), &of_appointments).await?;
        let rows = intakes.iter().zip(rejections).zip(leads).zip(came);
        Ok(rows
            .map(|(((intake, rejection), lead), came)| {
                let first = match rejection {
                    Some(row) if row.state == RejectionState::Held => Ingested::refused(Refused {
                        id: row.id,
                        reasons: row.reasons,
                        duplicate_of: row.duplicate_of,
                    }),
                    _ => {
                        let bug = || Error::bug(format!("intake `{intake}` is claimed, and is nothing"));
                        let lead = lead.ok_or_else(bug)?;
                        let bug = || Error::bug(format!("lead `{intake}` has no contact"));
                        let contact = contacts.get(&lead.contact).ok_or_else(bug)?;
                        let accepted = Accepted {
                            appointment: came.map(|appointment| appointment.id),
                            lead: lead.id,
                            contact: contact.id,
                            number: contact.number,
                            duplicate_of: lead.duplicate_of,
                            flags: lead.flags,
                        };
                        if lead.opened_contact {
                            Ingested::Created(accepted)
                        } else {
                            Ingested::Linked(accepted)
                        }
                    }
                };
                Ok(Ingested::Replayed(Box::new(first)))
            })
            .collect())
    }

    fn gate_error(&self, error: CommitError) -> Error {
        match error {
            CommitError::GateLost(GateLost::Config { current: None }) => {
                Error::not_found("workspace", self.id())
            }
            CommitError::GateLost(GateLost::Counter { key }) => Error::overloaded(limit_reached(&key)),
            error => error.into(),
        }
    }
}

/// Rows that are planned.
struct Round {
    permit: Permit,
    batch: Vec<ChangeSet>,
    sent: Vec<(usize, Option<Barred>, Sent)>,
    failed: Vec<(usize, Error)>,
    /// Those to be planned again, under a configuration that is certainly the newest.
    again: Vec<(usize, Option<Barred>)>,
}

/// The next rows of a long list: as many as are committed at once.
fn next_chunk(rows: &mut impl Iterator<Item = RawLead>) -> Vec<RawLead> {
    let (mut chunk, mut bytes) = (Vec::new(), 0);
    while chunk.len() < CHUNK_ROWS_MAX && bytes < CHUNK_BYTES_MAX {
        let Some(row) = rows.next() else { break };
        bytes += row.body.len();
        chunk.push(row);
    }
    chunk
}

/// A row on its way: what to answer once its change set is applied.
struct Sent {
    intake: IntakeId,
    verdict: Verdict,
    appointment: Option<AppointmentId>,
}

/// Which limit is reached, told from the counter's key, and when it is open again.
fn limit_reached(key: &str) -> String {
    let whose = if key.starts_with("provider") { "provider" } else { "webhook" };
    let (per, open) = match key.rsplit(':').next() {
        Some("day") => ("day", "tomorrow"),
        Some("month") => ("month", "next month"),
        _ => ("hour", "at the full hour"),
    };
    format!("the {whose}'s limit of leads per {per} is reached; it is open again {open}")
}

/// A name under which something else came in.
fn other_payload(kind: ClaimKind, holder: Uuid) -> Error {
    reused(kind, &format!("came before with another payload, which became `{holder}`"))
}

/// A name that can't be claimed.
fn reused(kind: ClaimKind, why: &str) -> Error {
    let (field, what) = match kind {
        ClaimKind::IdempotencyKey => ("idempotency_key", "idempotency key"),
        ClaimKind::Appointment => ("appointment.external_id", "external id of an appointment"),
        ClaimKind::ExternalId | ClaimKind::Conversion | ClaimKind::Touchpoint => {
            ("external_id", "external id")
        }
    };
    Error::taken(Reason::new(field, "reused", format!("this {what} {why}")))
}

/// The answer to a row whose change set was applied as the `n`-th of its commit.
fn answer(sent: Sent, receipt: &Receipt, n: usize) -> Result<Ingested, Error> {
    let Sent { intake, verdict, appointment } = sent;
    let flags = match verdict {
        Verdict::Reject(refused) => return Ok(Ingested::refused(refused)),
        Verdict::Take(flags) => flags,
    };
    let merged =
        receipt.contacts.get(n).ok_or_else(|| Error::bug("the store tells nothing of the contact"))?;
    let repeat = receipt.repeats.iter().find(|repeat| repeat.lead == intake.lead());
    let accepted = Accepted {
        lead: intake.lead(),
        contact: merged.id,
        number: merged.number,
        duplicate_of: repeat.and_then(|repeat| repeat.of),
        flags,
        appointment,
    };
    Ok(if merged.created { Ingested::Created(accepted) } else { Ingested::Linked(accepted) })
}

fn is_taken(plan: &Result<IngestPlan, Error>) -> bool {
    plan.as_ref().is_ok_and(|plan| matches!(plan.verdict, Verdict::Take(_)))
}

/// Whether another configuration may have made no error: the names that exist, what is active, what is required.
fn is_of_config(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Denied | ErrorKind::Invalid)
}

fn kept_out(verdicts: impl Iterator<Item = Result<Verdict, Error>>) -> BatchAnswer {
    let rows = verdicts.map(|verdict| match verdict {
        Ok(Verdict::Take(_)) => Err(others()),
        Ok(Verdict::Reject(refused)) => Ok(Ingested::refused(refused)),
        Err(error) => Err(error),
    });
    BatchAnswer { rows: rows.collect(), applied: false }
}

/// The answer to a lead that is kept out.
fn kept_out_by(id: IntakeId, by: &Barred) -> Ingested {
    Ingested::refused(Refused { id, reasons: vec![by.reason()], duplicate_of: by.repeats() })
}

fn others() -> Error {
    Error::conflict("kept out because of other rows of the batch")
}

/// Most rows of a batch: what is held in memory at once, and how long other writers of a workspace wait.
pub const BATCH_ROWS_MAX: usize = 10_000;
/// Most rows of a commit of [`WorkspaceHandle::ingest_many`]: past it they get no cheaper.
pub const CHUNK_ROWS_MAX: usize = 1_000;
/// Bytes of payloads after which a chunk is long enough.
const CHUNK_BYTES_MAX: usize = 8 * 1024 * 1024;
