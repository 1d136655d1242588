//! APT-5, APT-7: appointments as iCalendar files, read back by a reader of these tests' own. `scripts/check-ics` reads them with
//! another library's.
#![cfg(all(feature = "ics", feature = "service"))]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use convio_core::appointment::ics::{self, Details, Mailbox};
use convio_core::appointment::{AppointmentFilter, Chain, MOVES_MAX};
use convio_core::chrono::{DateTime, TimeDelta, Utc};
use convio_core::{
    Appointment, AppointmentId, Clock, Convio, ErrorKind, LeadId, NewAppointment, NewWorkspace, Outcome,
    PageRequest, Party, RawLead, Schedule, SequentialIds, WorkspaceHandle,
};
use convio_store_memory::MemoryStore;
use pollster::block_on;
use proptest::prelude::*;

#[test]
fn an_invitation_has_all_that_was_given_and_nothing_else() {
    let world = World::new();
    let new = NewAppointment::at(at("2027-03-14T03:30", "America/New_York").minutes(90))
        .location("1 Secret Road")
        .staff("maria")
        .external_id("cal-1");
    let visit = world.book(new);
    let details = Details::new("Solar; consultation")
        .description("Bring\r\nthe bill, \"please\"")
        .location("12 Main St, Ünterwegs")
        .attendee(mailbox("ana.lima+solar@example.com").name("Lima, \"Ana\" ^ Co"))
        .attendee(mailbox("o'neil@example.com"));
    let file = ics::invite(&world.chain(visit.id), &us(), &details).unwrap();
    let wanted = [
        line("BEGIN", "VCALENDAR"),
        line("VERSION", "2.0"),
        line("PRODID", "-//Convio//Convio//EN"),
        line("CALSCALE", "GREGORIAN"),
        line("METHOD", "REQUEST"),
        line("X-WR-TIMEZONE", "America/New_York"),
        line("BEGIN", "VEVENT"),
        line("DESCRIPTION", "Bring\nthe bill, \"please\""),
        line("DTEND", "20270314T090000Z"),
        line("DTSTAMP", "20270101T120000Z"),
        line("DTSTART", "20270314T073000Z"),
        line("LOCATION", "12 Main St, Ünterwegs"),
        line("ORGANIZER", "mailto:visits@acme.example").with("CN", "Acme"),
        line("SEQUENCE", "0"),
        line("STATUS", "TENTATIVE"),
        line("SUMMARY", "Solar; consultation"),
        line("UID", &visit.id.to_string()),
        line("ATTENDEE", "mailto:ana.lima+solar@example.com").asked().with("CN", "Lima, \"Ana\" ^ Co"),
        line("ATTENDEE", "mailto:o'neil@example.com").asked(),
        line("END", "VEVENT"),
        line("END", "VCALENDAR"),
    ];
    assert_eq!(read(&file), wanted);

    let bare = ics::invite(&world.chain(visit.id), &us(), &Details::new("Visit").attendee(ana())).unwrap();
    for told in ["Secret", "maria", "cal-1", "LOCATION", "DESCRIPTION", "CN=\"Ana"] {
        assert!(!bare.contains(told), "{told}");
    }
    // The same row is the same file, at any time.
    world.clock.advance(TimeDelta::days(3));
    assert_eq!(ics::invite(&world.chain(visit.id), &us(), &details).unwrap(), file);
    let later = details.stamped_at("2027-01-05T00:00:00Z".parse().unwrap());
    let later = ics::invite(&world.chain(visit.id), &us(), &later).unwrap();
    assert_eq!(field(&later, "DTSTAMP"), "20270105T000000Z");
}

