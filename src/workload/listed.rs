//! Requests given one by one: for tests, examples and generators of one's own.

use super::Arrivals;
use crate::core::ids::Arrival;

/// Yields a list of arrivals, which must be in order of time.
#[derive(Clone, Debug)]
pub struct Listed(std::vec::IntoIter<Arrival>);

impl Listed {
    /// Sorts the arrivals by time, keeping the order of equal times.
    pub fn new(mut arrivals: Vec<Arrival>) -> Self {
        arrivals.sort_by_key(|arrival| arrival.time);
        Self(arrivals.into_iter())
    }
}

impl Arrivals for Listed {
    fn next_arrival(&mut self) -> Option<Arrival> {
        self.0.next()
    }
}
