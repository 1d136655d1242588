use convio_core::record::Record;

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
    own!(webhooks, contacts, leads, rejections, appointments, conversions, records, feed);
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

/// Every list is sorted by id, and names no row twice.
pub(super) fn lists_are_sorted(snapshot: &Snapshot) -> Result<(), String> {
    macro_rules! sorted {
        ($($rows:ident),+) => {$(
            let sorted = snapshot.$rows.windows(2).all(|pair| pair[0].id < pair[1].id);
            hold!(sorted, "the list of {} is not sorted", stringify!($rows));
        )+};
    }
    sorted!(webhooks, contacts, leads, rejections, appointments, conversions);
    let place = |row: &Record| (row.kind.clone(), row.key.clone());
    let sorted = snapshot.records.windows(2).all(|pair| place(&pair[0]) < place(&pair[1]));
    hold!(sorted, "the records of the configuration are not sorted");
    let sorted = snapshot
        .rollups
        .windows(2)
        .all(|pair| (pair[0].cube, pair[0].day, &pair[0].dims) < (pair[1].cube, pair[1].day, &pair[1].dims));
    hold!(sorted, "the rows of a cube are not sorted");
    Ok(())
}
