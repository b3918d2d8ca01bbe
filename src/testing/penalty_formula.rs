//! Penalties by formulas of the tests' own: γ as a function of lateness over budget.

use crate::config::{ConfigNode, Problems};
use crate::system::penalty::Penalty;

/// A penalty, and when late still counts as on time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Late {
    pub shape: Shape,
    pub tolerance_ns: u64,
    /// Beliefs are scaled by the time left, not by the budget.
    pub remaining: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    None,
    Step,
    Linear,
    Sigmoid { exponent: f64, cutoff: f64 },
}

impl Late {
    /// The published sigmoid and the customary others.
    pub const SHAPES: [Shape; 5] = [
        Shape::None,
        Shape::Step,
        Shape::Linear,
        Shape::Sigmoid { exponent: 3.0, cutoff: 2.0 },
        Shape::Sigmoid { exponent: 1.5, cutoff: 3.0 },
    ];

    /// By how much a request is late, for a latency and a budget.
    pub fn late_ns(&self, latency_ns: u64, budget_ns: u64) -> u64 {
        let late_ns = latency_ns.saturating_sub(budget_ns);
        if late_ns >= self.tolerance_ns { late_ns } else { 0 }
    }

    /// The share of a request's accuracy that is lost, for a latency and a budget.
    pub fn gamma(&self, latency_ns: u64, budget_ns: u64) -> f64 {
        self.lost(self.late_ns(latency_ns, budget_ns), budget_ns)
    }

    /// The share that is lost by being late, measured by a span.
    pub fn lost(&self, late_ns: u64, by_ns: u64) -> f64 {
        match (late_ns, by_ns) {
            (0, _) => return 0.0,
            (_, 0) => return 1.0,
            _ => {}
        }
        let x = late_ns as f64 / by_ns as f64;
        match self.shape {
            Shape::None => 0.0,
            Shape::Step => 1.0,
            Shape::Linear => x.min(1.0),
            Shape::Sigmoid { cutoff, .. } if x >= cutoff - 1.0 => 1.0,
            Shape::Sigmoid { exponent, cutoff } => {
                let y = x / (cutoff - 1.0);
                let (up, down) = (libm::pow(y, exponent), libm::pow(1.0 - y, exponent));
                up / (up + down)
            }
        }
    }

    /// The same as the simulator reads it.
    pub fn read(&self) -> Penalty {
        let shape = match self.shape {
            Shape::None => "name = 'none'".to_owned(),
            Shape::Step => "name = 'step'".to_owned(),
            Shape::Linear => "name = 'linear'".to_owned(),
            Shape::Sigmoid { exponent, cutoff } => {
                format!("name = 'sigmoid', exponent = {exponent:?}, cutoff = {cutoff:?}")
            }
        };
        let base = if self.remaining { "remaining" } else { "budget" };
        let tolerance_ms = self.tolerance_ns as f64 / 1e6;
        let text = format!("{{ {shape}, base = '{base}', tolerance_ms = {tolerance_ms:?} }}");
        let mut problems = Problems::default();
        let penalty = Penalty::read(&ConfigNode::parse_override(&text), &mut problems);
        assert!(problems.is_empty(), "{problems}");
        penalty
    }
}
