//! The votes in the traces were recorded from a k-NN with k = 10: computing them from features and
//! reference samples gives the same votes. One recording of `voice` is the exception: its tenth and
//! eleventh neighbours are apart by less than features rounded to four decimals can tell.

use flate2::read::GzDecoder;
use peeksim::classifier::knn::{Reference, Scratch, VoteTies};
use peeksim::config::source;
use peeksim::system::profile::Profile;
use peeksim::traces::recorded::RecordedTrace;
use std::fs::File;
use std::path::Path;

const K: usize = 10;

/// How many of the queries get other votes than the recorded ones.
fn disagreements(reference: &Reference, queries: &[(Vec<f64>, Vec<f64>)]) -> usize {
    let mut scratch = Scratch::default();
    let differs = |(query, recorded): &&(Vec<f64>, Vec<f64>)| {
        let mut votes = vec![0.0; recorded.len()];
        reference.vote(query, K, VoteTies::LowestIndex, &mut votes, &mut scratch);
        votes != *recorded
    };
    queries.iter().filter(differs).count()
}

#[test]
fn shipped_features_give_the_recorded_votes() {
    for (app, expected) in [("activity", 0), ("voice", 1)] {
        let profile = Profile::read(&format!("profiles/{app}")).expect("a shipped profile");
        let file = source::read(&format!("traces/{app}.csv")).expect("a shipped trace");
        let trace = RecordedTrace::read(&file, &profile.classes, &profile.variant_names());
        let trace = trace.unwrap_or_else(|problems| panic!("{problems}"));
        let reference = profile.reference.expect("reference samples");
        let names: Vec<&String> = trace.features.iter().map(|(name, _)| name).collect();
        assert_eq!(names, reference.features.iter().collect::<Vec<_>>());
        let query = |row: usize| trace.features.iter().map(|(_, values)| values[row]).collect();
        let votes = |row: usize| trace.votes(row as u32, profile.classes.len()).to_vec();
        let queries: Vec<_> = (0..trace.len()).map(|row| (query(row), votes(row))).collect();
        let wrong = disagreements(&reference, &queries);
        assert_eq!(wrong, expected, "{app}, of {}", queries.len());
    }
}

/// The rows of a gzipped table as numbers, of the columns whose name begins so.
fn columns(path: &Path, prefix: &str) -> Vec<Vec<f64>> {
    let mut reader = csv::Reader::from_reader(GzDecoder::new(File::open(path).expect("a file")));
    let header = reader.headers().expect("a header").clone();
    let wanted: Vec<usize> =
        (0..header.len()).filter(|at| header[*at].starts_with(prefix)).collect();
    let rows = reader.records().map(|row| row.expect("a row"));
    rows.map(|row| wanted.iter().map(|at| row[*at].parse().expect("a number")).collect()).collect()
}

#[test]
fn measured_features_give_the_recorded_votes() {
    let Ok(data) = std::env::var("PEEKSIM_DATA") else {
        println!("skipped: PEEKSIM_DATA is not set");
        return;
    };
    for (folder, expected) in [("har_wisdm", 0), ("ecg_mitbih", 0), ("voice_fsdd", 1)] {
        let path = |file: &str| Path::new(&data).join(folder).join(file);
        if !path("sneakpeek_reference.csv.gz").exists() {
            println!("skipped: no {folder} below PEEKSIM_DATA");
            continue;
        }
        let samples = path("sneakpeek_reference.csv.gz");
        let classes = columns(&samples, "true").into_iter().map(|row| row[0] as u16);
        let samples: Vec<_> = classes.zip(columns(&samples, "z")).collect();
        let names = (0..samples[0].1.len()).map(|at| format!("z{at}")).collect();
        let reference = Reference::new(names, &samples);
        let votes = columns(&path("stream.csv.gz"), "k10_");
        let features = columns(&path("stream_features.csv.gz"), "z");
        let queries: Vec<_> = features.into_iter().zip(votes).collect();
        let wrong = disagreements(&reference, &queries);
        assert_eq!(wrong, expected, "{folder}, of {}", queries.len());
    }
}
