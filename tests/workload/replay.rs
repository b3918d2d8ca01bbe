//! How recorded arrivals come to a rate, against the trace file itself.

use crate::support::common::arrivals::{arrivals, prepare};
use peeksim::core::ids::Arrival;

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
    let trace = format!("workload = {{ arrivals = 'recorded', {settings} }}");
    Ok(arrivals(&prepare(&[&apps, &trace])?, 0))
}

fn rate(all: &[Arrival]) -> f64 {
    (all.len() - 1) as f64 / all[all.len() - 1].time.since(all[0].time).as_s()
}

/// Time and row of every arrival, and the same as the file has them, counted from `first`.
fn stamps(all: &[Arrival], offsets: &[u64], first: u64) -> [Vec<(u64, u32)>; 2] {
    let found = all.iter().map(|a| (a.time.0, a.truth.row)).collect();
    let expected = offsets.iter().zip(0..).map(|(at, row)| (at - first, row)).collect();
    [found, expected].map(|mut stamps: Vec<(u64, u32)>| {
        stamps.sort_unstable();
        stamps
    })
}

#[test]
fn exact_stamps_are_the_files_from_its_first_row_to_its_last() {
    let (offsets, _) = file("heartbeat");
    let first = *offsets.iter().min().expect("a row");
    assert!(first > 1_200_000_000_000, "the recording begins after 20 minutes");
    for (keep, first) in [("false", first), ("true", 0)] {
        let settings = format!("replay = 'exact', keep_offset = {keep}, requests = 1_000_000");
        let all = replay("heartbeat", &settings).unwrap();
        let [found, expected] = stamps(&all, &offsets, first);
        assert_eq!(found, expected);
        assert!(all.windows(2).all(|pair| pair[0].time <= pair[1].time));
    }
    let default = replay("heartbeat", "replay = 'exact', requests = 1").unwrap();
    assert_eq!(default[0].time.0, 0);
}

#[test]
fn the_clock_of_every_application_begins_at_its_first_row_that_arrives() {
    let trace = "workload = { arrivals = 'recorded', replay = 'exact', requests = 1_000_000, \
                 source_split = 'even' }";
    let prepared = prepare(&[trace]).unwrap();
    let all = arrivals(&prepared, 0);
    for app in prepared.catalog.app_ids() {
        let first = all.iter().find(|arrival| arrival.app == app).expect("an arrival");
        assert_eq!(first.time.0, 0, "{}", prepared.catalog.app(app).name);
    }
}

#[test]
fn scaled_time_keeps_order_and_shape_at_the_rate_of_the_run() {
    // The rows that run, ten thousand or a few, have the rate; not the recording as a whole.
    for requests in [20, 3000] {
        let plain = replay("heartbeat", &format!("requests = {requests}")).unwrap();
        let settings = format!("requests = {requests}, rate_rps = 250");
        let fast = replay("heartbeat", &settings).unwrap();
        assert!((rate(&fast) / 250.0 - 1.0).abs() < 1e-6, "{}", rate(&fast));
        let factor = rate(&plain) / 250.0;
        assert!((rate(&plain) / natural_rps("heartbeat") - 1.0).abs() > 1e-3);
        for (slow, fast) in plain.iter().zip(&fast) {
            assert_eq!(slow.truth, fast.truth);
            assert!((slow.time.0 as f64 * factor - fast.time.0 as f64).abs() <= 2.0);
        }
    }
    // Several applications have their shares, and all of them together the rate.
    let mix = "mix = { activity = 1, heartbeat = 2, voice = 1 }";
    let trace =
        format!("workload = {{ arrivals = 'recorded', requests = 2000, rate_rps = 80, {mix} }}");
    let all = arrivals(&prepare(&[&trace]).unwrap(), 0);
    assert!((rate(&all) / 80.0 - 1.0).abs() < 1e-6, "{}", rate(&all));
    let heart = all.iter().filter(|arrival| arrival.app.index() == 1).count();
    assert!((heart as f64 / 1000.0 - 1.0).abs() < 0.05, "{heart}");
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
    let interval = 250_000_000_000;
    let (first, last) = (*offsets.iter().min().unwrap(), *offsets.iter().max().unwrap());
    let mut counts = vec![0u64; ((last - first) / interval + 1) as usize];
    offsets.iter().for_each(|at| counts[((at - first) / interval) as usize] += 1);
    let total: u64 = counts.iter().sum();
    // The recording comes again a mean gap after its end.
    let natural = (total - 1) as f64 * 1e9 / (last - first) as f64;
    let span_s = total as f64 / natural;
    // Ten times as fast for eight rounds.
    let requests = total * 80;
    let settings = format!(
        "replay = 'refitted', interval_s = 250, rate_rps = {}, requests = {requests}",
        natural * 10.0
    );
    let all = replay("heartbeat", &settings).unwrap();
    let mut found = vec![0u64; counts.len()];
    for arrival in all.iter().filter(|arrival| arrival.time.as_s() < 7.0 * span_s) {
        let within_s = arrival.time.as_s() % span_s;
        found[((within_s * 1e9) as u64 / interval) as usize] += 1;
    }
    for (found, count) in found.iter().zip(&counts) {
        let expected = 70.0 * *count as f64;
        // Variation of gaps is below 3 everywhere: a count varies by 3 √n at most.
        assert!((*found as f64 - expected).abs() <= 15.0 * expected.sqrt(), "{found} {expected}");
    }
    // At its own rate it is as fast as recorded: gaps vary by less than 3, five standard errors.
    let settings = format!("replay = 'refitted', interval_s = 250, requests = {total}");
    let own = rate(&replay("heartbeat", &settings).unwrap());
    assert!((own / natural - 1.0).abs() < 15.0 / (total as f64).sqrt(), "{own} {natural}");
}
