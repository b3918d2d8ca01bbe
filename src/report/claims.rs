//! Claims and their verdicts, from paired 95 % intervals over replicates.

use super::compare::{Difference, RowsByLabel};
use super::results::Results;
use crate::experiment::{Expectation, Relation};
use crate::stats::Estimate;

/// The verdict on a claim about runs, or on a figure with a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The whole interval is on the claimed side (with zero, unless the claim is strict); the
    /// figure is within an informative tolerance of its target.
    Holds,
    /// The whole interval is on the other side; the figure is beyond its tolerance.
    Contradicted,
    /// The interval covers both sides, or there is none: a single replicate, or replicates without
    /// scatter. Or the tolerance of the target is not informative.
    Undecided,
    /// No target is given.
    Reported,
    /// The data that the figure needs is absent.
    NoData,
    /// A published claim whose setting is missing here.
    NotTransposable,
}

impl Verdict {
    /// All of them, in the order of reports.
    pub const ALL: [Self; 6] = [
        Self::Holds,
        Self::Contradicted,
        Self::Undecided,
        Self::Reported,
        Self::NoData,
        Self::NotTransposable,
    ];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Contradicted => "contradicted",
            Self::Undecided => "undecided",
            Self::Reported => "reported",
            Self::NoData => "no data",
            Self::NotTransposable => "not transposable",
        }
    }
}

/// A claim at one setting.
#[derive(Clone, Debug)]
pub struct ClaimResult {
    /// The settings of the other axes, `rate_rps = 10`; or why the claim cannot be asked.
    pub setting: String,
    /// Left minus right, or minus its multiple.
    pub difference: Option<Estimate>,
    /// Of a claim with a factor, the mean of the left divided by that of the right.
    pub ratio: Option<f64>,
    /// What follows.
    pub verdict: Verdict,
}

impl ClaimResult {
    /// `+0.0120 ± 0.0031`.
    pub fn difference_text(&self) -> String {
        if self.verdict == Verdict::NotTransposable {
            return "–".to_owned();
        }
        self.difference.map_or("no runs".to_owned(), |e| {
            // Differences that four places would show as nothing get six.
            let places = if e.mean.abs() < 0.0005 { 6 } else { 4 };
            let width = match e.half_width {
                Some(width) => format!(" ± {width:.places$}"),
                None if e.count > 1 => " (no scatter)".to_owned(),
                None => String::new(),
            };
            format!("{:+.places$}{width}", e.mean)
        })
    }
}

/// Judges a claim at every setting its filter leaves.
pub fn judge(results: &Results, claim: &Expectation) -> Vec<ClaimResult> {
    judge_first(results, claim, u64::MAX)
}

/// Judges a claim by the first `count` replicates.
pub fn judge_first(results: &Results, claim: &Expectation, replicates: u64) -> Vec<ClaimResult> {
    if let Some(reason) = &claim.not_transposable {
        let (setting, verdict) = (reason.clone(), Verdict::NotTransposable);
        return vec![ClaimResult { setting, difference: None, ratio: None, verdict }];
    }
    let Some(axis) = results.axis(&claim.axis) else { return Vec::new() };
    let mut rows = results.filtered(&claim.filter);
    rows.retain(|row| row.replicate < replicates);
    let label = |asked: &str| results.label(axis, asked).unwrap_or_else(|| asked.to_owned());
    let (left, right) = (label(&claim.left), label(&claim.right));
    let found = RowsByLabel::new(&rows, axis);
    let found = found.differences([&left, &right], &claim.metric, claim.factor);
    let names = results.other_axes(axis);
    found
        .into_iter()
        .map(|difference| {
            let labels = names.iter().zip(&difference.setting);
            let setting: Vec<String> =
                labels.map(|(name, label)| format!("{name} = {label}")).collect();
            ClaimResult {
                setting: setting.join(", "),
                verdict: verdict(difference.ends, claim.relation),
                difference: difference.estimate,
                ratio: ratio(&difference, claim.factor),
            }
        })
        .collect()
}

