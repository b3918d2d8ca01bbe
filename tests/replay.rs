//! How recorded arrivals come to a rate, against the trace file itself.

use crate::common::arrivals::{arrivals, prepare};
use peeksim::domain::Arrival;

/// Nanoseconds on the clock of its source by row, and the first row of each source.
fn file(app: &str) -> (Vec<u64>, Vec<usize>) {
    let text = std::fs::read_to_string(format!("traces/{app}.csv")).expect("a shipped trace");
    let (mut offsets, mut starts, mut last) = (Vec::new(), Vec::new(), "");
    for (row, line) in text.lines().skip(1).enumerate() {
        let cells: Vec<&str> = line.split(',').collect();
        offsets.push((cells[1].parse::<f64>().unwrap() * 1e9).round() as u64);
        if cells[0] != last {
            starts.push(row);
        }
        last = cells[0];
    }
    (offsets, starts)
}

/// Requests per second of all sources together, each waiting its mean gap at its end.
fn natural_rps(app: &str) -> f64 {
    let (offsets, starts) = file(app);
    let ends = starts.iter().skip(1).copied().chain([offsets.len()]);
    let rate = |(start, end): (&usize, usize)| {
        let span = (offsets[end - 1] - offsets[*start]) as f64 / 1e9;
        let rows = (end - start) as f64;
        rows / (span + span / (rows - 1.0))
    };
    starts.iter().zip(ends).map(rate).sum()
}

fn replay(app: &str, settings: &str) -> Result<Vec<Arrival>, String> {
    let apps = format!("apps = ['{app}']");
    let trace = format!("trace = {{ source = 'recorded', {settings} }}");
    Ok(arrivals(&prepare(&[&apps, &trace])?, 0))
}

fn rate(all: &[Arrival]) -> f64 {
    (all.len() - 1) as f64 / all[all.len() - 1].time.since(all[0].time).as_s()
}

#[test]
fn exact_stamps_are_the_files_and_end_with_it() {
    let (offsets, _) = file("heartbeat");
    let all = replay("heartbeat", "replay = 'exact', requests = 1_000_000").unwrap();
    let mut found: Vec<(u64, u32)> = all.iter().map(|a| (a.time.0, a.truth.row)).collect();
    let mut expected: Vec<(u64, u32)> = offsets.into_iter().zip(0..).collect();
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
    assert!(all.windows(2).all(|pair| pair[0].time <= pair[1].time));
}

#[test]
fn scaled_time_keeps_order_and_shape() {
    let plain = replay("heartbeat", "requests = 3000").unwrap();
    let rate = 4.0 * natural_rps("heartbeat");
    let fast = replay("heartbeat", &format!("requests = 3000, rate_rps = {rate}")).unwrap();
    for (slow, fast) in plain.iter().zip(&fast) {
        assert_eq!(slow.truth, fast.truth);
        assert!((slow.time.0 as f64 / 4.0 - fast.time.0 as f64).abs() <= 1.0);
    }
}

#[test]
fn thinned_arrivals_are_a_part_of_the_recording() {
    let all = replay("heartbeat", "requests = 40_000").unwrap();
    let aim = natural_rps("heartbeat") * 0.3;
    let part =
        replay("heartbeat", &format!("replay = 'thinned', requests = 9000, rate_rps = {aim}"));
    let part = part.unwrap();
    let mut rest = all.iter();
    assert!(
        part.iter().all(|kept| rest.any(|any| (any.time, any.truth) == (kept.time, kept.truth)))
    );
    // Binomial: n kept of n / 0.3, relative standard error √(0.7 / n) = 0.0088; five of them.
    assert!((rate(&part) / aim - 1.0).abs() < 0.044, "{} of {aim}", rate(&part));
    let message = replay("heartbeat", "replay = 'thinned', rate_rps = 1e6").unwrap_err();
    assert!(message.contains("times the recorded rate in 1 copies"), "{message}");
}

#[test]
fn superposed_copies_start_apart() {
    let natural = natural_rps("heartbeat");
    let all = replay("heartbeat", "replay = 'superposed', copies = 3, requests = 60_000").unwrap();
    // Recordings are periodic: rounds of equal length differ by their ends only.
    assert!((rate(&all) / natural / 3.0 - 1.0).abs() < 0.01, "{}", rate(&all) / natural);
    // 2.5 times the rate takes three copies, one in six requests left out.
    let aim = 2.5 * natural;
    let all =
        replay("heartbeat", &format!("replay = 'superposed', rate_rps = {aim}, requests = 60_000"));
    assert!((rate(&all.unwrap()) / aim - 1.0).abs() < 0.012);
}

#[test]
fn refitted_arrivals_keep_the_counts_of_intervals() {
    let (offsets, _) = file("heartbeat");
    let interval = 300_000_000_000;
    let (first, last) =
        (offsets.iter().min().unwrap() / interval, offsets.iter().max().unwrap() / interval);
    let mut counts = vec![0u64; (last - first + 1) as usize];
    offsets.iter().for_each(|at| counts[(at / interval - first) as usize] += 1);
    let total: u64 = counts.iter().sum();
    let span_s = 300.0 * counts.len() as f64;
    let natural = total as f64 / span_s;
    // Ten times as fast for eight rounds.
    let requests = total * 80;
    let settings = format!(
        "replay = 'refitted', interval_s = 300, rate_rps = {}, requests = {requests}",
        natural * 10.0
    );
    let all = replay("heartbeat", &settings).unwrap();
    let mut found = vec![0u64; counts.len()];
    for arrival in all.iter().filter(|arrival| arrival.time.as_s() < 7.0 * span_s) {
        found[(arrival.time.0 / interval) as usize % counts.len()] += 1;
    }
    for (found, count) in found.iter().zip(&counts) {
        let expected = 70.0 * *count as f64;
        // Variation of gaps is below 3 everywhere: a count varies by 3 √n at most.
        assert!((*found as f64 - expected).abs() <= 15.0 * expected.sqrt(), "{found} {expected}");
    }
}
