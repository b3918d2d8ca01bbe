//! How long after its arrival a request is due.
//!
//! A number in milliseconds, `{ uniform = [low, high] }` or `{ normal = [mean, deviation] }`, the
//! latter truncated at 1 ms from below. Units: milliseconds in experiments, nanoseconds here.

use crate::input::{Fields, Node, Problem, Problems, Value, fields};
use crate::rng::standard_normal;
use crate::units::{NS_PER_MS, Span};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// A deadline budget, fixed or drawn per request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Budget {
    /// The same for every request.
    Fixed(Span),
    /// Uniform between two ends.
    Uniform(Span, Span),
    /// Normal with mean and standard deviation in milliseconds, at least 1 ms.
    Normal(f64, f64),
}

impl Budget {
    /// The largest budget that is accepted, a year.
    const MAX_MS: f64 = 3.2e10;

    /// Reads a number of milliseconds or a distribution.
    pub fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        if !matches!(node.value, Value::Table(_)) {
            let ms = fields::number(node, &(1e-6..=Self::MAX_MS), problems)?;
            return Some(Self::Fixed(Span::from_ms(ms)));
        }
        let mut read = Fields::new(node, problems);
        let (uniform, normal) = (read.take("uniform"), read.take("normal"));
        let budget = match (uniform, normal) {
            (Some(ends), None) => {
                let [low, high] = pair(ends, read.problems())?;
                if low > high {
                    let expected = "the low end first, then the high one";
                    read.problems().push(fields::mismatch(ends, expected));
                }
                Some(Self::Uniform(Span::from_ms(low), Span::from_ms(high)))
            }
            (None, Some(moments)) => {
                pair(moments, read.problems()).map(|[mean, sd]| Self::Normal(mean, sd))
            }
            _ => {
                let expected = "a number of milliseconds, { uniform = [low, high] } or \
                                { normal = [mean, deviation] }";
                read.problems().push(Problem::new(node.place.clone(), node.canonical(), expected));
                None
            }
        };
        read.finish();
        budget
    }

    /// One request's budget.
    pub fn draw(&self, rng: &mut ChaCha8Rng) -> Span {
        match *self {
            Self::Fixed(span) => span,
            Self::Uniform(low, high) => Span(rng.random_range(low.0..=high.0)),
            Self::Normal(mean, sd) => {
                let standard = standard_normal(rng.random(), rng.random());
                Span(Span::from_ms(mean + sd * standard).0.max(NS_PER_MS))
            }
        }
    }

    /// What few budgets fall below: the lowest there is, or two deviations below the mean.
    pub fn low(&self) -> Span {
        match *self {
            Self::Fixed(span) | Self::Uniform(span, _) => span,
            Self::Normal(mean, sd) => Span(Span::from_ms(mean - 2.0 * sd).0.max(NS_PER_MS)),
        }
    }
}

/// Two numbers ≥ 0.
fn pair(node: &Node, problems: &mut Problems) -> Option<[f64; 2]> {
    let items = fields::array(node, problems);
    if items.len() != 2 {
        problems.push(fields::mismatch(node, "two numbers in milliseconds"));
        return None;
    }
    let range = 0.0..=Budget::MAX_MS;
    let first = fields::number(&items[0], &range, problems)?;
    Some([first, fields::number(&items[1], &range, problems)?])
}
