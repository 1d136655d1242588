//! Events as earlier releases kept them, brought to what this one reads.
//!
//! What only adds to the facts of a kind needs nothing of this: the new field has a default, and is left out where it has it.
//! Everything else is an [`Upcaster`] at the end of [`UPCASTERS`]. See `docs/adr/0024-old-events.md`.
//!
//! A stored event says its form only from the second one on, as `"form"` among its facts. Each [`Step::Reshaped`] of a kind
//! makes a form; a kind that got another name starts at its first form again.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::UnreadableEvent;

/// All steps from the first release on, oldest first. Closed: steps are added at its end, and none is changed or taken away,
/// since databases of every release are out there.
pub(super) const UPCASTERS: &[Upcaster] = &[];

/// One step, for the events of a kind.
#[derive(Debug, Clone, Copy)]
pub(super) struct Upcaster {
    /// The kind, by its name before the step.
    pub(super) kind: &'static str,
    /// What is done.
    pub(super) step: Step,
}

/// What is done with an event of an earlier release.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(test), expect(dead_code, reason = "no release has changed an event yet"))]
pub(super) enum Step {
    /// The kind got this name.
    Renamed(&'static str),
    /// The kind got another form, and this makes it of the one before. An error is a fixed text: it may not say what is kept.
    Reshaped(fn(&mut OldEvent) -> Result<(), &'static str>),
}

/// The parts of an event of an earlier release. The facts are without their `"form"`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct OldEvent {
    /// What stays for ever.
    pub(super) facts: Map<String, Value>,
    /// What an erasure takes away; `None` where there is none, or it was erased. No step may ask for it.
    pub(super) personal: Option<Value>,
}

/// An event as this release reads it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Current<'e> {
    pub(super) kind: &'e str,
    pub(super) facts: Cow<'e, str>,
    pub(super) personal: Option<Cow<'e, str>>,
}

/// Takes an event through all steps that came after it was kept. One in today's form is passed on as it is: its facts are
/// searched for a word, and not read.
pub(super) fn upcast<'e>(
    upcasters: &[Upcaster],
    kind: &'e str,
    facts: &'e str,
    personal: Option<&'e str>,
) -> Result<Current<'e>, UnreadableEvent> {
    let kept = form_kept(kind, facts)?;
    let known = form(upcasters, kind);
    if let Some(form) = kept.filter(|kept| *kept > known) {
        return Err(UnreadableEvent::NewerForm { kind: kind.to_owned(), form, known });
    }
    if kept.is_none() && !upcasters.iter().any(|upcaster| upcaster.kind == kind) {
        return Ok(Current { kind, facts: facts.into(), personal: personal.map(Cow::from) });
    }
    let no_personal = |error| UnreadableEvent::personal(kind, &error);
    let no_facts = |error| UnreadableEvent::facts(kind, error);
    let kept_personal = personal.map(serde_json::from_str).transpose().map_err(no_personal)?;
    let mut old = OldEvent { facts: serde_json::from_str(facts).map_err(no_facts)?, personal: kept_personal };
    old.facts.remove(FORM);
    let kind = bring_up(upcasters, kind, kept.unwrap_or(FIRST), &mut old)?;
    let written = old.personal.map(|personal| serde_json::to_string(&personal)).transpose();
    Ok(Current {
        kind,
        facts: serde_json::to_string(&old.facts).map_err(no_facts)?.into(),
        personal: written.map_err(no_personal)?.map(Cow::from),
    })
}

/// Takes the steps of an event that was kept in this form. Gives its kind of today.
fn bring_up<'e>(
    upcasters: &[Upcaster],
    mut kind: &'e str,
    mut kept: u32,
    old: &mut OldEvent,
) -> Result<&'e str, UnreadableEvent> {
    let mut form = FIRST;
    for upcaster in upcasters {
        if upcaster.kind != kind {
            continue;
        }
        match upcaster.step {
            Step::Renamed(to) => (kind, kept, form) = (to, FIRST, FIRST),
            Step::Reshaped(reshape) => {
                form += 1;
                if form > kept {
                    let failed = |why| UnreadableEvent::NotBroughtUp { kind: kind.to_owned(), form, why };
                    reshape(old).map_err(failed)?;
                }
            }
        }
    }
    Ok(kind)
}

/// The facts as they are kept: with their form, from the second one on.
pub(super) fn marked(upcasters: &[Upcaster], kind: &str, facts: String) -> String {
    let form = form(upcasters, kind);
    if form == FIRST {
        return facts;
    }
    match facts.strip_prefix('{') {
        Some("}") => format!("{{\"{FORM}\":{form}}}"),
        Some(rest) => format!("{{\"{FORM}\":{form},{rest}"),
        // Facts are objects, all of them: the vectors of `conformance/tests/vectors.rs` say so.
        None => facts,
    }
}

/// The form of this kind in this release.
fn form(upcasters: &[Upcaster], kind: &str) -> u32 {
    let reshaped = |upcaster: &&Upcaster| upcaster.kind == kind && matches!(upcaster.step, Step::Reshaped(_));
    upcasters.iter().filter(reshaped).fold(FIRST, |form, _| form + 1)
}

/// The form that facts say they are of.
fn form_kept(kind: &str, facts: &str) -> Result<Option<u32>, UnreadableEvent> {
    #[derive(Deserialize)]
    struct Said {
        form: Option<u32>,
    }
    // Nearly always: no need to read them for it.
    if !facts.contains("\"form\"") {
        return Ok(None);
    }
    let said: Said = serde_json::from_str(facts).map_err(|error| UnreadableEvent::facts(kind, error))?;
    Ok(said.form)
}

/// What a form is kept as, among the facts. No fact may have this name.
const FORM: &str = "form";
/// The form of a kind when it was new: not kept.
const FIRST: u32 = 1;

#[cfg(test)]
mod tests;
