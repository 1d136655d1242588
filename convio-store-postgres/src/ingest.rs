//! The ingest of one lead: one statement, one round trip.
//!
//! What that costs, whole calls counted on the socket by `tests/trips.rs`, in the ways that [`crate::commit`] tells:
//!
//! | round trips, warm | held | of a pool | pooler | row security | plain | in a transaction | savepoints |
//! |---|---|---|---|---|---|---|---|
//! | a lead of a new contact | 1 | 3 | 4 | 3 | 18 | 1 | 3 |
//! | a lead of a known contact | 1 | 3 | 4 | 3 | 17 | 1 | 3 |
//! | a lead with idempotency key, external id and limit | 1 | 3 | 4 | 3 | 22 | 1 | 3 |
//! | a lead that is replayed | 5 | 15 | 20 | 15 | 16 | 5 | 7 |
//! | another lead under a used key | 1 | 3 | 4 | 3 | 12 | 1 | 3 |
//! | a lead above a limit | 1 | 3 | 4 | 3 | 11 | 1 | 3 |
//! | a lead that is kept out as a repeat | 3 | 7 | 10 | 7 | 21 | 3 | 7 |
//! | a lead, when another commit was faster | 4 | 8 | 8 | 6 | 18 | 3 | 6 |
//!
//! One trip takes a lead or finds what it lost. What is answered of a lead that came before is read in four more; a repeat is kept
//! as a rejection, in two. As plain statements, and when another commit was faster, it goes the way of everything else.
//!
//! The statement restates core's merge rule and the order of its gates in SQL; the conformance suite, which compares every
//! answer and row with a model, holds both together.

use std::sync::OnceLock;

use convio_core::change_set::{
    ChangeSet, ConfigVersion, ContactMerge, ContactWrite, Decisions, GateLost, MergedContact, NewEvent,
    Receipt, Version, Write,
};
use convio_core::contact::{ContactNumber, FIELDS, Field};
use convio_core::email::Email;
use convio_core::event::{EventBody, Position, StreamRef};
use convio_core::lead::{Attempts, Lead, Payload};
use convio_core::store::CommitError;
use convio_core::{Campaign, ContactId, LeadId, NumberSeries, PostalCode, Product, ProviderId, WebhookId};
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::cells::{int, to_json};
use crate::commit::Failed;
use crate::contact::offered_bytes;
use crate::error::read_failed;
use crate::gates::claim_kind;
use crate::session::Lease;
use crate::sql::{Key, Sql};
use crate::table::Args;

/// A change set that takes one lead and does nothing else.
pub(crate) struct LeadAlone<'c> {
    changes: &'c ChangeSet,
    merge: &'c ContactMerge,
    lead: &'c Lead,
    payload: &'c Payload,
    event: &'c NewEvent,
}

impl<'c> LeadAlone<'c> {
    /// The lead, if the change set is of this shape: ingest makes no other for a lead that is taken, unless an appointment came
    /// with it.
    pub(crate) fn of(changes: &'c ChangeSet) -> Option<Self> {
        let ChangeSet {
            workspace: _,
            at: _,
            origin: _,
            config,
            counters,
            claims,
            given_back,
            bookings,
            routes,
            workspaces,
            webhooks,
            contacts,
            keys,
            moved_keys,
            moved_windows,
            windows,
            leads,
            rejections,
            payloads,
            touches,
            appointments,
            conversions,
            deliveries,
            records,
            events,
            rollups,
        } = changes;
        let nothing_else = workspaces.is_empty()
            && given_back.is_empty()
            && bookings.is_empty()
            && routes.is_empty()
            && keys.is_empty()
            && moved_keys.is_empty()
            && moved_windows.is_empty()
            && touches.is_empty()
            && webhooks.is_empty()
            && rejections.is_empty()
            && appointments.is_empty()
            && conversions.is_empty()
            && deliveries.is_empty()
            && records.is_empty();
        let ([ContactWrite::Merge(merge)], [Write::Insert(lead)], [payload], [event]) =
            (contacts.as_slice(), leads.as_slice(), payloads.as_slice(), events.as_slice())
        else {
            return None;
        };
        let names = claims.iter().map(|claim| (claim.webhook, claim.kind, &claim.value));
        let limits = counters.iter().map(|add| (&add.key, add.window));
        let window = windows.iter().all(|window| window.contact == merge.candidate && window.lead == lead.id);
        let in_slots = |delta: &convio_core::analytics::RollupDelta| {
            delta.lead.is_none_or(|id| id == lead.id)
                && VARIANTS
                    .iter()
                    .all(|(new, again)| delta.resolve(*new, *again)[ROLLUP_SLOTS..].iter().all(|n| *n == 0))
        };
        let received = matches!(event.body, EventBody::LeadReceived(_))
            && event.contact.is_some_and(|mention| mention.changes && mention.id == merge.candidate)
            && event.lead.is_some_and(|mention| mention.changes && mention.id == lead.id)
            && event.subject.is_none()
            && event.duplicate_of.is_none();
        let fits = nothing_else
            && config.is_some()
            && is_just_received(lead)
            && lead.contact == merge.candidate
            && merge.touch.lead == lead.id
            && payload.id == lead.id.intake()
            && windows.len() <= 1
            && window
            && are_distinct(names)
            && are_distinct(limits)
            && are_distinct(rollups.iter().map(|delta| (delta.cube, delta.day, &delta.dims)))
            && rollups.iter().all(in_slots)
            && received;
        (fits && changes.check().is_ok()).then_some(Self { changes, merge, lead, payload, event })
    }

