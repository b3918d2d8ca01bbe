//! Deadline budgets: the time from a request's arrival to its deadline.
//!
//! | as written | budget in milliseconds |
//! |---|---|
//! | `100` | the same for every request |
//! | `{ uniform = [low, high] }` | uniform between two ends |
//! | `{ normal = [mean, deviation] }` | normal, at least 1 ms |
//! | `{ lognormal = [mean, deviation] }` | log-normal with these moments |
//! | `{ proportional = 5, variant = "…" }` | times the shortest latency of a lone request |
//! | `{ slo = 100, network = … }` | `slo` less a draw of `network`, at least 1 ms |
//! | `{ mixture = [{ share = 1, budget = 30 }, …] }` | any of these, by share |
//!
//! In an experiment a list of these gives each source of an application its own: source i has the
//! (i modulo length)-th.
//!
//! The latency of a lone request is the shortest on any worker, with the named variant or else the
//! most accurate one that can run on any (`Catalog::lone`).
//!
//! Units: milliseconds in experiments, nanoseconds here.

use crate::config::{ConfigNode, Decoder, Group, Kind, Problem, Problems, Setting, Value, decode};
use crate::core::ids::SourceId;
use crate::core::rng::{standard_normal, uniform_integer};
use crate::core::units::{NS_PER_MS, Span};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

/// A deadline budget, fixed or drawn per request.
#[derive(Clone, Debug, PartialEq)]
pub enum DeadlineBudget {
    /// The same for every request.
    Fixed(Span),
    /// Uniform between two ends.
    Uniform(Span, Span),
    /// Normal with mean and standard deviation in milliseconds, at least 1 ms.
    Normal(f64, f64),
    /// Log-normal with mean and standard deviation in milliseconds.
    LogNormal(f64, f64),
    /// Times the shortest latency of a lone request, with the named variant or the most accurate.
    Proportional(f64, Option<String>),
    /// Any of these, by share.
    Mixture(Arc<[(f64, DeadlineBudget)]>),
    /// The first, less a draw of the second, the transfer of the request; at least 1 ms. As in
    /// Jellyfish (Nigade et al., RTSS 2022).
    Left(Span, Arc<DeadlineBudget>),
    /// By source, from the first on again where there are more sources.
    BySource(Arc<[DeadlineBudget]>),
}

const MS: Kind = Kind::Number(0.0, DeadlineBudget::MAX_MS);
const PAIR: Kind = Kind::List(&MS);

/// A budget: milliseconds or a distribution.
pub const BUDGET: Kind =
    Kind::OneOf(&[Kind::Number(1e-6, DeadlineBudget::MAX_MS), Kind::Table(&DISTRIBUTION)]);

/// The budget of an application: one for all sources, or one for each.
pub const BUDGETS: [Kind; 2] = [BUDGET, Kind::List(&BUDGET)];

fn budget() -> Kind {
    BUDGET
}

/// A budget that is written as a table, with one of these keys.
const DISTRIBUTION: Group = Group::named("budget").of(&[&[
    Setting::optional("uniform", PAIR, "").means("The ends of a uniform distribution, in ms."),
    Setting::optional("normal", PAIR, "")
        .means("Mean and standard deviation of a normal distribution, in ms; at least 1 ms."),
    Setting::optional("lognormal", PAIR, "")
        .means("Mean and standard deviation of a log-normal distribution, in ms."),
    Setting::optional("proportional", Kind::Number(1e-3, 1e6), "")
        .means("How many times the shortest latency of a lone request."),
    Setting::optional("variant", Kind::Text, "the most accurate that can run")
        .means("The variant whose latency counts, for `proportional`."),
    Setting::optional("mixture", Kind::List(&Kind::Table(&PART)), "")
        .means("Several budgets, each with a share of the requests."),
    Setting::optional("slo", Kind::Number(1.0, DeadlineBudget::MAX_MS), "")
        .means("Milliseconds of which `network` takes some; at least 1 ms is left."),
    Setting::optional("network", Kind::Again(budget), "")
        .means("The budget that the network takes of `slo`."),
]]);

const PART: Group = Group::named("part of a mixture").of(&[&[
    Setting::number("share", [0.0, 1e9], 1.0)
        .means("The share of requests, relative to the others."),
    Setting::required("budget", Kind::Again(budget)).means("Their budget."),
]]);

impl DeadlineBudget {
    /// The largest budget that is accepted, a year.
    const MAX_MS: f64 = 3.2e10;
    /// The keys of distributions.
    const DISTRIBUTIONS: [&str; 5] = ["uniform", "normal", "lognormal", "proportional", "mixture"];

