use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::LeadId;
use crate::lead::{Custom, Lead};
use crate::money::Money;
use crate::phone::AreaCode;
use crate::postal::PostalCode;
use crate::text::{Campaign, LeadType, Product, Source, State};

/// What routing goes by.
///
/// ```
/// use convio_core::Product;
/// use convio_core::routing::RoutingRequest;
/// let request = RoutingRequest { product: Some(Product::new("Solar")?), ..Default::default() };
/// assert!(request.postal_code.is_none());
/// # Ok::<(), convio_core::text::NameError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
// What every decision looks at comes first and lies together.
#[repr(C)]
pub struct RoutingRequest {
    /// The product asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<Product>,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<PostalCode>,
    /// In which state or province.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// Where the lead came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// Its campaign.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaign: Option<Campaign>,
    /// Its type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead_type: Option<LeadType>,
    /// The area code of its person's phone number. The number itself is not routed by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub area_code: Option<AreaCode>,
    /// Its custom fields.
    pub custom: Custom,
    /// What it is expected to be worth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Money>,
    /// When it is decided.
    pub at: DateTime<Utc>,
    /// When the appointment starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<DateTime<Utc>>,
    /// The lead, by whose id a percentage of leads is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead: Option<LeadId>,
    /// Who is responsible for the lead, or was for its contact before: sticky rules give it to the target of this name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

impl RoutingRequest {
    /// What is known of a lead at a time. A lead keeps neither state nor phone number: the caller may know its contact's, and the postal
    /// code where it came without one, and who was responsible for the contact where the lead has no owner
    /// ([`Need::Owner`](crate::store::Need::Owner)).
    pub fn of(lead: &Lead, at: DateTime<Utc>) -> Self {
        Self {
            product: lead.interest.product.clone(),
            postal_code: lead.postal_code.clone(),
            state: None,
            source: Some(lead.interest.source.clone()),
            campaign: lead.interest.campaign.clone(),
            lead_type: Some(lead.interest.lead_type.clone()),
            area_code: None,
            custom: lead.custom.clone(),
            value: None,
            at,
            starts_at: None,
            lead: Some(lead.id),
            owner: lead.owner.clone(),
        }
    }
}