    /// Takes it, or tells what was lost.
    pub(crate) async fn run(
        &self,
        lease: &mut Lease<'_>,
        sql: &Sql,
        failed: fn(sqlx::Error) -> Failed,
    ) -> Result<Result<Receipt, CommitError>, Failed> {
        let has_gates = self.has_gates();
        let text = sql.made(Key::Ingest(has_gates), || text(has_gates));
        let args = self.args().map_err(Failed::For)?;
        let rows = lease.rows(text, args).await.map_err(failed)?;
        let Some(row) = rows.first() else {
            return Ok(Err(CommitError::GateLost(GateLost::Config { current: None })));
        };
        let read = self.answer(row).map_err(|error| Failed::For(read_failed(error).into()))?;
        match read {
            Some(answer) => Ok(answer),
            None => Err(Failed::Stale),
        }
    }

    fn args(&self) -> Result<Args, CommitError> {
        let Self { changes, merge, lead, payload, event } = self;
        let (claims, counters) = (&changes.claims, &changes.counters);
        let (factor, offset) = NumberSeries::of(changes.workspace).coefficients();
        let (person, window) = (&merge.offer.person, changes.windows.first());
        let phone = person.phone.as_ref();
        let no_json = |error: serde_json::Error| CommitError::Misuse(error.to_string());
        let variants = self.sums();
        let of = |rows: &dyn Fn(&Sums<'_>) -> i64| variants.iter().map(rows).collect::<Vec<_>>();
        let args = Args::default()
            .with(changes.workspace.uuid())
            .with(changes.config.map(|config| int(config.0)))
            .with(changes.at)
            .with(lead.id.uuid())
            .with(merge.key.scope.code())
            .with(i16::from(merge.key.kind.code()))
            .with(merge.key.value.as_str())
            .with(merge.candidate.uuid())
            .with(int(factor))
            .with(int(offset))
            .with(window.map(|window| window.key.as_bytes().as_slice()))
            .with(window.map(|window| window.received_at))
            .with(window.map(|window| window.cutoff))
            .with(window.map(|window| window.until))
            .with(window.is_some_and(|window| window.reject))
            .with(person.first_name.as_deref())
            .with(person.last_name.as_deref())
            .with(person.email.as_ref().map(Email::as_str))
            .with(phone.map(|parsed| parsed.phone.e164()))
            .with(phone.map(|parsed| parsed.phone.validity().as_str()))
            .with(phone.and_then(|parsed| parsed.extension.as_deref()))
            .with(person.street.as_deref())
            .with(person.street2.as_deref())
            .with(person.city.as_deref())
            .with(person.state.as_deref())
            .with(person.postal_code.as_ref().map(PostalCode::as_str))
            .with(person.country.as_deref())
            .with(offered_bytes(person, merge.offer.stamp))
            .with(merge.touch.source.as_str())
            .with(merge.touch.at)
            .with(lead.webhook.uuid())
            .with(lead.provider.map(ProviderId::uuid))
            .with(lead.interest.source.as_str())
            .with(lead.interest.lead_type.as_str())
            .with(lead.interest.campaign.as_ref().map(Campaign::as_str))
            .with(lead.interest.product.as_ref().map(Product::as_str))
            .with(lead.interest.external_id.as_deref())
            .with(to_json(&lead.interest.utm)?)
            .with(to_json(&lead.custom)?)
            .with(lead.postal_code.as_ref().map(PostalCode::as_str))
            .with(to_json(&lead.flags)?)
            .with(lead.test)
            .with(lead.progress.status.key.as_str())
            .with(lead.progress.status.stage.code())
            .with(lead.progress.reason.as_deref())
            .with(i16::from(lead.progress.reached.0))
            .with(lead.priority.code())
            .with(lead.received_at)
            .with(payload.webhook.uuid())
            .with(payload.format.code())
            .with(payload.body.as_slice())
            .with(to_json(&payload.headers)?)
            .with(payload.fingerprint.as_bytes().as_slice())
            .with(payload.received_at)
            .with(event.body.kind())
            .with(changes.origin.actor.as_str())
            .with(changes.origin.request.as_deref())
            .with(changes.origin.causation.as_deref())
            .with(event.body.facts().map_err(no_json)?)
            .with(event.body.personal().map_err(no_json)?)
            .with(variants.iter().map(|sums| sums.variant).collect::<Vec<_>>())
            .with(variants.iter().map(|sums| i16::from(sums.delta.cube.code())).collect::<Vec<_>>())
            .with(variants.iter().map(|sums| sums.delta.day).collect::<Vec<_>>())
            .with(variants.iter().map(|sums| sums.delta.dims[0].as_str()).collect::<Vec<_>>())
            .with(variants.iter().map(|sums| sums.delta.dims[1].as_str()).collect::<Vec<_>>())
            .with(variants.iter().map(|sums| sums.delta.dims[2].as_str()).collect::<Vec<_>>())
            .with(of(&|sums| sums.n[0]))
            .with(of(&|sums| sums.n[1]))
            .with(of(&|sums| sums.n[2]))
            .with(variants.iter().map(|sums| sums.delta.at).collect::<Vec<_>>());
        if !self.has_gates() {
            return Ok(args);
        }
        Ok(args
            .with(
                claims
                    .iter()
                    .map(|claim| claim.webhook.map_or(Uuid::nil(), WebhookId::uuid))
                    .collect::<Vec<_>>(),
            )
            .with(claims.iter().map(|claim| i16::from(claim.kind.code())).collect::<Vec<_>>())
            .with(claims.iter().map(|claim| claim.value.as_str()).collect::<Vec<_>>())
            .with(claims.iter().map(|claim| claim.fingerprint.as_bytes().as_slice()).collect::<Vec<_>>())
            .with(claims.iter().map(|claim| claim.holder).collect::<Vec<_>>())
            .with(claims.iter().map(|claim| claim.expires_at).collect::<Vec<_>>())
            .with(claims.iter().map(|claim| claim.yields).collect::<Vec<_>>())
            .with(counters.iter().map(|add| add.key.as_str()).collect::<Vec<_>>())
            .with(counters.iter().map(|add| add.window).collect::<Vec<_>>())
            .with(counters.iter().map(|add| add.n).collect::<Vec<_>>())
            .with(counters.iter().map(|add| add.at_most).collect::<Vec<_>>()))
    }

    /// Whether it must win a name or a place below a limit.
    fn has_gates(&self) -> bool {
        !self.changes.claims.is_empty() || !self.changes.counters.is_empty()
    }

    /// What is added to the cubes, for each of what the statement may find out: the contact is new, the lead repeats another.
    fn sums(&self) -> Vec<Sums<'c>> {
        let mut all = Vec::with_capacity(VARIANTS.len() * self.changes.rollups.len());
        for (variant, (is_new, repeats)) in (0..).zip(VARIANTS) {
            for delta in &self.changes.rollups {
                let n = delta.resolve(is_new && delta.lead.is_some(), repeats && delta.lead.is_some());
                all.push(Sums { variant, delta, n: [n[0], n[1], n[2]] });
            }
        }
        all
    }