    /// Whether a table is a distribution rather than budgets by application.
    pub fn is_distribution(node: &ConfigNode) -> bool {
        let has = |key: &str| node.get(key).is_some();
        has("network") || Self::DISTRIBUTIONS.into_iter().any(has)
    }

    /// Reads a number of milliseconds or a distribution.
    pub fn read(node: &ConfigNode, problems: &mut Problems) -> Option<Self> {
        if !matches!(node.value, Value::Table(_)) {
            let ms = decode::number(node, &(1e-6..=Self::MAX_MS), problems)?;
            return Some(Self::Fixed(Span::from_ms(ms)));
        }
        let mut read = Decoder::new(node, &DISTRIBUTION, problems);
        if let Some(network) = read.take("network") {
            let expected = "milliseconds, of which the network takes some";
            let slo = read.required_number("slo", expected);
            let network = Self::read(network, read.problems());
            read.finish();
            return Some(Self::Left(Span::from_ms(slo?), Arc::new(network?)));
        }
        let given = Self::DISTRIBUTIONS.iter().filter_map(|key| Some((*key, read.take(key)?)));
        let given: Vec<(&str, &ConfigNode)> = given.collect();
        let variant = node.get("proportional").and_then(|_| read.take("variant"));
        let budget = match given.as_slice() {
            [("uniform", ends)] => {
                let [low, high] = pair(ends, read.problems())?;
                if low > high {
                    let expected = "the low end first, then the high one";
                    read.problems().push(decode::mismatch(ends, expected));
                }
                Some(Self::Uniform(Span::from_ms(low), Span::from_ms(high)))
            }
            [("normal", moments)] => {
                pair(moments, read.problems()).map(|[mean, sd]| Self::Normal(mean, sd))
            }
            [("lognormal", moments)] => {
                let [mean, sd] = pair(moments, read.problems())?;
                if mean <= 0.0 {
                    read.problems().push(decode::mismatch(moments, "a mean above 0"));
                }
                Some(Self::LogNormal(mean, sd))
            }
            [("proportional", times)] => {
                let times = read.number_at("proportional", times)?;
                let variant = variant.and_then(|node| decode::text(node, read.problems()));
                Some(Self::Proportional(times, variant.map(str::to_owned)))
            }
            [("mixture", parts)] => Self::mixture(parts, read.problems()),
            _ => {
                let expected = "a number of milliseconds, { uniform = [low, high] }, \
                                { normal = [mean, deviation] }, { lognormal = [mean, deviation] }, \
                                { proportional = times }, { mixture = [{ share, budget }] } or \
                                { slo, network = any of these }";
                read.problems().push(Problem::new(node.place.clone(), node.canonical(), expected));
                None
            }
        };
        read.finish();
        budget
    }

    /// Reads a budget for all sources of an application, or a list of one for each.
    pub fn read_for_sources(node: &ConfigNode, problems: &mut Problems) -> Option<Self> {
        let Value::Array(items) = &node.value else { return Self::read(node, problems) };
        if items.is_empty() {
            problems.push(Problem::new(node.place.clone(), "no budget", "one for each source"));
        }
        let each = items.iter().map(|item| Self::read(item, problems));
        let each: Vec<Option<Self>> = each.collect();
        each.into_iter().collect::<Option<Vec<Self>>>().map(|each| Self::BySource(each.into()))
    }

    /// The budget of a source.
    #[inline]
    pub fn of_source(&self, source: Option<SourceId>) -> &Self {
        match self {
            Self::BySource(each) => {
                each.get(source.map_or(0, SourceId::index) % each.len().max(1)).unwrap_or(self)
            }
            all => all,
        }
    }

    /// How many sources have a budget of their own; `None` where all have the same.
    pub fn sources(&self) -> Option<usize> {
        match self {
            Self::BySource(each) => Some(each.len()),
            _ => None,
        }
    }

    fn mixture(node: &ConfigNode, problems: &mut Problems) -> Option<Self> {
        let mut parts = Vec::new();
        let items = decode::array(node, problems);
        for item in items {
            let mut read = Decoder::new(item, &PART, problems);
            let share = read.number("share");
            let budget = read.require("budget", "a number of milliseconds or a distribution");
            parts.extend(budget.and_then(|b| Self::read(b, read.problems())).map(|b| (share, b)));
            read.finish();
        }
        if parts.iter().map(|(share, _)| share).sum::<f64>() > 0.0 {
            return Some(Self::Mixture(parts.into()));
        }
        // Other problems have been reported.
        if parts.len() == items.len() {
            problems.push(decode::mismatch(node, "a list of { share, budget }, a share above 0"));
        }
        None
    }

