//! A list of requests, for tests and examples.

use super::Arrivals;
use crate::core::ids::Arrival;

/// The arrivals of a list.
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
