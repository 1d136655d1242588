//! The suite finds every mistake that it knows of: each broken store fails the case named for it, which the model passes.

#![expect(clippy::print_stdout, reason = "the table of who finds what is what people run this for")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use convio_conformance::Case;
use convio_conformance::broken::{Bug, KILLS};
use convio_conformance::model::{Model, Modelled};

#[test]
fn every_broken_store_is_found_by_its_case() {
    std::panic::set_hook(Box::new(|_| {})); // each of them is meant to fail
    let mut survivors = Vec::new();
    let mut table = String::new();
    for (bug, name) in KILLS {
        let case = Case::named(name).unwrap_or_else(|| panic!("there is no case `{name}`"));
        let passes =
            |model: Model| catch_unwind(AssertUnwindSafe(|| case.run(&Modelled::new(model)))).is_ok();
        let (survived, sound) = (passes(Model::broken(*bug)), passes(Model::synced()));
        let verdict = if survived { "  SURVIVED" } else { "" };
        table += &format!("{:28} {name}{verdict}\n", format!("{bug:?}"));
        if survived || !sound {
            survivors.push((*bug, *name, sound));
        }
    }
    drop(std::panic::take_hook());
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