#[test]
fn a_moved_appointment_keeps_its_uid_and_its_sequence_grows() {
    let world = World::new();
    let first = world.book(at("2027-06-01T10:00", "Europe/Berlin").into());
    let details = Details::new("Visit").attendee(ana());
    let told = |id| {
        let file = ics::invite(&world.chain(id), &us(), &details).unwrap();
        let sequence: u32 = field(&file, "SEQUENCE").parse().unwrap();
        assert_eq!(field(&file, "UID"), first.id.to_string());
        (sequence, field(&file, "STATUS"), field(&file, "DTSTART"))
    };
    let mut seen = vec![told(first.id)];
    block_on(world.acme.confirm(first.id)).unwrap();
    seen.push(told(first.id));
    let mut last = first.id;
    for day in 2..5 {
        let to = at(&format!("2027-06-0{day}T10:00"), "Europe/Berlin");
        last = block_on(world.acme.reschedule(last, to, Party::Customer, None)).unwrap().id;
        seen.push(told(last));
    }
    block_on(world.acme.confirm(last)).unwrap();
    seen.push(told(last));
    world.clock.advance(TimeDelta::hours(1));
    block_on(world.acme.cancel(last, Party::Staff, None)).unwrap();
    let chain = world.chain(last);
    let file = ics::cancellation(&chain, &us(), &details).unwrap();
    let sequence = |told: &(u32, String, String)| told.0;
    assert!(seen.is_sorted_by(|one, next| sequence(one) < sequence(next)), "{seen:?}");
    assert_eq!(
        seen.iter().map(|told| (told.1.as_str(), told.2.as_str())).collect::<Vec<_>>(),
        [
            ("TENTATIVE", "20270601T080000Z"),
            ("CONFIRMED", "20270601T080000Z"),
            ("TENTATIVE", "20270602T080000Z"),
            ("TENTATIVE", "20270603T080000Z"),
            ("TENTATIVE", "20270604T080000Z"),
            ("CONFIRMED", "20270604T080000Z"),
        ]
    );
    assert_eq!((chain.first().id, chain.last().id, chain.moves()), (first.id, last, 3));
    assert_eq!(field(&file, "UID"), first.id.to_string());
    assert_eq!((field(&file, "METHOD"), field(&file, "STATUS")), ("CANCEL".into(), "CANCELLED".into()));
    assert!(field(&file, "SEQUENCE").parse::<u32>().unwrap() > sequence(&seen[5]));
    assert_eq!(field(&file, "DTSTAMP"), "20270101T130000Z");
    let attendees: Vec<_> = read(&file).into_iter().filter(|line| line.name == "ATTENDEE").collect();
    assert_eq!(attendees, [line("ATTENDEE", "mailto:ana@example.com")]);
}

#[test]
fn what_cannot_be_sent_is_refused_with_every_reason() {
    let world = World::new();
    let visit = world.book(at("2027-06-01T10:00", "UTC").into());
    let chain = world.chain(visit.id);
    let details = Details::new("Visit").attendee(ana());
    let conflict = |result: Result<String, convio_core::Error>| {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        error.to_string()
    };
    let said = conflict(ics::cancellation(&chain, &us(), &details));
    assert_eq!(said, "an appointment that is `booked` is not called off");

    let blank = Details::new(" ").location("\0").attendee(mailbox("a@example.com").name(""));
    let error = ics::invite(&chain, &us().name("\t"), &blank).unwrap_err();
    assert_eq!(fields(&error), ["organizer.name", "summary", "location", "attendees[0].name"]);
    let error = ics::invite(&chain, &us(), &Details::new("Visit")).unwrap_err();
    assert_eq!(fields(&error), ["attendees"]);
    let many = (0..101).fold(details.clone(), |details, _| details.attendee(ana()));
    assert_eq!(fields(&ics::invite(&chain, &us(), &many).unwrap_err()), ["attendees"]);
    let entries = [(&chain, &details), (&chain, &blank)];
    let error = ics::feed("", &us(), entries).unwrap_err();
    let named = ["name", "entries[1].summary", "entries[1].location", "entries[1].attendees[0].name"];
    assert_eq!(fields(&error), named);

    let moved = block_on(world.acme.reschedule(&visit, at("2027-06-02T10:00", "UTC"), Party::Staff, None));
    let moved = moved.unwrap();
    let said = conflict(ics::invite(&world.chain(visit.id), &us(), &details));
    assert_eq!(said, "nobody is asked to an appointment that is `rescheduled`");
    block_on(world.acme.cancel(moved.id, Party::Staff, None)).unwrap();
    conflict(ics::invite(&world.chain(moved.id), &us(), &details));

    let far = Appointment { schedule: Schedule::at(DateTime::<Utc>::MAX_UTC, &visit.schedule.zone), ..visit };
    let error = ics::invite(&Chain::of(vec![far]).unwrap(), &us(), &details).unwrap_err();
    assert_eq!(fields(&error), ["schedule"]);
    let shown = format!("{details:?} {:?}", mailbox("ana@example.com").name("Ana Lima"));
    assert!(!shown.contains("Lima") && !shown.contains("ana@"), "{shown}");
}

