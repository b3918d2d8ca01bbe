//! Smooth weighted round robin: turns in proportion to weights, spread evenly and without dice.
//!
//! Every turn adds its weight to each credit, takes the largest credit (the first of equals) and
//! subtracts the sum of weights from it. O(weights) per turn.

#[derive(Clone, Debug, Default)]
pub struct WeightedTurns {
    weights: Vec<f64>,
    credits: Vec<f64>,
}

impl WeightedTurns {
    /// Turns with these weights; those of 0 or less never come.
    pub fn new(weights: Vec<f64>) -> Self {
        let credits = vec![0.0; weights.len()];
        Self { weights, credits }
    }

    /// Whose turn it is; `None` without positive weights.
    pub fn next(&mut self) -> Option<usize> {
        let mut sum = 0.0;
        let mut best: Option<usize> = None;
        for (at, weight) in self.weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
            sum += weight;
            self.credits[at] += weight;
            if best.is_none_or(|best| self.credits[at] > self.credits[best]) {
                best = Some(at);
            }
        }
        self.credits[best?] -= sum;
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_spread_evenly() {
        let mut turns = WeightedTurns::new(vec![1.0, 0.0, 3.0]);
        let taken: Vec<Option<usize>> = (0..8).map(|_| turns.next()).collect();
        // Credits 1 3, then 2 2: the first of equals.
        assert_eq!(taken, [2, 0, 2, 2, 2, 0, 2, 2].map(Some));
        assert_eq!(WeightedTurns::new(vec![0.0]).next(), None);
    }
}
