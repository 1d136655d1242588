//! What one lead of an unknown person asks of the allocator, from its bytes to the change set and on to the store in memory;
//! and that its bytes are kept once. Counts do not drift: whoever adds to one says why beside it.
#![cfg(all(feature = "phone", feature = "service"))]

#[path = "support/allocator.rs"]
mod allocator;
#[path = "support/leads.rs"]
mod leads;

use std::sync::Arc;

use allocator::{Asked, Counting, asked};
use convio_core::change_set::Write;
use convio_core::lead::LeadRepository;
use convio_core::{EventBody, Phone};
use leads::{Desk, Size};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The phone number is left out: what reading it costs is another library's. A full lead asks 46 times:
///
/// - 2 to read: the fields, which borrow from the payload, and what is known among them;
/// - 2 for the texts that are hashed: the payload's canonical one, and what a repeat shares;
/// - 6 for what is known of the person (two names, e-mail, street, city, state), 1 in the check of the e-mail address;
/// - 5 for the names of an open set: source, campaign and product, of which `Solar` has another form as a key;
/// - 4 for `utm_source`, the key of the contact, and the word of the status in the lead and in its event;
/// - 7 for three custom fields: the map, three names, two texts, and that lead and event share them;
/// - 9 for what the event has of its own: itself, the six of the person, the key, `utm_source`;
/// - 10 for the change set: a vector each of contacts, windows, leads, payloads, events and rollups, the merge, and of the
///   rollup the webhook, the source and the sums.
///
/// A light one has neither e-mail, address, campaign nor UTM, and one custom field.
#[test]
fn a_plan_asks_for_what_it_keeps() {
    let desk = Desk::new();
    for (size, times_max, bytes_max) in [(Size::Full, 46, 6_800), (Size::Light, 31, 4_750)] {
        let plan = planning(&desk, size);
        assert!(plan.times <= times_max && plan.bytes <= bytes_max, "{size:?}: {plan:?}");
    }
}

/// Reading a number that is valid asks the numbering data once.
#[test]
fn a_phone_number_is_read_once() {
    let number = reading(&leads::phone(2));
    assert!(number.times <= 7, "{number:?}");
}

/// Rows move into the tables as they were planned: what is asked for is room in the tables, now and then, and what only the
/// store has.
#[test]
fn a_commit_clones_no_row() {
    let desk = Desk::new();
    let plans =
        |from: u64| (from..from + 1_000).map(|n| desk.plan(&Size::Full.raw(n)).changes).collect::<Vec<_>>();
    desk.commit(plans(0));
    let batch = plans(1_000);
    let ((), whole) = asked(|| desk.commit(batch));
    assert!(whole.times <= 12 * 1_000, "{whole:?}");
}

/// From the sender's buffer to the store: the same memory, whoever holds it, also when the lead is planned again.
#[test]
fn the_bytes_of_a_lead_are_copied_nowhere() {
    let desk = Desk::new();
    let body = Size::Full.body(1);
    let at = body.as_ptr();
    let raw = convio_core::RawLead::json(body).webhook("web");
    drop(desk.plan(&raw));
    let plan = desk.plan(&raw);
    assert_eq!(plan.changes.payloads[0].body.as_ptr(), at);
    let (workspace, intake) = (plan.changes.workspace, plan.intake);
    desk.commit(vec![plan.changes]);
    let kept = pollster::block_on(desk.store.fetch_payloads(workspace, &[intake])).unwrap();
    assert_eq!(kept[0].as_ref().unwrap().body.as_ptr(), at);
}

#[test]
fn a_lead_shares_its_custom_fields_with_its_event() {
    let plan = Desk::new().plan(&Size::Full.raw(1));
    let (Write::Insert(lead), EventBody::LeadReceived(received)) =
        (&plan.changes.leads[0], &plan.changes.events[0].body)
    else {
        panic!("{plan:?}")
    };
    assert_eq!(lead.custom.0.len(), 3);
    assert!(Arc::ptr_eq(&lead.custom.0, &received.personal.as_ref().unwrap().custom.0));
}

/// What planning asks for beside the reading of the phone number.
fn planning(desk: &Desk, size: Size) -> Asked {
    drop(desk.plan(&size.raw(1))); // compiles the patterns of phone numbers
    let raw = size.raw(2);
    let (_plan, whole) = asked(|| desk.plan(&raw));
    let number = reading(&leads::phone(2));
    Asked { times: whole.times - number.times, bytes: whole.bytes - number.bytes }
}

fn reading(number: &str) -> Asked {
    let region = "US".parse().ok();
    let read = || Phone::parse(number, region).is_ok();
    assert!(read());
    asked(read).1
}
