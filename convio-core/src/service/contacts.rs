//! Contacts that turn out to be one person, and the undoing of that.

use std::collections::BTreeMap;

use super::drive::Permit;
use super::{TRIES_MAX, WorkspaceHandle};
use crate::api_key::Permission;
use crate::appointment::AppointmentFilter;
use crate::attribution::KeptCredits;
use crate::change_set::RowRef;
use crate::contact::{Contact, ContactKey, ContactRef, MERGE_ROWS_MAX, Merge, Offer, Stamp};
use crate::conversion::{Conversion, ConversionFilter};
use crate::error::{Error, ErrorKind, Reason};
use crate::event::{EventBody, StreamRef};
use crate::id::{ContactId, ConversionId, LeadId};
use crate::lead::LeadFilter;
use crate::page::{PAGE_ITEMS_MAX, Page, PageRequest};
use crate::record::{MERGE_KIND, fetch_record};
use crate::store::StoreError;
use crate::use_case::{Belongings, MergeContacts, Reattribute, UnmergeContact};

impl WorkspaceHandle<'_> {
    /// Merges a contact into another one, since both are one person. All leads, appointments and conversions of the first are the
    /// other's from then on, in one commit, each with an event of its own; so are its keys, and its id leads to the other one for
    /// ever, also where that is merged again. What is known of the person is what it would be if all leads had come in for one: per field
    /// the source that is trusted most, then the latest, wins. Who earned the sales of both is then worked out anew
    /// ([`WorkspaceHandle::reattribute`]), sale by sale: called again, an interrupted merge does what was left of that.
    ///
    /// A merge can be undone, as long as the contact does not grow beyond [`MERGE_ROWS_MAX`]: [`WorkspaceHandle::unmerge_contact`].
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { pollster::block_on(async {
    /// use convio_core::contact::ContactRef;
    /// use convio_core::{Convio, NewWorkspace, RawLead};
    /// use convio_store_memory::MemoryStore;
    ///
    /// let convio = Convio::new(MemoryStore::new());
    /// let acme = convio.create_workspace(NewWorkspace::named("Acme Solar")).await?;
    /// let home = acme.ingest(RawLead::json(r#"{"phone":"+12125550123","name":"Ann Poe"}"#)).await?.into_accepted()?;
    /// let work = acme.ingest(RawLead::json(r#"{"phone":"+12125550199","city":"Perth"}"#)).await?.into_accepted()?;
    ///
    /// let ann = acme.merge_contacts(work.contact, home.contact).await?;
    /// assert_eq!((ann.id, ann.leads, ann.person.city.as_deref()), (home.contact, 2, Some("Perth")));
    /// assert_eq!(acme.contact(ContactRef::Id(work.contact)).await?, Some(ann));
    ///
    /// let back = acme.unmerge_contact(work.contact).await?;
    /// assert_eq!((back.id, back.leads), (work.contact, 1));
    /// # Ok(()) }) }
    /// ```
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound); [`Invalid`](crate::ErrorKind::Invalid) for a contact into itself, for two with more than
    /// [`MERGE_ROWS_MAX`] leads together, one with more appointments, conversions or keys, and where the value of all sales no longer fits;
    /// [`Conflict`](crate::ErrorKind::Conflict) where one of both was merged already, and for one that is not as the caller saw it.
    pub async fn merge_contacts(
        &self,
        from: impl Into<RowRef<ContactId>>,
        into: impl Into<RowRef<ContactId>>,
    ) -> Result<Contact, Error> {
        let (from, into) = (from.into(), into.into());
        if from.id == into.id {
            let message = "a contact is not merged into itself";
            return Err(Error::invalid(vec![Reason::new("into", "same", message)]));
        }
        let mut last = None;
        for _ in 0..TRIES_MAX {
            let permit = self.permit(Permission::Update).await?;
            let [gone, stays] = self.two(permit, [from.id, into.id]).await?;
            if gone.merged_into.is_some() && self.survivor(permit, gone.id).await? == Some(into.id) {
                self.reattribute_all(permit, into.id).await?;
                return Ok(stays); // told again
            }
            from.check("contact", gone.version)?;
            into.check("contact", stays.version)?;
            for (row, merged) in [(&gone, gone.merged_into), (&stays, stays.merged_into)] {
                if let Some(other) = merged {
                    return Err(Error::conflict(format!("contact `{}` was merged into `{other}`", row.id)));
                }
            }
            let together = u64::from(gone.leads) + u64::from(stays.leads);
            let keys = self.store(permit).contact_keys(self.id(), gone.id).await?;
            for (what, n) in [("leads", together), ("keys", keys.len() as u64)] {
                if n > MERGE_ROWS_MAX as u64 {
                    return Err(too_many(what));
                }
            }
            let merge = MergeContacts {
                workspace: self.id(),
                from: (gone.id, gone.version),
                into: (stays.id, stays.version),
                keys,
                belongings: self.belongings(permit, gone.id).await?,
            };
            match self.run_once(&merge).await {
                Ok(contact) => {
                    self.reattribute_all(permit, contact.id).await?;
                    return Ok(contact);
                }
                // Something happened to them while they were read.
                Err(error) if error.kind() == ErrorKind::Conflict => last = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(last.unwrap_or_else(|| Error::bug("no try was made")))
    }

    /// Takes a contact out of the one that it was merged into, whatever that was merged into since. Its keys lead to it again; its
    /// leads are its own again, with all that came of them meanwhile, and so are leads that came in since under one of its keys. Both
    /// are then what their leads and conversions say, to the field: as if they had never been one. What was recorded of the other contact
    /// itself (touches, visitors) stays with that one. Who earned the sales of both is worked out anew; called again, an interrupted call does
    /// what was left of that.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound); [`Conflict`](crate::ErrorKind::Conflict) for a contact that is not merged, or not as the caller
    /// saw it; [`Invalid`](crate::ErrorKind::Invalid) where the other one has more than [`MERGE_ROWS_MAX`] leads, appointments or
    /// conversions.
    pub async fn unmerge_contact(&self, contact: impl Into<RowRef<ContactId>>) -> Result<Contact, Error> {
        let contact = contact.into();
        let mut last = None;
        for _ in 0..TRIES_MAX {
            let permit = self.permit(Permission::Update).await?;
            let of = ContactRef::Id(contact.id);
            let found = self.store(permit).fetch_contacts(self.id(), &[of]).await?.pop().flatten();
            let row = found.ok_or_else(|| Error::not_found("contact", contact.id))?;
            let other = self.survivor(permit, row.id).await?;
            let (Some(_), Some(other)) = (row.merged_into, other) else {
                let Some(merge) = self.merge_of(permit, row.id).await? else {
                    return Err(Error::conflict(format!("contact `{}` is merged into no other", row.id)));
                };
                // Told again: what may be left of it is done.
                let other = self.survivor(permit, merge.into).await?.unwrap_or(merge.into);
                self.reattribute_all(permit, row.id).await?;
                self.reattribute_all(permit, other).await?;
                return Ok(row);
            };
            contact.check("contact", row.version)?;
            let unmerge = self.split(permit, &row, other).await?;
            match self.run_once(&unmerge).await {
                Ok(back) => {
                    self.reattribute_all(permit, back.id).await?;
                    self.reattribute_all(permit, other).await?;
                    return Ok(back);
                }
                Err(error) if error.kind() == ErrorKind::Conflict => last = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(last.unwrap_or_else(|| Error::bug("no try was made")))
    }

    /// Works out anew who earned a conversion, by all models of the settings and all that is known of its contact by now: touches that
    /// were told late, or of visitors and contacts who turned out to be the same person. Reports change by the difference, on the day on
    /// which this is done: what was believed before can still be asked for. Where nothing is otherwise, nothing is written. `None` where
    /// no models are set and nothing was kept.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { pollster::block_on(async {
    /// use convio_core::attribution::{NewTouch, TouchKind, TouchOf};
    /// use convio_core::text::Source;
    /// use convio_core::{Convio, NewConversion, NewWorkspace, RawLead};
    /// use convio_store_memory::MemoryStore;
    ///
    /// let convio = Convio::new(MemoryStore::new());
    /// let acme = convio.create_workspace(NewWorkspace::named("Acme Solar").currency("USD")).await?;
    /// let visitor = TouchOf::Visitor("a81f".to_owned());
    /// acme.track(NewTouch::new(visitor, TouchKind::Visit, Source::new("Google")?)).await?;
    /// let taken = acme.ingest(RawLead::json(r#"{"phone":"+12125550123","source":"Form"}"#)).await?.into_accepted()?;
    /// let sold = acme.convert(NewConversion::sale(taken.lead, "100.00 USD".parse()?)).await?;
    ///
    /// acme.identify(taken.contact, "a81f").await?; // later than the sale
    /// let kept = acme.reattribute(sold.id).await?.unwrap();
    /// let first: Vec<(&str, i64)> =
    ///     kept.credits("first_touch").unwrap().iter().map(|(touch, credit)| (touch.source.as_str(), credit.minor())).collect();
    /// assert_eq!(first, [("Google", 10_000), ("Form", 0)]);
    /// # Ok(()) }) }
    /// ```
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound); [`Conflict`](crate::ErrorKind::Conflict) for a voided conversion and one that is not as the
    /// caller saw it.
    pub async fn reattribute(
        &self,
        conversion: impl Into<RowRef<ConversionId>>,
    ) -> Result<Option<KeptCredits>, Error> {
        let conversion = conversion.into();
        let permit = self.permit(Permission::Update).await?;
        let found = self.store(permit).fetch_conversions(self.id(), &[conversion.id]).await?.pop().flatten();
        let found = found.ok_or_else(|| Error::not_found("conversion", conversion.id))?;
        self.run(&self.reattribution(&found, conversion)).await
    }

    fn reattribution(&self, sold: &Conversion, conversion: RowRef<ConversionId>) -> Reattribute {
        let (contact, appointment, occurred_at) = (sold.contact, sold.appointment, sold.occurred_at);
        Reattribute { workspace: self.id(), conversion, contact, appointment, occurred_at }
    }

    /// Of all conversions of a contact that stand.
    async fn reattribute_all(&self, permit: Permit, contact: ContactId) -> Result<(), Error> {
        let filter = ConversionFilter { standing: true, ..ConversionFilter::of_contact(contact) };
        let mut page = PageRequest::first(PAGE_ITEMS_MAX);
        loop {
            let found = self.store(permit).list_conversions(self.id(), &filter, &page).await?;
            for sold in &found.items {
                match self.run(&self.reattribution(sold, sold.id.into())).await {
                    Ok(_) => {}
                    Err(error) if error.kind() == ErrorKind::Conflict => {} // voided or moved meanwhile
                    Err(error) => return Err(error),
                }
            }
            match found.next {
                Some(next) => page.after = Some(next),
                None => return Ok(()),
            }
        }
    }

    /// The contact that a merged one became; `None` for one that is not merged.
    pub(super) async fn survivor(
        &self,
        permit: Permit,
        contact: ContactId,
    ) -> Result<Option<ContactId>, Error> {
        let key = ContactRef::Key(ContactKey::of_merged(contact));
        let found = self.store(permit).fetch_contacts(self.id(), &[key]).await?.pop().flatten();
        Ok(found.map(|row| row.id).filter(|id| *id != contact))
    }

    /// What was kept of the last merge of a contact.
    async fn merge_of(&self, permit: Permit, contact: ContactId) -> Result<Option<Merge>, Error> {
        let record = fetch_record(self.store(permit), self.id(), MERGE_KIND, &contact.to_string()).await?;
        Ok(record.map(|record| record.read()).transpose()?)
    }

    async fn two(&self, permit: Permit, ids: [ContactId; 2]) -> Result<[Contact; 2], Error> {
        let found = self.store(permit).fetch_contacts(self.id(), &ids.map(ContactRef::Id)).await?;
        let mut rows = Vec::new();
        for (id, row) in ids.into_iter().zip(found) {
            rows.push(row.ok_or_else(|| Error::not_found("contact", id))?);
        }
        rows.try_into().map_err(|_| Error::bug("two were asked for"))
    }

    async fn belongings(&self, permit: Permit, contact: ContactId) -> Result<Belongings, Error> {
        let store = self.store(permit);
        let of_leads = LeadFilter { with_deleted: true, ..LeadFilter::of_contact(contact) };
        let of_visits = AppointmentFilter::of_contact(contact);
        let of_sales = ConversionFilter::of_contact(contact);
        let id = self.id();
        Ok(Belongings {
            leads: all("leads", async |page| store.list_leads(id, &of_leads, page).await).await?,
            appointments: all("appointments", async |page| {
                store.list_appointments(id, &of_visits, page).await
            })
            .await?,
            conversions: all("conversions", async |page| store.list_conversions(id, &of_sales, page).await)
                .await?,
        })
    }

    /// Tells what comes back with a contact from what stays with the other.
    async fn split(
        &self,
        permit: Permit,
        contact: &Contact,
        other: ContactId,
    ) -> Result<UnmergeContact, Error> {
        let store = self.store(permit);
        let of = ContactRef::Id(other);
        let found = store.fetch_contacts(self.id(), &[of]).await?.pop().flatten();
        let other = found.ok_or_else(|| Error::not_found("contact", other))?;
        let merge = self.merge_of(permit, contact.id).await?;
        let merge = merge.ok_or_else(|| Error::not_found("merge", contact.id))?;
        // From one to the next, up to whoever has it now. None comes twice: a merged contact takes nobody.
        let (mut through, mut next) = (Vec::new(), contact.merged_into);
        while let Some(id) = next.filter(|id| *id != other.id) {
            through.push(self.merge_of(permit, id).await?.ok_or_else(|| Error::not_found("merge", id))?);
            let of = ContactRef::Id(id);
            let row = store.fetch_contacts(self.id(), &[of]).await?.pop().flatten();
            next = row.ok_or_else(|| Error::not_found("contact", id))?.merged_into;
        }
        let keys = store.contact_keys(self.id(), other.id).await?;
        let keys: Vec<_> = keys.into_iter().filter(|key| merge.keys.contains(key)).collect();
        let all = self.belongings(permit, other.id).await?;
        let mut offers = BTreeMap::new();
        let (mut back, mut stay) = (Belongings::default(), Belongings::default());
        for lead in all.leads {
            let page = PageRequest::first(1);
            let first = store.history(self.id(), StreamRef::Lead(lead.id), &page).await?.items.pop();
            let body = first.map(|event| event.body);
            let Some(EventBody::LeadReceived(received)) = body else {
                return Err(Error::bug(format!("the history of lead `{}` has no beginning", lead.id)));
            };
            let stamp = Stamp { rank: received.rank, at: received.received_at, lead: lead.id };
            let mut came_by_key = false;
            if let Some(personal) = received.personal {
                came_by_key = personal.key.is_some_and(|key| keys.contains(&key));
                offers.insert(lead.id, Offer { person: personal.person, stamp });
            }
            let goes = merge.leads.contains(&lead.id) || came_by_key;
            if goes { &mut back } else { &mut stay }.leads.push(lead);
        }
        let goes = |lead: LeadId| back.leads.iter().any(|row| row.id == lead);
        (back.appointments, stay.appointments) = all.appointments.into_iter().partition(|row| goes(row.lead));
        (back.conversions, stay.conversions) = all.conversions.into_iter().partition(|row| goes(row.lead));
        Ok(UnmergeContact {
            workspace: self.id(),
            contact: (contact.id, contact.version),
            out_of: (other.id, other.version),
            keys,
            back,
            stay,
            offers,
            through,
        })
    }
}

fn too_many(what: &str) -> Error {
    let message =
        format!("contacts with more than {MERGE_ROWS_MAX} {what} are neither merged nor taken apart");
    Error::invalid(vec![Reason::new(what, "too_many", message)])
}

/// All rows of a list, as many as may go in one commit.
async fn all<T>(
    what: &str,
    list: impl AsyncFn(&PageRequest) -> Result<Page<T>, StoreError>,
) -> Result<Vec<T>, Error> {
    let mut page = PageRequest::first(PAGE_ITEMS_MAX);
    let mut rows = Vec::new();
    loop {
        let found = list(&page).await?;
        rows.extend(found.items);
        if rows.len() > MERGE_ROWS_MAX {
            return Err(too_many(what));
        }
        match found.next {
            Some(next) => page.after = Some(next),
            None => return Ok(rows),
        }
    }
}