#[test]
fn a_feed_shows_each_meeting_once() {
    let world = World::new();
    let berlin = |wall| world.book(at(wall, "Europe/Berlin").into());
    let [moved, held, missed, off] =
        ["2027-06-01T10:00", "2026-12-30T10:00", "2026-12-31T10:00", "2027-06-04T10:00"].map(berlin);
    let to = at("2027-06-05T10:00", "Europe/Berlin");
    let to = block_on(world.acme.reschedule(&moved, to, Party::Staff, None)).unwrap();
    block_on(world.acme.complete(&held, Outcome::Undecided)).unwrap();
    block_on(world.acme.no_show(&missed, Party::Customer)).unwrap();
    block_on(world.acme.cancel(&off, Party::Customer, None)).unwrap();
    let all = block_on(world.acme.appointments(&AppointmentFilter::default(), &PageRequest::default()));
    let ids: Vec<_> = all.unwrap().items.iter().map(|row| row.id).collect();
    let chains: Vec<_> =
        block_on(world.acme.appointment_chains(&ids)).unwrap().into_iter().flatten().collect();
    assert_eq!(chains.len(), 5);
    let details = Details::new("Visit").attendee(ana());
    let twice = chains.iter().chain(&chains).map(|chain| (chain, &details));
    let file = ics::feed("Visits, \u{1F3E0}\nof Acme", &us(), twice).unwrap();
    let lines = read(&file);
    let of = |name: &str| -> Vec<&str> {
        lines.iter().filter(|line| line.name == name).map(|line| line.value.as_str()).collect()
    };
    let uids = [moved.id, held.id, missed.id, off.id].map(|id| id.to_string());
    let mut found = of("UID");
    found.sort_unstable();
    assert_eq!(found, uids);
    let mut told: Vec<_> = of("DTSTART").into_iter().zip(of("STATUS")).collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            ("20261230T090000Z", "CONFIRMED"),
            ("20261231T090000Z", "CONFIRMED"),
            ("20270604T080000Z", "CANCELLED"),
            ("20270605T080000Z", "TENTATIVE"),
        ]
    );
    assert_eq!(to.rescheduled_from, Some(moved.id));
    assert_eq!((of("METHOD"), of("X-WR-TIMEZONE")), (vec!["PUBLISH"], vec!["Europe/Berlin"]));
    for name in ["NAME", "X-WR-CALNAME"] {
        assert_eq!(of(name), ["Visits, \u{1F3E0}\nof Acme"]);
    }
    assert_eq!(of("ATTENDEE"), Vec::<&str>::new());
    assert_eq!(of("ORGANIZER").len(), 4);

    // No zone is named where there are several; a feed may be empty.
    let lisbon = world.book(at("2027-06-01T10:00", "Europe/Lisbon").into());
    let lisbon = world.chain(lisbon.id);
    let file =
        ics::feed("All", &us(), chains.iter().chain([&lisbon]).map(|chain| (chain, &details))).unwrap();
    assert!(!file.contains("X-WR-TIMEZONE"));
    let empty = read(&ics::feed("None", &us(), []).unwrap());
    assert_eq!((empty.len(), empty.last()), (8, Some(&line("END", "VCALENDAR"))));
}

