use convio_conformance::Case;
use convio_conformance::broken::KILLS;
use convio_conformance::model::{Model, Modelled};
use std::panic::{AssertUnwindSafe, catch_unwind};
#[test]
fn random_finds() {
    std::panic::set_hook(Box::new(|_| {}));
    let case = Case::named("random::operations_match_the_model").unwrap();
    let mut found = 0;
    for (bug, _) in KILLS {
        let ok = catch_unwind(AssertUnwindSafe(|| case.run(&Modelled::new(Model::broken(*bug))))).is_ok();
        if ok {
            println!("MISSED {bug:?}");
        } else {
            found += 1;
        }
    }
    println!("found {found} of {}", KILLS.len());
}