    /// Replaces proportions by lengths; `lone` is the shortest latency of a lone request.
    ///
    /// # Errors
    /// Those of `lone`.
    pub fn resolve<E>(&self, lone: &impl Fn(Option<&str>) -> Result<Span, E>) -> Result<Self, E> {
        Ok(match self {
            Self::Proportional(times, variant) => {
                Self::Fixed(Span(lone(variant.as_deref())?.scale(*times).0.max(1)))
            }
            Self::Mixture(parts) => {
                let part = |(share, budget): &(f64, Self)| Ok((*share, budget.resolve(lone)?));
                Self::Mixture(parts.iter().map(part).collect::<Result<_, _>>()?)
            }
            Self::Left(slo, network) => Self::Left(*slo, Arc::new(network.resolve(lone)?)),
            Self::BySource(each) => {
                let each = each.iter().map(|budget| budget.resolve(lone));
                Self::BySource(each.collect::<Result<_, _>>()?)
            }
            other => other.clone(),
        })
    }

    /// One request's budget.
    pub fn draw(&self, rng: &mut ChaCha8Rng) -> Span {
        match self {
            Self::Fixed(span) => *span,
            Self::Uniform(low, high) => Span(uniform_integer(low.0, high.0, rng)),
            other => other.draw_shaped(rng),
        }
    }

    /// Draws `count` budgets.
    #[inline]
    pub fn draw_block(&self, count: usize, rng: &mut ChaCha8Rng, mut each: impl FnMut(Span)) {
        match self {
            Self::Uniform(low, high) => {
                (0..count).for_each(|_| each(Span(uniform_integer(low.0, high.0, rng))));
            }
            other => (0..count).for_each(|_| each(other.draw(rng))),
        }
    }

    /// A separate function, so that the usual distributions are inlined.
    #[inline(never)]
    fn draw_shaped(&self, rng: &mut ChaCha8Rng) -> Span {
        match self {
            Self::Fixed(_) | Self::Uniform(..) => self.draw(rng),
            Self::Normal(mean, sd) => {
                let standard = standard_normal(rng.random(), rng.random());
                Span(Span::from_ms(mean + sd * standard).0.max(NS_PER_MS))
            }
            Self::LogNormal(mean, sd) => {
                log_normal(*mean, *sd, standard_normal(rng.random(), rng.random()))
            }
            // Resolved before the run.
            Self::Proportional(..) => Span::ZERO,
            Self::Mixture(parts) => {
                let total: f64 = parts.iter().map(|(share, _)| share).sum();
                let mut at = rng.random::<f64>() * total;
                let inside = |(share, _): &&(f64, Self)| {
                    at -= share;
                    at < 0.0
                };
                parts.iter().find(inside).map_or(Span::ZERO, |(_, budget)| budget.draw(rng))
            }
            Self::Left(slo, network) => left(*slo, network.draw(rng)),
            Self::BySource(each) => each.first().map_or(Span::ZERO, |first| first.draw(rng)),
        }
    }

    /// A budget that few fall below: the lowest end, or two deviations below the mean.
    pub fn low(&self) -> Span {
        self.ends()[0]
    }

    /// The one budget with which a planner counts: the fixed one, the low end of a uniform one, the
    /// 5 % quantile of a normal or log-normal one, the least of a mixture; of what a network
    /// leaves, what is left after the 95 % quantile of its transfer; of several sources the least.
    pub fn planning(&self) -> Span {
        match self {
            Self::Uniform(low, _) => *low,
            Self::Mixture(parts) => arriving(parts).map(Self::planning).min().unwrap_or_default(),
            Self::Left(slo, network) => left(*slo, network.quantile(Self::HIGH)),
            Self::BySource(each) => each.iter().map(Self::planning).min().unwrap_or_default(),
            other => other.quantile(-Self::HIGH),
        }
    }

    /// The deviations above the mean of a normal distribution at its 95 % quantile.
    const HIGH: f64 = 1.644_853_626_951_472_7;

