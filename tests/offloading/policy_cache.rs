//! A reproduction of TMO that is stopped and begun again.

use peeksim::core::rng::Rng;
use peeksim::experiment::Progress;
use peeksim::offloading::generate::like_m4a1;
use peeksim::report::reproduction::checks_csv;
use peeksim::reproduce_tmo::{Artifacts, PolicyCache, ReproductionConfig, reproduce};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

const EFFORT: ReproductionConfig = ReproductionConfig {
    dialogues: 40,
    scored: 10,
    splits: 2,
    bounds: 1,
    trained: 1,
    seeds: 1,
    steps: 2000,
};

fn made(folder: &Path) -> Artifacts {
    let data = Arc::new(like_m4a1(30, Rng::new(4, 0)));
    let progress: &dyn Progress = &();
    let cache = PolicyCache { folder: folder.to_owned(), steps: EFFORT.steps, progress };
    reproduce(Some(&data), &EFFORT, &cache).expect("it can be made")
}

#[test]
fn finished_trainings_are_taken_and_others_are_trained_to_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = made(folder.path());
    let written = || -> Vec<(String, Vec<u8>, SystemTime)> {
        let entries = fs::read_dir(folder.path()).expect("a folder");
        let file = |entry: fs::DirEntry| {
            let time = entry.metadata().and_then(|meta| meta.modified()).expect("a time");
            let bytes = fs::read(entry.path()).expect("a file");
            (entry.file_name().to_string_lossy().into_owned(), bytes, time)
        };
        let mut all: Vec<_> = entries.map(|entry| file(entry.expect("an entry"))).collect();
        all.sort();
        all
    };
    let before = written();
    // Fifteen agents on the dialogues, two on each of seven synthetic workloads.
    assert_eq!(before.len(), 15 + 14);
    // One is missing, one is cut short, one is of another training.
    fs::remove_file(folder.path().join("tmo-rl-ppo-1-1.toml")).expect("it was there");
    let cut = folder.path().join("dqn-compat-1-1.toml");
    let text = fs::read_to_string(&cut).expect("text");
    fs::write(&cut, &text[..text.len() / 2]).expect("writable");
    fs::copy(folder.path().join("a2c-compat-1-1.toml"), folder.path().join("a2c-rolled-1-1.toml"))
        .expect("a copy");
    let again = made(folder.path());
    assert_eq!(checks_csv(&again.checks), checks_csv(&first.checks));
    assert_eq!(again.plots, first.plots);
    let after = written();
    for (old, new) in before.iter().zip(&after) {
        assert_eq!((&old.0, &old.1), (&new.0, &new.1), "the same bytes");
    }
    assert_eq!(before.iter().zip(&after).filter(|(old, new)| old.2 != new.2).count(), 3);
}
