use std::sync::Arc;

use convio_core::analytics::{RollupDelta, When};
use convio_core::change_set::{
    ConfigVersion, ContactWrite, CounterAdd, GateLost, MergedContact, MovedKey, MovedWindow, Receipt, Repeat,
    Write,
};
use convio_core::routing::Decision;
use convio_core::{
    AppointmentId, ChangeSet, CommitError, ContactId, Cube, LeadId, Measure, Position, Version,
};

use super::tenant::{Compared, Counted, Tenant};
use super::{Model, mangle};
use crate::broken::Bug;

/// What is known of a change set while it is applied.
#[derive(Default)]
pub(super) struct Known {
    /// Per merge, its lead and what became of it.
    pub(super) merges: Vec<(LeadId, MergedContact)>,
    pub(super) repeats: Vec<Repeat>,
    pub(super) routes: Vec<(AppointmentId, Decision)>,
}

impl Known {
    pub(super) fn route_of(&self, appointment: AppointmentId) -> Option<&Decision> {
        self.routes.iter().find(|(id, _)| *id == appointment).map(|(_, decision)| decision)
    }

    pub(super) fn merge_of(&self, candidate: ContactId) -> Option<MergedContact> {
        self.merges.iter().map(|(_, merged)| *merged).find(|merged| merged.candidate == candidate)
    }

    pub(super) fn contact(&self, id: ContactId) -> ContactId {
        self.merge_of(id).map_or(id, |merged| merged.id)
    }

    pub(super) fn repeat_of(&self, lead: LeadId) -> Option<LeadId> {
        self.repeats.iter().find(|repeat| repeat.lead == lead).and_then(|repeat| repeat.of)
    }
}

impl Model {
    /// Works on a copy of the workspace, and puts it in place if nothing failed.
    pub(super) fn apply(
        &self,
        world: &mut Vec<Arc<Tenant>>,
        changes: ChangeSet,
    ) -> Result<Receipt, CommitError> {
        if !self.makes(Bug::ChecksNoRules) {
            changes.check().map_err(CommitError::Misuse)?;
        }
        let id = changes.workspace;
        let creates = changes.workspaces.iter().any(|write| matches!(write, Write::Insert(_)));
        let place = world.iter().position(|tenant| tenant.id == id);
        let mut tenant = match place {
            Some(_) if creates && self.makes(Bug::CreatesOverAWorkspace) => Tenant::new(id),
            Some(_) if creates => return Err(conflict("workspace", id)),
            Some(place) => Tenant::clone(&world[place]),
            None if creates || self.makes(Bug::MakesUnknownWorkspaces) => Tenant::new(id),
            None => return Err(CommitError::GateLost(GateLost::Config { current: None })),
        };
        let person = mangle::person(&changes);
        let mut result = self.apply_to(&mut tenant, changes);
        if let (Err(CommitError::Conflict { what }), true) = (&mut result, self.makes(Bug::NamesThePerson)) {
            what.push_str(&person);
        }
        if result.is_err() && !self.makes(Bug::KeepsHalfOfWhatFails) {
            if let Some(place) = place {
                let kept = Arc::make_mut(&mut world[place]);
                if self.makes(Bug::KeepsClaimsOfWhatFails) {
                    kept.claims = tenant.claims;
                }
                if self.makes(Bug::WastesNumbers) {
                    kept.wasted += (tenant.contacts.len() - kept.contacts.len()) as u64;
                }
            }
            return result;
        }
        match place {
            Some(place) => world[place] = Arc::new(tenant),
            None => world.push(Arc::new(tenant)),
        }
        result
    }

