//! `external` against a scheduler of the program in drawn worlds: what it is told and what becomes
//! of its plans.

use crate::support::common::Told;
use crate::support::common::draw::{Case, Limits};
use crate::support::python::python;
use crate::support::shell::repository;

#[test]
fn the_example_in_python_decides_as_edf_does_in_drawn_worlds() {
    let Some(python) = python("json") else { return };
    let program = python.get_program().to_str().expect("UTF-8");
    let example = repository("examples/external_scheduler.py");
    let command = format!("command = ['{program}', '{}']", example.display());
    let mut decided = 0;
    for seed in 0..30 {
        let limits =
            Limits { links: false, faults: seed % 2 == 0, shares: seed % 3 == 0, ..Limits::ALL };
        let world = Case::draw(seed, limits).world;
        for max_batch in [1, 32] {
            let _told = Told(format!("seed {seed}, max_batch {max_batch}"));
            let edf = world.run(&format!("{{ name = 'edf', max_batch = {max_batch} }}"));
            for more in ["", ", only_when_idle = true"] {
                let settings = format!("settings = {{ max_batch = {max_batch} }}{more}");
                let scheduler = format!("{{ name = 'external', {command}, {settings} }}");
                let external = world.run(&scheduler);
                assert!(external.events == edf.events, "{scheduler}");
            }
            decided += edf.events.len();
        }
    }
    assert!(decided > 1000, "{decided}");
}
