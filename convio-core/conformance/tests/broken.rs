//! The suite finds every mistake that it knows of: each broken store fails the case named for it, which the model passes.

#![expect(clippy::print_stdout, reason = "the table of who finds what is what people run this for")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use convio_conformance::Case;
use convio_conformance::broken::{Bug, KILLS};
use convio_conformance::model::{Model, Modelled};

#[test]
fn every_broken_store_is_found_by_its_case() {
    let mut survivors = Vec::new();
    let mut table = String::new();
    for (bug, name) in KILLS {
        let (found, sound) = (failure(name, Model::broken(*bug)), failure(name, Model::synced()).is_none());
        let verdict = if found.is_none() { "  SURVIVED" } else { "" };
        table += &format!("{:28} {name}{verdict}\n", format!("{bug:?}"));
        if found.is_none() || !sound {
            survivors.push((*bug, *name, sound));
        }
    }
    println!("{table}{} broken stores, {} found", KILLS.len(), KILLS.len() - survivors.len());
    assert!(survivors.is_empty(), "(bug, case, whether the model passes it): {survivors:?}");
}

#[test]
fn no_mistake_stands_in_the_table_twice() {
    let mut bugs: Vec<Bug> = KILLS.iter().map(|(bug, _)| *bug).collect();
    bugs.sort_by_key(|bug| format!("{bug:?}"));
    bugs.dedup();
    assert_eq!(bugs.len(), KILLS.len());
}

/// Mistakes that show in what is answered or stored are found without a case that looks for them.
#[test]
fn lists_drawn_at_random_find_mistakes_and_say_how_to_draw_them_again() {
    for bug in [Bug::LinksToTheCandidate, Bug::ForgetsARollup, Bug::MergesByArrival, Bug::LeavesAGapInAStream]
    {
        let said = failure("random::operations_match_the_model", Model::broken(bug));
        let said = said.unwrap_or_else(|| panic!("{bug:?} was not found"));
        assert!(said.contains("CONVIO_SEED="), "{said}");
        let list = said.split("the shortest list:").nth(1).unwrap_or_default();
        assert!((1..8).contains(&list.trim().lines().count()), "{said}");
    }
}

/// What the case panics with on this store; `None` when it passes.
fn failure(case: &str, model: Model) -> Option<String> {
    let case = Case::named(case).unwrap_or_else(|| panic!("there is no case `{case}`"));
    // The hook is the process's own, and these panics are meant to happen.
    let _alone = QUIET.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let loud = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let result = catch_unwind(AssertUnwindSafe(|| case.run(&Modelled::new(model))));
    std::panic::set_hook(loud);
    let said = result.err()?;
    let said = said.downcast::<String>().map_or_else(|_| String::new(), |said| *said);
    Some(said)
}

static QUIET: Mutex<()> = Mutex::new(());