    /// What the statement found; `None` if another commit was faster, and nothing was written.
    fn answer(&self, row: &PgRow) -> Result<Option<Result<Receipt, CommitError>>, sqlx::Error> {
        let Self { changes, merge, lead, .. } = self;
        let lost = |gate| Some(Err(CommitError::GateLost(gate)));
        let conflict = |what: String| Some(Err(CommitError::Conflict { what }));
        let repeats =
            || Ok::<_, sqlx::Error>(row.try_get::<Option<Uuid>, _>("duplicate_of")?.map(LeadId::from_uuid));
        Ok(match row.try_get::<i32, _>("verdict")? {
            0 => {
                let number =
                    u64::try_from(row.try_get::<i64, _>("number")?).ok().and_then(ContactNumber::from_stored);
                let contact = MergedContact {
                    candidate: merge.candidate,
                    id: ContactId::from_uuid(row.try_get("contact_id")?),
                    number: number.ok_or_else(|| sqlx::Error::Decode("no contact number".into()))?,
                    version: Version(count(row.try_get("version")?)),
                    created: row.try_get("is_new")?,
                };
                let mut decided = Decisions::default();
                decided.merged(lead.id, contact);
                decided.wrote(StreamRef::Lead(lead.id), lead.version);
                if !changes.windows.is_empty() {
                    decided.repeated(lead.id, repeats()?);
                }
                Some(Ok(decided.receipt(Position(count(row.try_get("position")?)))))
            }
            1 => None,
            2 => lost(GateLost::Config { current: Some(ConfigVersion(count(row.try_get("config")?))) }),
            3 => {
                let kind = claim_kind(row.try_get("kind")?);
                lost(GateLost::Claim {
                    claimant: lead.id.uuid(),
                    kind: kind.ok_or_else(|| sqlx::Error::Decode("no kind of claim".into()))?,
                    holder: row.try_get("holder_id")?,
                    same_body: row.try_get("same_body")?,
                })
            }
            4 => lost(GateLost::Counter { key: row.try_get("full_counter")? }),
            5 => {
                let known: Option<Uuid> = row.try_get("contact_id")?;
                conflict(format!("contact `{}`", known.map_or(merge.candidate, ContactId::from_uuid)))
            }
            6 => match repeats()? {
                Some(of) => lost(GateLost::Repeat { lead: lead.id, of }),
                None => return Err(sqlx::Error::Decode("a repeat of nothing".into())),
            },
            _ => conflict(format!("lead `{}`", lead.id)),
        })
    }
}