    /// The quantile of a normal distribution that many deviations above its mean, or the same
    /// quantile of another one, for 5 % and 95 %; of a mixture the outermost of its parts'.
    fn quantile(&self, deviations: f64) -> Span {
        match self {
            Self::Fixed(span) => *span,
            Self::Uniform(low, high) => {
                let share = if deviations < 0.0 { 0.05 } else { 0.95 };
                *low + Span(high.0 - low.0).scale(share)
            }
            Self::Normal(mean, sd) => Span(Span::from_ms(mean + deviations * sd).0.max(NS_PER_MS)),
            Self::LogNormal(mean, sd) => log_normal(*mean, *sd, deviations),
            Self::Proportional(..) => Span::ZERO,
            Self::Mixture(parts) => {
                let each = arriving(parts).map(|part| part.quantile(deviations));
                let outermost = if deviations < 0.0 { each.min() } else { each.max() };
                outermost.unwrap_or_default()
            }
            Self::Left(slo, network) => left(*slo, network.quantile(-deviations)),
            Self::BySource(each) => {
                let each = each.iter().map(|budget| budget.quantile(deviations));
                let outermost = if deviations < 0.0 { each.min() } else { each.max() };
                outermost.unwrap_or_default()
            }
        }
    }

    /// Two budgets that few fall below, and that few exceed.
    fn ends(&self) -> [Span; 2] {
        let normal = |mean: f64, sd: f64| Span(Span::from_ms(mean + sd).0.max(NS_PER_MS));
        match self {
            Self::Fixed(span) => [*span; 2],
            Self::Uniform(low, high) => [*low, *high],
            Self::Normal(mean, sd) => [-2.0, 2.0].map(|times| normal(*mean, times * sd)),
            Self::LogNormal(mean, sd) => [-2.0, 2.0].map(|times| log_normal(*mean, *sd, times)),
            Self::Proportional(..) => [Span::ZERO; 2],
            Self::Mixture(parts) => {
                let ends: Vec<[Span; 2]> = arriving(parts).map(Self::ends).collect();
                let low = ends.iter().map(|ends| ends[0]).min();
                let high = ends.iter().map(|ends| ends[1]).max();
                [low, high].map(Option::unwrap_or_default)
            }
            Self::Left(slo, network) => {
                let [low, high] = network.ends();
                [left(*slo, high), left(*slo, low)]
            }
            Self::BySource(each) => {
                let ends: Vec<[Span; 2]> = each.iter().map(Self::ends).collect();
                let low = ends.iter().map(|ends| ends[0]).min();
                let high = ends.iter().map(|ends| ends[1]).max();
                [low, high].map(Option::unwrap_or_default)
            }
        }
    }
}

/// The budgets of a mixture that some requests have.
fn arriving(parts: &[(f64, DeadlineBudget)]) -> impl Iterator<Item = &DeadlineBudget> {
    parts.iter().filter(|(share, _)| *share > 0.0).map(|(_, budget)| budget)
}

/// The rest of a budget, 1 ms at least.
fn left(slo: Span, network: Span) -> Span {
    Span(slo.0.saturating_sub(network.0).max(NS_PER_MS))
}

/// The log-normal draw with these moments for a standard normal one, 1 ns at least.
fn log_normal(mean: f64, sd: f64, standard: f64) -> Span {
    let variance = libm::log1p((sd / mean) * (sd / mean));
    let ms = mean * libm::exp(libm::sqrt(variance) * standard - variance / 2.0);
    Span(Span::from_ms(ms).0.clamp(1, Span::from_ms(DeadlineBudget::MAX_MS).0))
}

