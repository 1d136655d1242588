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

/// FNV-1a, and the last step of MurmurHash3 (Appleby). Ids that are numbered one after the other differ in a few of their last bits: by
/// the first alone the last bit, which decides between two shards, says no more than how many bytes are odd.
fn hash(id: Uuid) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(FNV_PRIME);
    let hash = id.as_bytes().iter().fold(FNV_OFFSET, step);
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_are_numbered_are_spread_over_all_shards() {
        for (step, shards) in (1..=8).flat_map(|step| [2_u64, 3, 4, 8, 64].map(|shards| (step, shards))) {
            let mut events = vec![0_u32; shards as usize];
            for n in 0..shards as u128 * 100 {
                let id = Uuid::from_u128(0x01a4_019b_0180_7001_8000_0000_0000_0000 + n * step);
                events[(hash(id) % shards) as usize] += 1;
            }
            assert!(events.iter().all(|of| (50..150).contains(of)), "{step}, {shards}: {events:?}");
        }
    }
}