/// What one row of a cube gets in one case.
struct Sums<'c> {
    variant: i32,
    delta: &'c convio_core::analytics::RollupDelta,
    n: [i64; ROLLUP_SLOTS],
}

/// Whether a lead has nothing that only later changes give it: the statement writes no such columns.
fn is_just_received(lead: &Lead) -> bool {
    lead.version == Version::ZERO.next()
        && lead.progress.open_appointments == 0
        && lead.progress.conversion.is_none()
        && lead.owner.is_none()
        && lead.follow_up_at.is_none()
        && lead.attempts == Attempts::default()
        && lead.duplicate_of.is_none()
        && !lead.opened_contact
        && lead.deleted_at.is_none()
}

fn are_distinct<T: PartialEq>(items: impl Iterator<Item = T>) -> bool {
    let items: Vec<T> = items.collect();
    items.iter().enumerate().all(|(n, item)| !items[..n].contains(item))
}

fn count(n: i64) -> u64 {
    u64::try_from(n).unwrap_or_default()
}

/// The statement, with its gates or without.
fn text(has_gates: bool) -> String {
    let mut text = String::with_capacity(INGEST.len());
    let mut is_in_gates = false;
    for line in INGEST.lines() {
        match line.trim_start() {
            "--{" => is_in_gates = true,
            "--}" => is_in_gates = false,
            _ if is_in_gates && !has_gates => {}
            _ => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    text.replace("{merge}", merge())
}

/// The merge rule: per field the greater stamp wins, and brings its columns.
fn merge() -> &'static str {
    static MERGE: OnceLock<String> = OnceLock::new();
    MERGE.get_or_init(|| {
        let mut set = String::new();
        let mut stamps = Vec::new();
        for (n, field) in FIELDS.into_iter().enumerate() {
            let stamp = |of: &str| format!("substr({of}.stamps, {}, 25)", n * 25 + 1);
            let (old, new) = (stamp("c"), stamp("excluded"));
            let columns: &[&str] = match field {
                Field::Phone => &["phone", "phone_validity", "phone_ext"],
                other => &[other.name()],
            };
            for column in columns {
                set += &format!(
                    "        {column} = CASE WHEN {new} > {old} THEN excluded.{column} ELSE c.{column} END,\n"
                );
            }
            stamps.push(format!("GREATEST({old}, {new})"));
        }
        set + &format!("        stamps = {},", stamps.join(" || "))
    })
}

const INGEST: &str = include_str!("ingest.sql");
/// The cases of `variant`: bit 0, the contact is new; bit 1, the lead repeats another one.
const VARIANTS: [(bool, bool); 4] = [(false, false), (true, false), (false, true), (true, true)];
/// Measures that a lead adds to sit in the first slots.
const ROLLUP_SLOTS: usize = 3;
