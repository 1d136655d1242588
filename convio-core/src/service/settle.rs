//! What comes after a sale: a lead that comes back, and what others earn by it.

use chrono::{DateTime, Utc};

use super::WorkspaceHandle;
use crate::api_key::Permission;
use crate::change_set::RowRef;
use crate::conversion::{Conversion, NewCommission, NewReturn};
use crate::error::Error;
use crate::id::{CommissionId, ConversionId};
use crate::money::Money;
use crate::use_case::{ChangeCommission, CommissionChange, ReturnLead};

impl WorkspaceHandle<'_> {
    /// Records that a lead which was sold came back. The buyer gets the money ([`NewReturn::credit`]): the sale is worth nothing
    /// since, which takes it from those who earned it as it was shared; or another lead ([`NewReturn::replacement`]), now or
    /// later. Commissions end, unless they are kept. If its appointment has taken place, caps that do not count returned leads
    /// ([`Cap::free_returned`](crate::routing::Cap::free_returned)) have room again. The sale still counts as one. Said again it
    /// changes nothing.
    ///
    /// That a lead is given for one other only is not looked at.
    ///
    /// A lead that nobody bought can't come back: it is rejected ([`WorkspaceHandle::move_lead`]).
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { pollster::block_on(async {
    /// use convio_core::conversion::{NewCommission, NewReturn};
    /// use convio_core::{Convio, NewConversion, NewWorkspace, RawLead};
    /// use convio_store_memory::MemoryStore;
    ///
    /// let convio = Convio::new(MemoryStore::new());
    /// let acme = convio.create_workspace(NewWorkspace::named("Acme Leads").currency("USD")).await?;
    /// let lead = acme.ingest(RawLead::json(r#"{"phone":"+12125550123"}"#)).await?.into_accepted()?.lead;
    /// let sold = acme.convert(NewConversion::sale(lead, "45.00 USD".parse()?)).await?;
    /// acme.owe_commission(sold.id, NewCommission::to("partner 7", "9.00 USD".parse()?)).await?;
    ///
    /// let back = acme.return_lead(sold.id, NewReturn::credit("bad_number")).await?;
    /// assert_eq!((back.value, back.net), ("45 USD".parse()?, "0 USD".parse()?));
    /// assert_eq!(back.commissions[0].state().code(), "cancelled"); // it was not paid yet
    /// # Ok(()) }) }
    /// ```
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) for the conversion and the lead that is given instead; [`Invalid`](crate::ErrorKind::Invalid)
    /// names what is wrong: a reason that is none of the workspace's, a time out of its window, a lead that can't be given;
    /// [`Conflict`](crate::ErrorKind::Conflict) for a conversion that is voided, whose lead came back otherwise, or that is not as the
    /// caller saw it.
    pub async fn return_lead(
        &self,
        conversion: impl Into<RowRef<ConversionId>>,
        new: NewReturn,
    ) -> Result<Conversion, Error> {
        let conversion = conversion.into();
        let permit = self.permit(Permission::Convert).await?;
        let found = self.store(permit).fetch_conversions(self.id(), &[conversion.id]).await?;
        // It never changes.
        let appointment = found.into_iter().flatten().next().and_then(|row| row.appointment);
        self.run(&ReturnLead { workspace: self.id(), conversion, appointment, new }).await
    }

    /// Records that somebody earns a commission by a conversion. The same call under the same external id gives the same one.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound); [`Invalid`](crate::ErrorKind::Invalid) names every wrong field;
    /// [`Conflict`](crate::ErrorKind::Conflict) for a voided conversion, one that is not as the caller saw it, and an external id
    /// that is another commission's.
    pub async fn owe_commission(
        &self,
        conversion: impl Into<RowRef<ConversionId>>,
        new: NewCommission,
    ) -> Result<Conversion, Error> {
        self.commission(conversion.into(), CommissionChange::Owe(new)).await
    }

    /// Records that a commission was paid, at a time or now. Told again under the same reference it is one payment.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) for the conversion and the commission; [`Conflict`](crate::ErrorKind::Conflict) for one
    /// that was cancelled or paid otherwise, and where the conversion is not as the caller saw it.
    pub async fn pay_commission(
        &self,
        conversion: impl Into<RowRef<ConversionId>>,
        commission: CommissionId,
        at: Option<DateTime<Utc>>,
        reference: Option<String>,
    ) -> Result<Conversion, Error> {
        self.commission(conversion.into(), CommissionChange::Pay { id: commission, at, reference }).await
    }

    /// Cancels a commission that is due. One that was paid is clawed back instead.
    ///
    /// # Errors
    /// Those of [`WorkspaceHandle::pay_commission`]; [`Conflict`](crate::ErrorKind::Conflict) for one that was paid.
    pub async fn cancel_commission(
        &self,
        conversion: impl Into<RowRef<ConversionId>>,
        commission: CommissionId,
        reason: impl Into<String>,
    ) -> Result<Conversion, Error> {
        let change = CommissionChange::Cancel { id: commission, reason: reason.into() };
        self.commission(conversion.into(), change).await
    }

    /// Claws back a part of a commission that was paid, or all that is left of it. The payment stays as it was.
    ///
    /// # Errors
    /// Those of [`WorkspaceHandle::pay_commission`]; [`Invalid`](crate::ErrorKind::Invalid) for an amount that is not above zero, of another
    /// currency, or more than is left.
    pub async fn claw_back(
        &self,
        conversion: impl Into<RowRef<ConversionId>>,
        commission: CommissionId,
        amount: Option<Money>,
        reason: impl Into<String>,
    ) -> Result<Conversion, Error> {
        let change = CommissionChange::ClawBack { id: commission, amount, reason: reason.into() };
        self.commission(conversion.into(), change).await
    }

    async fn commission(
        &self,
        conversion: RowRef<ConversionId>,
        change: CommissionChange,
    ) -> Result<Conversion, Error> {
        self.run(&ChangeCommission { workspace: self.id(), conversion, change }).await
    }
}