    fn apply_to(&self, tenant: &mut Tenant, changes: ChangeSet) -> Result<Receipt, CommitError> {
        let only_records = changes.workspaces.is_empty() && changes.webhooks.is_empty();
        let raises = changes.changes_config()
            && !self.makes(Bug::ForgetsTheConfigVersion)
            && !(only_records && self.makes(Bug::ForgetsTheConfigOfRecords));
        let ChangeSet {
            workspace: _,
            at,
            origin,
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
        let unseen: Vec<CounterAdd> = match self.makes(Bug::RoutesBeforeItFrees) {
            true => counters.iter().filter(|add| add.n < 0).cloned().collect(),
            false => Vec::new(),
        };
        let current = tenant.config;
        if config.is_some_and(|expected| expected != current) && !self.makes(Bug::IgnoresTheConfigGate) {
            return Err(CommitError::GateLost(GateLost::Config { current: Some(current) }));
        }
        if self.makes(Bug::CountsBeforeItClaims) {
            counters.iter().try_for_each(|add| self.count(tenant, add.clone()))?;
        }
        claims.into_iter().try_for_each(|claim| self.claim(tenant, claim, at))?;
        if !self.makes(Bug::CountsBeforeItClaims) {
            counters.into_iter().try_for_each(|add| self.count(tenant, add))?;
        }
        for back in given_back {
            self.give_back(tenant, &back);
        }
        bookings.iter().try_for_each(|booking| self.book(tenant, booking, at))?;
        let mut known = Known::default();
        for route in &routes {
            let decision = self.route(tenant, route, &unseen, at)?;
            if let Some(booking) =
                route.booking(&decision).filter(|_| !self.makes(Bug::TakesNothingForRoutes))
            {
                self.book(tenant, &booking, at)?;
            }
            known.routes.push((route.appointment(), decision));
        }
        for write in workspaces {
            self.put(&mut tenant.workspaces, write, |row| row.id.uuid(), |row| row.version, "workspace")?;
        }
        for write in webhooks {
            let row = write.row();
            let taken = tenant.webhooks.iter().any(|other| other.name == row.name && other.id != row.id);
            if taken && !self.makes(Bug::AllowsOneNameTwice) {
                return Err(conflict("webhook", &row.name));
            }
            self.put(&mut tenant.webhooks, write, |row| row.id.uuid(), |row| row.version, "webhook")?;
        }
        if raises || self.makes(Bug::RaisesTheConfigVersionAlways) {
            tenant.config = ConfigVersion(tenant.config.0 + 1);
        }
        let made = tenant.contacts.len() as u64;
        for write in contacts {
            match write {
                ContactWrite::Merge(merge) => {
                    let lead = merge.touch.lead;
                    let merged = self.merge(tenant, *merge, at, made)?;
                    known.merges.push((lead, merged));
                }
                ContactWrite::Update { row, at } => {
                    let found = tenant.contacts.iter().position(|other| other.id == row.id);
                    let ignores =
                        self.makes(Bug::IgnoresVersionsOfContacts) || self.makes(Bug::IgnoresVersions);
                    match found {
                        Some(place) if tenant.contacts[place].version == at || ignores => {
                            tenant.contacts[place] = *row;
                        }
                        _ => return Err(conflict("contact", row.id)),
                    }
                }
            }
        }
        for (key, contact) in keys {
            let contact = known.contact(contact);
            match tenant.keys.iter_mut().find(|(other, _)| *other == key) {
                None => tenant.keys.push((key, contact)),
                Some((_, holder)) if *holder == contact => {}
                Some((_, holder)) if self.makes(Bug::GivesVisitorsAway) => *holder = contact,
                Some(_) => return Err(conflict("key", "of another contact")),
            }
        }
        for MovedKey { key, from, to } in moved_keys {
            match tenant.keys.iter_mut().find(|(other, holder)| *other == key && *holder == from) {
                Some(_) if self.makes(Bug::LeavesKeysBehind) => {}
                Some((_, holder)) => *holder = to,
                None => return Err(conflict("key", "of another contact")),
            }
        }
        for MovedWindow { contact, key, last: (at, lead), keeps_later } in moved_windows {
            if self.makes(Bug::LeavesWindowsBehind) {
                continue;
            }
            if !keeps_later {
                tenant.windows.retain(|known| (known.contact, known.key) != (contact, key));
            }
            tenant.windows.push(Compared { contact, key, at, lead });
        }
        for window in windows {
            let repeat = self.compare(tenant, window, &known)?;
            known.repeats.push(repeat);
        }
        for mut write in leads {
            if let Write::Insert(row) = &mut write {
                if let Some(merged) = known.merge_of(row.contact) {
                    row.opened_contact = merged.created;
                    row.contact =
                        if self.makes(Bug::LinksToTheCandidate) { merged.candidate } else { merged.id };
                }
                row.duplicate_of = row.duplicate_of.or_else(|| known.repeat_of(row.id));
                mangle::lead(self.bug, row);
            }
            // What it said is said of whoever it belongs to.
            let (lead, contact) = (write.row().id, write.row().contact);
            tenant
                .offers
                .iter_mut()
                .filter(|offered| offered.touch.lead == lead)
                .for_each(|it| it.contact = contact);
            self.put(&mut tenant.leads, write, |row| row.id.uuid(), |row| row.version, "lead")?;
        }
        for mut row in payloads {
            let place = tenant.payloads.iter().position(|other| other.id == row.id);
            mangle::payload(self.bug, &mut row);
            match place {
                None => tenant.payloads.push(row),
                Some(place) if self.makes(Bug::ReplacesPayloads) => tenant.payloads[place] = row,
                Some(_) => return Err(conflict("payload", row.id)),
            }
        }
        for row in touches {
            if tenant.touches.iter().any(|other| other.touch.id() == row.touch.id()) {
                return Err(conflict("touchpoint", row.touch.id()));
            }
            tenant.touches.push(row);
        }
        for write in rejections {
            self.put(&mut tenant.rejections, write, |row| row.id.uuid(), |row| row.version, "rejection")?;
        }
        for mut write in appointments {
            if let Write::Insert(row) = &mut write
                && !self.makes(Bug::VisitsTheCandidate)
            {
                row.contact = known.contact(row.contact);
            }
            if let Write::Insert(row) | Write::Update { row, .. } = &mut write
                && let Some(decision) = known.route_of(row.id)
                && !self.makes(Bug::KeepsNoRoute)
            {
                row.routing = decision.clone();
                row.staff = row.staff.take().or_else(|| decision.keeper());
            }
            self.put(&mut tenant.appointments, write, |row| row.id.uuid(), |row| row.version, "appointment")?;
        }
        for write in conversions {
            self.put(&mut tenant.conversions, write, |row| row.id.uuid(), |row| row.version, "conversion")?;
        }
        for write in deliveries {
            self.put(&mut tenant.deliveries, write, |row| row.id.uuid(), |row| row.version, "delivery")?;
        }
        for write in records {
            let name = |row: &convio_core::record::Record| (row.kind.clone(), row.key.clone());
            self.put(&mut tenant.records, write, name, |row| row.version, "record")?;
        }
        for new in events {
            self.append(tenant, &known, at, &origin, new);
        }
        rollups.into_iter().try_for_each(|delta| self.add(tenant, &known, delta))?;
        let position = tenant.events.last().map_or(Position(0), |event| event.position);
        let contacts = known.merges.into_iter().map(|(_, merged)| {
            let id = if self.makes(Bug::TellsTheCandidate) { merged.candidate } else { merged.id };
            MergedContact { id, ..merged }
        });
        let routes = if self.makes(Bug::TellsNoRoute) { Vec::new() } else { known.routes };
        Ok(Receipt { contacts: contacts.collect(), repeats: known.repeats, routes, position })
    }

    /// Writes a row, if what is there allows it.
    fn put<T, K: PartialEq>(
        &self,
        rows: &mut Vec<T>,
        write: Write<T>,
        key: impl Fn(&T) -> K,
        version: impl Fn(&T) -> Version,
        kind: &str,
    ) -> Result<(), CommitError> {
        let place = rows.iter().position(|row| key(row) == key(write.row()));
        match (write, place) {
            (Write::Insert(row), None) => rows.push(row),
            (Write::Insert(row), Some(place)) if self.makes(Bug::ReplacesOnInsert) => rows[place] = row,
            (Write::Update { row, .. }, None) if self.makes(Bug::UpdatesWhatIsNotThere) => rows.push(row),
            (Write::Update { row, at }, Some(place))
                if version(&rows[place]) == at || self.makes(Bug::IgnoresVersions) =>
            {
                rows[place] = row;
            }
            _ => return Err(conflict(kind, "of this id")),
        }
        Ok(())
    }

    fn add(&self, tenant: &mut Tenant, known: &Known, delta: RollupDelta) -> Result<(), CommitError> {
        let RollupDelta { cube, day, mut dims, add, at, lead, appointment } = delta;
        if let Some(decision) = appointment.and_then(|id| known.route_of(id))
            && !self.makes(Bug::CountsRoutesForNobody)
        {
            dims[0] = decision.target.as_ref().map(ToString::to_string).unwrap_or_default();
        }
        let merged = known.merges.iter().find(|(of, _)| Some(*of) == lead);
        let created =
            merged.is_some_and(|(_, merged)| merged.created) || self.makes(Bug::CountsEveryContactAsNew);
        let repeats = lead.is_some_and(|lead| known.repeat_of(lead).is_some());
        let mut n = [0; Measure::SLOTS];
        for (measure, by, when) in add {
            let counts = match when {
                When::Always => true,
                When::ContactCreated => created,
                When::Repeat => repeats,
            };
            let counts = counts && !(by < 0 && self.makes(Bug::NeverSubtracts));
            if counts && !(measure == Measure::Converted && self.makes(Bug::ForgetsARollup)) {
                n[measure.slot()] += by;
            }
        }
        let mut day = day;
        if cube == Cube::Totals && self.makes(Bug::SumsTotalsByDay) {
            day = at.map_or(day, |at| at.date_naive());
        }
        if cube == Cube::Conversions && self.makes(Bug::SumsCurrencies) {
            dims[2].clear();
        }
        let mut sums = n;
        for one in tenant.counts.iter().filter(|one| one.cube == cube && one.day == day && one.dims == dims) {
            for (sum, by) in sums.iter_mut().zip(one.n) {
                let more = sum.checked_add(by);
                *sum = more.ok_or_else(|| CommitError::Misuse("a sum no longer fits".to_owned()))?;
            }
        }
        tenant.counts.push(Counted { cube, day, dims, n, at });
        Ok(())
    }
}

pub(super) fn conflict(kind: &str, name: impl std::fmt::Display) -> CommitError {
    CommitError::Conflict { what: format!("{kind} {name}") }
}
