//! The number of steps of a process between two arrivals.
//!
//! Some processes pass through states, intervals or candidates of which most yield no request. The
//! mean number of these steps follows from the settings: more than [`EACH`] per request are refused
//! before a run starts. Short runs may take as many as one of [`LEAST_REQUESTS`]: that takes
//! seconds.

use super::WorkloadSpec;
use crate::config::Problem;

/// The most steps per request, on average.
const EACH: u64 = 10_000;
/// Runs of fewer requests may take as many steps as runs of this many.
const LEAST_REQUESTS: u64 = 10_000;

/// The steps of a process until some number of requests have arrived.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Steps {
    /// Their mean number, including those that yield a request.
    pub count: f64,
    /// Their name in the plural, for messages.
    pub what: &'static str,
    /// Whether their number is inversely proportional to the rate.
    pub by_rate: bool,
    /// The settings that make them fewer, for messages.
    pub fewer: &'static str,
}

/// Refuses a workload whose processes take too many steps at this rate.
pub(super) fn check(
    spec: &WorkloadSpec,
    rate_rps: f64,
    all: impl IntoIterator<Item = Steps>,
) -> Result<(), Problem> {
    let all: Vec<Steps> = all.into_iter().collect();
    let count: f64 = all.iter().map(|steps| steps.count).sum();
    let most = EACH as f64 * spec.requests.max(LEAST_REQUESTS) as f64;
    let Some(worst) = all.iter().max_by(|a, b| a.count.total_cmp(&b.count)) else { return Ok(()) };
    if count <= most {
        return Ok(());
    }
    let (requests, what) = (spec.requests, worst.what);
    let found =
        format!("{count:.1e} {what} for {requests} requests at {rate_rps} requests per second");
    let needed = if worst.by_rate {
        // Two digits, rounded up.
        format!("at least {:.1e} requests per second, or ", 1.05 * rate_rps * count / most)
    } else {
        String::new()
    };
    let expected = format!("{most:.0e} at most, {EACH} for each request: {needed}{}", worst.fewer);
    Err(spec.problem("workload.rate_rps", found, expected))
}

#[cfg(test)]
mod tests {
    use crate::config::source::Source;
    use crate::config::{ConfigNode, Decoder, Problems};
    use crate::core::rng::{Label, Rng};
    use crate::workload::{ARRIVALS, PROCESS, Process, StartProcess};

    /// The process that an experiment would write so.
    fn process(text: &str) -> StartProcess {
        let source = Source { path: "x".into(), text: text.into(), sha256: String::new() };
        let (node, mut problems) = (ConfigNode::parse(&source).unwrap(), Problems::default());
        let mut fields = Decoder::new(&node, &PROCESS, &mut problems);
        let name = fields.text("name");
        let entry = ARRIVALS.iter().find(|entry| entry.name == name).unwrap();
        fields.describe(entry.name, entry.settings);
        let Process::Timed(start) = (entry.read)(&mut fields) else { panic!("{name}") };
        fields.finish();
        assert!(problems.is_empty(), "{problems}");
        start
    }

    #[test]
    fn short_times_of_long_periods_keep_their_digits() {
        // The rate begins at 0: 5 requests at 1e9 a second take t with t³ · 2π² / 3T² = 5e-9 s.
        let text = "name = 'diurnal'\namplitude = 1\nphase = 0.75\nperiod_s = 1e9";
        let mut rng = Rng::new(8, 0).stream(Label::Arrivals);
        let steps = process(text)(1e9, &mut rng).steps(5.0).unwrap().count;
        let seconds = libm::cbrt(5e-9 * 3e18 / (2.0 * std::f64::consts::PI.powi(2)));
        assert!((steps / (2e9 * seconds) - 1.0).abs() < 1e-3, "{steps}");
    }

    #[test]
    fn the_steps_of_a_process_are_proportional_to_its_draws() {
        // A step draws two to six words of 32 bits: a gap, and whether it yields a request or how
        // long the state lasts.
        for (text, rate_rps) in [
            ("name = 'mmpp'", 0.05),
            ("name = 'mmpp'\nrates = [0, 1, 4]\nsojourn_ms = [10, 20, 5]", 1.0),
            ("name = 'on-off'\nphases = 'fixed'", 0.05),
            ("name = 'on-off'\ncopies = 20", 0.5),
            ("name = 'diurnal'\nperiod_s = 100", 10.0),
            ("name = 'diurnal'\namplitude = 1\nphase = 0.75\nperiod_s = 1e9", 10.0),
            ("name = 'diurnal'\nnoise_cv = 0.5\nnoise_s = 0.01\nperiod_s = 10", 2.0),
            ("name = 'ramp'\nfrom = 50", 10.0),
            ("name = 'ramp'\nfrom = 0\nover_s = 1e7", 10.0),
        ] {
            let mut rng = Rng::new(8, 0).stream(Label::Arrivals);
            let mut times = process(text)(rate_rps, &mut rng);
            let count = 1000;
            let steps = times.steps(f64::from(count)).unwrap().count;
            for _ in 0..count {
                times.next_time(&mut rng);
            }
            let words = rng.get_word_pos() as f64;
            assert!(steps > 1.1 * f64::from(count), "{text}: {steps}");
            assert!((1.5..7.0).contains(&(words / steps)), "{text}: {words} of {steps}");
        }
    }
}