/// The ratio of means of a claim with a factor; `None` if the right is 0.
fn ratio(difference: &Difference, factor: f64) -> Option<f64> {
    let (mean, right) = (difference.estimate?.mean, difference.base?);
    (factor != 1.0 && right != 0.0).then(|| factor * (mean + right) / right)
}

fn verdict(ends: Option<(f64, f64)>, relation: Relation) -> Verdict {
    let Some((low, high)) = ends else { return Verdict::Undecided };
    let (low, high) = match relation {
        Relation::Greater | Relation::GreaterOrEqual => (low, high),
        Relation::Less | Relation::LessOrEqual => (-high, -low),
    };
    let strict = matches!(relation, Relation::Greater | Relation::Less);
    if low > 0.0 || (low == 0.0 && !strict) {
        Verdict::Holds
    } else if high < 0.0 || (high == 0.0 && strict) {
        Verdict::Contradicted
    } else {
        Verdict::Undecided
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Location;
    use crate::config::source::Source;

    /// With half as much on the right: twice as much and no more.
    #[test]
    fn a_factor_multiplies_the_right_side() {
        let lefts = [[2.0, 1.0], [2.2, 1.1], [1.9, 0.95]];
        let mut text = "run_id,schema_version,config_hash,replicate,seed,scheduler,\
                        accuracy_source,utility_mean,error\n"
            .to_owned();
        for (replicate, pair) in lefts.iter().enumerate() {
            for (label, value) in ["a", "b"].iter().zip(pair) {
                text.push_str(&format!("id,1,hash,{replicate},1,{label},none,{value},\n"));
            }
        }
        let source = Source { path: String::new(), text, sha256: String::new() };
        let results = Results::parse(&source).unwrap();
        let judged = |factor, relation| {
            let claim = Expectation {
                claim: String::new(),
                left: "a".to_owned(),
                relation,
                right: "b".to_owned(),
                axis: "scheduler".to_owned(),
                metric: "utility_mean".to_owned(),
                factor,
                filter: Vec::new(),
                gate: false,
                note: String::new(),
                not_transposable: None,
                place: Location::file(""),
            };
            let [judged] = judge(&results, &claim).try_into().unwrap();
            judged
        };
        assert_eq!(judged(1.5, Relation::Greater).verdict, Verdict::Holds);
        assert_eq!(judged(2.5, Relation::Greater).verdict, Verdict::Contradicted);
        assert_eq!(judged(2.5, Relation::LessOrEqual).verdict, Verdict::Holds);
        // Exactly twice in every replicate: no scatter.
        assert_eq!(judged(2.0, Relation::GreaterOrEqual).verdict, Verdict::Undecided);
        assert!((judged(1.5, Relation::Greater).ratio.unwrap() - 2.0).abs() < 1e-12);
        assert_eq!(judged(1.0, Relation::Greater).ratio, None);
    }

    #[test]
    fn verdicts_follow_the_interval() {
        let ends = |e: Estimate| e.half_width.map(|_| (e.low(), e.high()));
        let of = |values: &[f64]| Estimate::of(values).and_then(ends);
        assert_eq!(verdict(of(&[1.0, 1.1, 0.9]), Relation::Greater), Verdict::Holds);
        assert_eq!(verdict(of(&[1.0, 1.1, 0.9]), Relation::Less), Verdict::Contradicted);
        assert_eq!(verdict(of(&[1.0, -1.1, 0.1]), Relation::Less), Verdict::Undecided);
        for agreed in [[0.0; 2], [0.5; 2], [-0.5; 2]] {
            for relation in [Relation::Greater, Relation::GreaterOrEqual, Relation::LessOrEqual] {
                assert_eq!(verdict(of(&agreed), relation), Verdict::Undecided, "no scatter");
            }
        }
        assert_eq!(verdict(of(&[1.0]), Relation::Greater), Verdict::Undecided);
        assert_eq!(verdict(None, Relation::Greater), Verdict::Undecided);
    }
}
