//! Writes iCalendar files of made-up appointments into a directory, beside `expected.json`, which says what another reader must find
//! in them. `scripts/check-ics` is that reader.
//!
//! ```text
//! cargo run -q -p convio-core --features ics --example ics_samples -- DIRECTORY
//! ```

use std::path::{Path, PathBuf};

use convio_core::appointment::Chain;
use convio_core::appointment::ics::{self, Details, Mailbox};
use convio_core::chrono::{DateTime, Utc};
use convio_core::{
    Appointment, AppointmentId, Convio, FixedClock, LeadId, NewWorkspace, Party, RawLead, Schedule,
    SequentialIds, WorkspaceHandle, Zone,
};
use convio_store_memory::MemoryStore;
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = PathBuf::from(std::env::args().nth(1).ok_or("name a directory")?);
    pollster::block_on(write(&directory))
}

async fn write(directory: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let clock = FixedClock("2027-01-01T12:00:00Z".parse()?);
    let convio = Convio::with(MemoryStore::new(), clock, SequentialIds::seeded(1));
    let acme = convio.create_workspace(NewWorkspace::named("Acme")).await?;
    let lead = acme.ingest(RawLead::json(r#"{"phone":"+12125550123"}"#)).await?.into_accepted()?.lead;
    let us = Mailbox::new("visits@acme.example".parse()?).name("Acme, \"Solar\" ^ Co");
    let mut samples = Samples { acme, lead, us, files: Vec::new(), directory: directory.to_owned() };

    for (n, text) in TEXTS.iter().enumerate() {
        // Every second one around a change of clocks, the later of two equal times among them.
        let visit = match n % 2 {
            0 => samples.book(Schedule::local("2027-11-07T01:30", "America/New_York")?.minutes(90)).await?,
            _ => samples.book(Schedule::at("2027-11-07T06:30:00Z".parse()?, &new_york()?)).await?,
        };
        samples.invite(&format!("text-{n:02}"), visit.id, text).await?;
    }

    let first = samples.book(Schedule::local("2027-03-28T02:30", "Europe/Berlin")?).await?;
    samples.invite("booked", first.id, "Booked").await?;
    samples.acme.confirm(first.id).await?;
    samples.invite("confirmed", first.id, "Confirmed").await?;
    let mut last = first.id;
    for day in ["2027-04-04T01:45", "2027-04-04T03:00"] {
        let to = Schedule::local(day, "Australia/Lord_Howe")?.minutes(30);
        last = samples.acme.reschedule(last, to, Party::Customer, None).await?.id;
        samples.invite(&format!("moved-{}", &day[11..13]), last, "Moved").await?;
    }
    samples.acme.cancel(last, Party::Staff, None).await?;
    let chain = samples.chain(last).await?;
    let file = ics::cancellation(&chain, &samples.us, &details("Off")?)?;
    let attendees = attendees("Off", false);
    samples.keep("cancelled", &file, json!("CANCEL"), vec![event(&chain, "Off", attendees)])?;
    samples.feed().await?;
    samples.done()
}

struct Samples {
    acme: WorkspaceHandle<'static>,
    lead: LeadId,
    us: Mailbox,
    files: Vec<Value>,
    directory: PathBuf,
}

impl Samples {
    async fn book(&self, schedule: Schedule) -> Result<Appointment, convio_core::Error> {
        self.acme.book(self.lead, schedule).await
    }

    async fn chain(&self, id: AppointmentId) -> Result<Chain, Box<dyn std::error::Error>> {
        Ok(self.acme.appointment_chain(id).await?.ok_or("it was booked")?)
    }

    async fn invite(
        &mut self,
        name: &str,
        id: AppointmentId,
        text: &str,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let chain = self.chain(id).await?;
        let file = ics::invite(&chain, &self.us, &details(text)?)?;
        self.keep(name, &file, json!("REQUEST"), vec![event(&chain, text, attendees(text, true))])
    }

    async fn feed(&mut self) -> Result<(), Box<dyn std::error::Error>> {
        let page = self.acme.appointments(&Default::default(), &Default::default()).await?;
        let ids: Vec<_> = page.items.iter().map(|row| row.id).collect();
        let chains: Vec<_> = self.acme.appointment_chains(&ids).await?.into_iter().flatten().collect();
        let details = details(TEXTS[2])?;
        let file = ics::feed(TEXTS[1], &self.us, chains.iter().map(|chain| (chain, &details)))?;
        let shown = chains.iter().filter(|chain| chain.last().rescheduled_to.is_none());
        let events = shown.map(|chain| event(chain, TEXTS[2], json!([]))).collect();
        self.keep("feed", &file, json!("PUBLISH"), events)
    }

    fn keep(
        &mut self,
        name: &str,
        file: &str,
        method: Value,
        events: Vec<Value>,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let name = format!("{name}.ics");
        std::fs::write(self.directory.join(&name), file)?;
        self.files.push(json!({ "file": name, "method": method, "events": events }));
        Ok(())
    }

    fn done(self) -> Result<(), Box<dyn std::error::Error>> {
        let expected = serde_json::to_string_pretty(&self.files)?;
        Ok(std::fs::write(self.directory.join("expected.json"), expected)?)
    }
}

fn details(text: &str) -> Result<Details, convio_core::email::EmailError> {
    let ana = Mailbox::new("ana.lima+solar@example.com".parse()?).name(name(text));
    let details = Details::new(text).description(format!("{text}\r\n{text}")).location(text);
    Ok(details.attendee(ana).attendee(Mailbox::new("o'neil@example.com".parse()?)))
}

fn event(chain: &Chain, text: &str, attendees: Value) -> Value {
    let (first, last) = (chain.first(), chain.last());
    let status = match last.status.code() {
        "booked" => "TENTATIVE",
        "cancelled" => "CANCELLED",
        _ => "CONFIRMED",
    };
    let utc = |at: DateTime<Utc>| at.format("%Y-%m-%dT%H:%M:%S+00:00").to_string();
    json!({
        "uid": first.id.to_string(),
        "sequence": chain.revision(),
        "status": status,
        "starts": utc(last.schedule.starts_at),
        "ends": utc(last.schedule.ends_at()),
        "stamped": utc(last.ended.as_ref().map_or(last.created_at, |ended| ended.at)),
        "summary": text,
        "description": format!("{text}\n{text}"),
        "location": text,
        "organizer": ["mailto:visits@acme.example", "Acme, \"Solar\" ^ Co"],
        "attendees": attendees,
    })
}

fn attendees(text: &str, asked: bool) -> Value {
    let asked = if asked { json!("NEEDS-ACTION") } else { json!(null) };
    json!([
        ["mailto:ana.lima+solar@example.com", name(text), asked],
        ["mailto:o'neil@example.com", null, asked]
    ])
}

/// The text as a name. Python's `icalendar` takes backslashes in a parameter for escapes and trims it; RFC 5545 says neither.
fn name(text: &str) -> String {
    text.trim().replace('\\', "/")
}

fn new_york() -> Result<Zone, convio_core::zone::ZoneError> {
    Zone::parse("America/New_York")
}

/// What escaping and folding must not break.
const TEXTS: [&str; 12] = [
    "Solar consultation",
    "Roof; gutters, and \"more\": 50 % off",
    "Besuch bei Familie Größenwahn-Überlänge in der Straße des Äußersten, dritter Stock, links, bitte zweimal läuten",
    "漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字",
    "🏠👩‍🔧🏠👩‍🔧🏠👩‍🔧🏠👩‍🔧🏠👩‍🔧🏠👩‍🔧🏠👩‍🔧🏠👩‍🔧🏠👩‍🔧",
    r"C:\next\new, \; and \\ at the end \",
    "two\nlines, and\n\nan empty one",
    "^n ^' ^^ carets",
    "    spaces     in     runs     that     folding     must     keep     wherever     the     line     is     cut",
    "END:VEVENT",
    "exactly-seventy-five-octets-on-the-line-of-the-summary-with-its-name-x",
    "tab\there",
];
