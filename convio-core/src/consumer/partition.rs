use uuid::Uuid;

use crate::event::Event;

/// The shard, of so many, that handles an event: that of its contact, or else of its lead, or else of what it is about. The same in every
/// process and version.
///
/// What happens to one aggregate is handled in order as long as all its events name the same contact, or none: those of leads, appointments,
/// conversions and contacts do, until contacts are merged or taken apart. From then on what has moved is handled by the shard of the other
/// contact, which may be further or less far: the versions in the events tell the order. A rejection has no contact before it is released.
pub fn shard_of(event: &Event, shards: u16) -> u16 {
    let contact = event.contact_id().map(|id| id.uuid());
    let lead = || event.lead_id().map(|id| id.uuid());
    let subject = || event.subject().map(|subject| subject.uuid());
    let about = contact.or_else(lead).or_else(subject).unwrap_or(event.workspace.uuid());
    u16::try_from(hash(about) % u64::from(shards.max(1))).unwrap_or(0)
}

/// FNV-1a: ids differ in a few bits only, and all of them shall count.
fn hash(id: Uuid) -> u64 {
    id.as_bytes().iter().fold(FNV_OFFSET, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(FNV_PRIME))
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;