#[test]
fn chains_are_read_together_and_have_a_bound() {
    let world = World::new();
    let alone = world.book(at("2027-06-01T10:00", "UTC").into());
    let mut moves = vec![world.book(at("2027-06-01T10:00", "UTC").into())];
    let one_more = |moves: &mut Vec<Appointment>| {
        let to = at("2027-06-01T11:00", "UTC");
        let last = moves.last().unwrap().id;
        moves.push(block_on(world.acme.reschedule(last, to, Party::Staff, None)).unwrap());
    };
    (0..MOVES_MAX).for_each(|_| one_more(&mut moves));
    let nobody = AppointmentId::from_uuid(world.lead.uuid());
    let ids = [moves[MOVES_MAX].id, nobody, alone.id, moves[1].id, moves[MOVES_MAX].id];
    let chains = block_on(world.acme.appointment_chains(&ids)).unwrap();
    let told = |chain: &Option<Chain>| {
        chain.as_ref().map(|chain| (chain.first().id, chain.last().id, chain.moves()))
    };
    let whole = Some((moves[0].id, moves[MOVES_MAX].id, MOVES_MAX));
    let wanted = [whole, None, Some((alone.id, alone.id, 0)), Some((moves[0].id, moves[1].id, 1)), whole];
    assert_eq!(chains.iter().map(told).collect::<Vec<_>>(), wanted);
    one_more(&mut moves);
    let error = block_on(world.acme.appointment_chain(moves[MOVES_MAX + 1].id)).unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::Conflict, "an appointment was moved more than 100 times")
    );

    let rows: Vec<_> =
        moves[..3].iter().map(|row| block_on(world.acme.appointment(row.id)).unwrap().unwrap()).collect();
    assert_eq!(Chain::of(rows.clone()).unwrap().revision(), 5);
    for broken in
        [vec![], rows[1..].to_vec(), vec![rows[0].clone(), rows[2].clone()], vec![alone, rows[1].clone()]]
    {
        assert_eq!(Chain::of(broken).unwrap_err().kind(), ErrorKind::Invalid);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_survives(summary in text(), description in text(), location in text(), name in text(), calendar in text()) {
        let chain = Chain::of(vec![VISIT.with(Clone::clone)]).unwrap();
        let details = Details::new(&*summary)
            .description(&*description)
            .location(&*location)
            .attendee(ana().name(&*name));
        let fits = |text: &String| !text.trim().is_empty() && !text.contains('\0');
        let file = ics::invite(&chain, &us(), &details);
        prop_assert_eq!(file.is_ok(), [&summary, &description, &location, &name].into_iter().all(fits));
        for file in [file, ics::feed(&calendar, &us().name(&*name), [(&chain, &details)])].into_iter().flatten() {
            check_form(&file)?;
            let lines = read(&file);
            let found = |key: &str| lines.iter().find(|line| line.name == key);
            let value = |key: &str| found(key).map(|line| line.value.clone());
            prop_assert_eq!(value("SUMMARY"), Some(kept(&summary)));
            prop_assert_eq!(value("DESCRIPTION"), Some(kept(&description)));
            prop_assert_eq!(value("LOCATION"), Some(kept(&location)));
            let named = if value("METHOD").as_deref() == Some("REQUEST") { "ATTENDEE" } else { "ORGANIZER" };
            prop_assert_eq!(found(named).and_then(|line| line.parameters.get("CN").cloned()), Some(kept(&name)));
            if named == "ORGANIZER" {
                prop_assert_eq!(value("NAME"), Some(kept(&calendar)));
                prop_assert_eq!(value("X-WR-CALNAME"), Some(kept(&calendar)));
            }
            prop_assert_eq!(lines.len(), if named == "ATTENDEE" { 20 } else { 21 }, "{}", file);
        }
    }
}

/// Texts of what escaping and folding must not break: marks, line ends, letters of every length, long words.
fn text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        4 => "[a-z ]{1,20}",
        2 => "\\PC{1,10}",
        2 => "[\\\\;:,\"^'=nN]{1,4}",
        1 => "[ \t]{1,80}",
        1 => "[äß漢字🏠👩‍🔧]{1,60}",
        1 => proptest::sample::select(vec!["\n", "\r\n", "\r", "\u{b}", "\u{85}", "\u{2028}", "\n ", "\r\n\t", "\u{7}", "\u{7f}", "\\n", "^n", "\r\nBEGIN:VEVENT\r\n"]).prop_map(String::from),
        1 => any::<String>(),
    ];
    proptest::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

/// What is kept of a text, said another way: line ends are one, and no control character but tabs is left.
fn kept(text: &str) -> String {
    let text =
        text.replace("\r\n", "\n").replace(['\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'], "\n");
    text.replace(|c: char| c.is_control() && c != '\n' && c != '\t', "")
}

/// RFC 5545, section 3.1: CRLF alone ends lines, none is longer than 75 octets, and each is a text.
fn check_form(file: &str) -> Result<(), TestCaseError> {
    prop_assert!(file.ends_with("\r\n"));
    for line in file.strip_suffix("\r\n").unwrap_or_default().split("\r\n") {
        prop_assert!((1..=75).contains(&line.len()), "{} octets: {line:?}", line.len());
        prop_assert!(!line.contains(|c: char| c.is_control() && c != '\t'), "{line:?}");
    }
    Ok(())
}

/// A content line as it was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    name: String,
    parameters: BTreeMap<String, String>,
    value: String,
}

impl Line {
    fn with(mut self, key: &str, value: &str) -> Self {
        self.parameters.insert(key.to_owned(), value.to_owned());
        self
    }

    fn asked(self) -> Self {
        self.with("ROLE", "REQ-PARTICIPANT").with("PARTSTAT", "NEEDS-ACTION").with("RSVP", "TRUE")
    }
}

fn line(name: &str, value: &str) -> Line {
    Line { name: name.to_owned(), parameters: BTreeMap::new(), value: value.to_owned() }
}

