//! Queries of the exact k-NN: 1,000 samples of 8 features, as those of the measured applications.

use divan::{Bencher, counter::ItemsCount};
use peeksim::classifier::knn::{Reference, Scratch, VoteTies};
use peeksim::core::rng::{Label, Rng};

const SAMPLES: u64 = 1000;
const FEATURES: u64 = 8;
const QUERIES: u64 = 1000;

fn main() {
    divan::main();
}

fn point(number: u64) -> Vec<f64> {
    let rng = Rng::new(1, 0);
    (0..FEATURES).map(|feature| rng.keyed_unit(Label::Evidence, number, feature)).collect()
}

#[divan::bench(args = [5, 10])]
fn lowest_index(bencher: Bencher<'_, '_>, k: usize) {
    votes(bencher, k, VoteTies::LowestIndex);
}

#[divan::bench(args = [5, 10])]
fn average(bencher: Bencher<'_, '_>, k: usize) {
    votes(bencher, k, VoteTies::Average);
}

fn votes(bencher: Bencher<'_, '_>, k: usize, ties: VoteTies) {
    let samples: Vec<_> = (0..SAMPLES).map(|i| ((i % 6) as u16, point(i))).collect();
    let reference = Reference::new((0..FEATURES).map(|f| f.to_string()).collect(), &samples);
    let queries: Vec<_> = (SAMPLES..SAMPLES + QUERIES).map(point).collect();
    let mut scratch = Scratch::default();
    bencher.counter(ItemsCount::new(QUERIES)).bench_local(|| {
        let mut votes = [0.0; 6];
        for query in &queries {
            reference.vote(query, k, ties, &mut votes, &mut scratch);
        }
        votes
    });
}