/// Two numbers ≥ 0.
fn pair(node: &ConfigNode, problems: &mut Problems) -> Option<[f64; 2]> {
    let items = decode::array(node, problems);
    if items.len() != 2 {
        problems.push(decode::mismatch(node, "two numbers in milliseconds"));
        return None;
    }
    let range = 0.0..=DeadlineBudget::MAX_MS;
    let first = decode::number(&items[0], &range, problems)?;
    Some([first, decode::number(&items[1], &range, problems)?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::rng::{Label, Rng};

    fn read(text: &str) -> DeadlineBudget {
        let mut problems = Problems::default();
        let budget = DeadlineBudget::read(&ConfigNode::parse_override(text), &mut problems);
        problems.check(budget).unwrap_or_else(|problems| panic!("{problems}"))
    }

    #[test]
    fn distributions_have_their_moments() {
        let n = 100_000u32;
        for (text, mean, sd) in [
            ("{ uniform = [20, 80] }", 50.0, 60.0 / 12f64.sqrt()),
            ("{ normal = [100, 10] }", 100.0, 10.0),
            ("{ lognormal = [100, 50] }", 100.0, 50.0),
            ("{ slo = 150, network = { lognormal = [50, 10] } }", 100.0, 10.0),
            // Mean 0.2 · 30 + 0.8 · 130, variance of the two points.
            (
                "{ mixture = [{ share = 1, budget = 30 }, { share = 4, budget = 130 }] }",
                110.0,
                40.0,
            ),
        ] {
            let (budget, mut rng) = (read(text), Rng::new(1, 0).stream(Label::Budgets));
            let draws: Vec<f64> = (0..n).map(|_| budget.draw(&mut rng).as_ms()).collect();
            let found = draws.iter().sum::<f64>() / f64::from(n);
            let error = sd / f64::from(n).sqrt();
            assert!((found - mean).abs() < 5.0 * error, "{text}: {found}");
            let square = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / f64::from(n);
            // Fourth moments of these are below 9 σ⁴.
            assert!((square.sqrt() / sd - 1.0).abs() < 5.0 * 3.0 / 2.0 / f64::from(n).sqrt());
        }
    }

    #[test]
    fn budgets_less_the_network_have_their_ends() {
        let ms = Span::from_ms;
        let budget = read("{ slo = 100, network = { uniform = [20, 300] } }");
        assert_eq!(budget.low(), ms(1.0));
        let mut rng = Rng::new(1, 0).stream(Label::Budgets);
        let draws: Vec<Span> = (0..1000).map(|_| budget.draw(&mut rng)).collect();
        assert!(draws.iter().all(|span| (ms(1.0)..=ms(80.0)).contains(span)));
        // Between 100 and 300 of 20 to 300 nothing is left.
        let none = draws.iter().filter(|span| **span == ms(1.0)).count();
        assert!((none as f64 / 1000.0 - 201.0 / 280.0).abs() < 0.08, "{none}");
        assert_eq!(read("{ slo = 100, network = 30 }").low(), ms(70.0));
        let times = read("{ slo = 100, network = { proportional = 2 } }");
        let lone = |_: Option<&str>| Ok::<_, ()>(ms(4.0));
        assert_eq!(times.resolve(&lone).unwrap().low(), ms(92.0));
    }

    #[test]
    fn a_planner_counts_with_one_budget() {
        for (text, expected) in [
            ("40", 40.0),
            ("{ uniform = [20, 80] }", 20.0),
            ("{ normal = [100, 10] }", 100.0 - 16.448_536),
            ("{ normal = [5, 10] }", 1.0),
            // Mean and variance of the logarithm: ln 100 − s²/2 with s² = ln 1.25.
            ("{ lognormal = [100, 50] }", 41.124_385),
            ("{ mixture = [{ budget = 90 }, { budget = { uniform = [30, 60] } }] }", 30.0),
            ("{ mixture = [{ budget = 90 }, { share = 0, budget = 5 }] }", 90.0),
            ("{ slo = 150, network = { uniform = [20, 40] } }", 150.0 - 39.0),
            ("{ slo = 150, network = { normal = [50, 10] } }", 100.0 - 16.448_536),
            ("{ slo = 150, network = { mixture = [{ budget = 9 }, { budget = 20 }] } }", 130.0),
            ("{ slo = 20, network = 30 }", 1.0),
        ] {
            let found = read(text).planning().as_ms();
            assert!((found - expected).abs() < 1e-5, "{text}: {found}");
        }
    }

    #[test]
    fn sources_have_budgets_in_turn() {
        let mut problems = Problems::default();
        let node = ConfigNode::parse_override("[90, { uniform = [30, 60] }]");
        let budget = DeadlineBudget::read_for_sources(&node, &mut problems);
        let budget = problems.check(budget).unwrap_or_else(|problems| panic!("{problems}"));
        let of = |source| budget.of_source(Some(SourceId::new(source))).planning().as_ms();
        assert_eq!([0, 1, 2, 5].map(of), [90.0, 30.0, 90.0, 30.0]);
        // A planner counts with the least of all, and so does who looks for low budgets.
        assert_eq!([budget.planning(), budget.low()].map(Span::as_ms), [30.0, 30.0]);
    }

    #[test]
    fn proportions_are_resolved_within_mixtures() {
        let budget = read("{ mixture = [{ budget = { proportional = 2.5 } }, { budget = 9 }] }");
        let lone = |_: Option<&str>| Ok::<_, ()>(Span(4_000_000));
        let resolved = budget.resolve(&lone).unwrap();
        assert_eq!(resolved.low(), Span(9_000_000));
        let fixed = |ms: f64| (1.0, DeadlineBudget::Fixed(Span::from_ms(ms)));
        assert_eq!(resolved, DeadlineBudget::Mixture([fixed(10.0), fixed(9.0)].into()));
    }
}