/// The content lines of a file, unfolded and unescaped, by RFC 5545 and RFC 6868 alone.
fn read(file: &str) -> Vec<Line> {
    let unfolded = file.replace("\r\n ", "").replace("\r\n\t", "");
    unfolded.split_terminator("\r\n").map(read_line).collect()
}

fn read_line(text: &str) -> Line {
    let (mut quoted, mut ends, mut colon) = (false, Vec::new(), None);
    for (n, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ';' | ':' if !quoted => {
                ends.push(n);
                if c == ':' {
                    colon = Some(n);
                    break;
                }
            }
            _ => {}
        }
    }
    let colon = colon.unwrap_or_else(|| panic!("no value: {text:?}"));
    let name = &text[..ends[0]];
    let parameters = ends.windows(2).map(|pair| {
        let (key, value) = text[pair[0] + 1..pair[1]].split_once('=').unwrap();
        (key.to_owned(), unescape(value.trim_matches('"'), '^', &[('n', "\n"), ('\'', "\""), ('^', "^")]))
    });
    let parameters: BTreeMap<_, _> = parameters.filter(|(key, _)| key != "VALUE").collect();
    let value = unescape(&text[colon + 1..], '\\', &[('n', "\n"), ('\\', "\\"), (',', ","), (';', ";")]);
    Line { name: name.to_owned(), parameters, value }
}

fn unescape(text: &str, mark: char, meanings: &[(char, &str)]) -> String {
    let mut chars = text.chars();
    let mut read = String::new();
    while let Some(c) = chars.next() {
        if c == mark {
            let next = chars.next().unwrap_or_else(|| panic!("`{mark}` at the end: {text:?}"));
            let meaning = meanings.iter().find(|(of, _)| *of == next);
            read.push_str(meaning.unwrap_or_else(|| panic!("`{mark}{next}` means nothing: {text:?}")).1);
        } else {
            read.push(c);
        }
    }
    read
}

/// The value of the only line of this name.
fn field(file: &str, name: &str) -> String {
    let found: Vec<_> = read(file).into_iter().filter(|line| line.name == name).collect();
    let [line] = found.as_slice() else { panic!("{name}: {found:?}") };
    line.value.clone()
}

fn fields(error: &convio_core::Error) -> Vec<&str> {
    assert_eq!(error.kind(), ErrorKind::Invalid);
    error.reasons().iter().map(|reason| reason.field.as_str()).collect()
}

fn at(wall: &str, zone: &str) -> Schedule {
    Schedule::local(wall, zone).unwrap()
}

fn mailbox(email: &str) -> Mailbox {
    Mailbox::new(email.parse().unwrap())
}

fn us() -> Mailbox {
    mailbox("visits@acme.example").name("Acme")
}

fn ana() -> Mailbox {
    mailbox("ana@example.com")
}

thread_local! {
    static VISIT: Appointment = World::new().book(at("2027-06-01T10:00", "Europe/Berlin").into());
}

/// A clock that is moved by hand, from the first of January 2027 on.
#[derive(Clone, Default)]
struct Hand(Arc<AtomicI64>);

impl Hand {
    fn advance(&self, by: TimeDelta) {
        self.0.fetch_add(by.num_seconds(), Ordering::Relaxed);
    }
}

impl Clock for Hand {
    fn now(&self) -> DateTime<Utc> {
        let start: DateTime<Utc> = "2027-01-01T12:00:00Z".parse().unwrap();
        start + TimeDelta::seconds(self.0.load(Ordering::Relaxed))
    }
}

/// A workspace with a lead, on the first of January 2027.
struct World {
    clock: Hand,
    acme: WorkspaceHandle<'static>,
    lead: LeadId,
}

impl World {
    fn new() -> Self {
        let clock = Hand::default();
        let convio = Convio::with(MemoryStore::new(), clock.clone(), SequentialIds::seeded(1));
        let acme = block_on(convio.create_workspace(NewWorkspace::named("Acme"))).unwrap();
        let taken = block_on(acme.ingest(RawLead::json(r#"{"phone":"+12125550123"}"#))).unwrap();
        Self { clock, acme, lead: taken.into_accepted().unwrap().lead }
    }

    fn book(&self, new: NewAppointment) -> Appointment {
        block_on(self.acme.book(self.lead, new)).unwrap()
    }

    fn chain(&self, id: AppointmentId) -> Chain {
        block_on(self.acme.appointment_chain(id)).unwrap().unwrap()
    }
}
