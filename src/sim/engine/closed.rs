//! Arrivals that depend on how requests end.

use super::Simulation;
use crate::domain::RequestId;

impl Simulation {
    /// Tells a closed loop that a request is over; what arrives next may be earlier from then on.
    #[inline]
    pub(super) fn ended(&mut self, id: RequestId) {
        if self.closed {
            self.arrivals.ended(id.number(), self.state.now, &mut self.next);
        }
    }
}
