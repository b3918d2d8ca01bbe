//! Workers in the same condition are planned once, and it does not matter.

use crate::support::common::draw::{self, Case, Limits, Units};
use crate::support::common::{Told, World, run_unwatched};

const SEEDS: u64 = 80;

/// The same workers, no two of them of one class to a planner: their lists of variants differ in
/// words that say the same.
fn apart(world: &World) -> World {
    let mut world = world.clone();
    let variants = world.setup.apps.iter().flat_map(|app| &app.profile.variants);
    let all: Vec<String> = variants.map(|variant| variant.name.clone()).collect();
    for (again, worker) in world.setup.workers.iter_mut().enumerate() {
        worker.variants = [&all[..], &vec![all[0].clone(); again]].concat();
    }
    world
}

#[test]
fn workers_that_are_alike_get_what_others_would() {
    let mut alike = 0;
    for seed in 0..SEEDS {
        let (links, faults) = (seed % 3 == 0, seed % 4 == 0);
        let limits = Limits {
            links,
            faults,
            residents: seed % 2 == 0,
            shares: seed % 3 == 0,
            ..Limits::ALL
        };
        let mut case = Case::draw(seed, limits);
        let workers = &mut case.world.setup.workers;
        let copies = vec![workers[0].clone(); 1 + seed as usize % 5];
        workers.splice(..1, copies);
        for (turn, entry) in (0..).zip(draw::built_in()) {
            let world = draw::for_entry(&case, entry).world;
            let source = draw::sources(entry)[seed as usize % draw::sources(entry).len()];
            let source = source.map(|(name, _)| name);
            let scheduler = draw::scheduler(seed * 100 + turn, entry, source, Units::PLAIN);
            let _told = Told(format!("seed {seed}, {scheduler}"));
            let (as_one, _) = run_unwatched(&world, &scheduler);
            let (each, _) = run_unwatched(&apart(&world), &scheduler);
            assert!(as_one == each);
            alike += usize::from(world.setup.workers.len() > 1);
        }
    }
    assert!(alike > 500, "{alike}");
}
