use convio_core::{AppointmentStatus, Outcome, RejectionState};

use super::hold;
use crate::Snapshot;

/// No row of another workspace is shown.
pub(super) fn rows_belong_to_the_workspace(snapshot: &Snapshot) -> Result<(), String> {
    let Some(workspace) = &snapshot.workspace else {
        return Ok(());
    };
    macro_rules! own {
        ($($rows:ident),+) => {$(
            for row in &snapshot.$rows {
                hold!(row.workspace == workspace.id, "one of the {} is {}'s", stringify!($rows), row.workspace);
            }
        )+};
    }
    own!(webhooks, contacts, leads, rejections, appointments, conversions, feed);
    for payload in snapshot.payloads.iter().flatten() {
        hold!(payload.workspace == workspace.id, "payload {} is {}'s", payload.id, payload.workspace);
    }
    Ok(())
}

/// Every lead and every rejection has its payload.
pub(super) fn payloads_are_kept(snapshot: &Snapshot) -> Result<(), String> {
    let missing = snapshot.payloads.iter().filter(|payload| payload.is_none()).count();
    hold!(missing == 0, "{missing} payloads are missing");
    let ids: Vec<_> = snapshot.payloads.iter().flatten().map(|payload| payload.id).collect();
    hold!(
        ids.windows(2).all(|pair| pair[0] < pair[1]),
        "payloads are answered in another order than asked for"
    );
    Ok(())
}

/// What one row says of another one is what that one says.
pub(super) fn links_agree(snapshot: &Snapshot) -> Result<(), String> {
    let lead = |id| snapshot.leads.iter().find(|lead| lead.id == id);
    for row in &snapshot.leads {
        hold!(
            snapshot.contacts.iter().any(|contact| contact.id == row.contact),
            "lead {} has no contact",
            row.id
        );
        hold!(snapshot.webhooks.iter().any(|hook| hook.id == row.webhook), "lead {} has no webhook", row.id);
        if let Some(of) = row.duplicate_of {
            let same = lead(of).is_some_and(|first| first.contact == row.contact && first.id != row.id);
            hold!(same, "lead {} repeats {of}, which is no other lead of its contact", row.id);
            hold!(!row.test, "test lead {} repeats one", row.id);
        }
        let first = snapshot
            .feed
            .iter()
            .find(|event| event.lead_id() == Some(row.id) && event.body.kind() == "conversion.recorded");
        let first = first.and_then(|event| event.subject()).map(convio_core::Subject::uuid);
        hold!(
            first == row.conversion.map(|id| id.uuid()),
            "lead {} does not name its first conversion",
            row.id
        );
    }
    for row in &snapshot.rejections {
        let became = lead(row.id.lead()).is_some();
        let released = row.state == RejectionState::Released;
        hold!(became == released, "rejection {} is {:?}, and its lead is there: {became}", row.id, row.state);
    }
    for row in &snapshot.appointments {
        hold!(
            lead(row.lead).is_some_and(|lead| lead.contact == row.contact),
            "appointment {} is astray",
            row.id
        );
        let sold = matches!(row.outcome, Some(Outcome::Sold(_)));
        hold!(
            row.outcome.is_some() == (row.status == AppointmentStatus::Completed),
            "{} has no outcome",
            row.id
        );
        let of = snapshot.conversions.iter().find(|conversion| conversion.appointment == Some(row.id));
        hold!(of.map(|conversion| conversion.id) == row.conversion, "{} names another conversion", row.id);
        hold!(of.is_some() == sold, "{} was sold ({sold}), and its conversion is {of:?}", row.id);
        if let (Some(conversion), Some(Outcome::Sold(value))) = (of, row.outcome) {
            hold!(conversion.value == value && conversion.lead == row.lead, "{} was sold otherwise", row.id);
        }
    }
    for row in &snapshot.conversions {
        hold!(
            lead(row.lead).is_some_and(|lead| lead.contact == row.contact),
            "conversion {} is astray",
            row.id
        );
    }
    Ok(())
}

/// Every list is sorted by id, and names no row twice.
pub(super) fn lists_are_sorted(snapshot: &Snapshot) -> Result<(), String> {
    macro_rules! sorted {
        ($($rows:ident),+) => {$(
            let sorted = snapshot.$rows.windows(2).all(|pair| pair[0].id < pair[1].id);
            hold!(sorted, "the list of {} is not sorted", stringify!($rows));
        )+};
    }
    sorted!(webhooks, contacts, leads, rejections, appointments, conversions);
    let sorted = snapshot
        .rollups
        .windows(2)
        .all(|pair| (pair[0].cube, pair[0].day, &pair[0].dims) < (pair[1].cube, pair[1].day, &pair[1].dims));
    hold!(sorted, "the rows of a cube are not sorted");
    Ok(())
}
