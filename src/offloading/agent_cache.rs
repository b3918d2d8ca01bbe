//! Trained agents, shared by the runs that need the same ones: an agent that observes its budget
//! is trained once and tested at several.

use super::agents::TrainedAgent;
use crate::config::Problem;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

type Agents = Result<Vec<TrainedAgent>, Problem>;

/// Trained agents by everything that their training depends on.
#[derive(Clone, Debug, Default)]
pub struct AgentCache(Arc<Mutex<BTreeMap<String, Arc<OnceLock<Agents>>>>>);

impl AgentCache {
    /// The agents of this key, trained by `train` at the first call. A call while they are
    /// trained waits.
    pub(super) fn get(&self, key: String, train: impl FnOnce() -> Agents) -> Agents {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = Arc::clone(known.entry(key).or_default());
        drop(known);
        place.get_or_init(train).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_of_a_key_are_trained_once() {
        let cache = AgentCache::default();
        let mut trained = 0;
        for key in ["a", "b", "a"] {
            let agents = cache.get(key.to_owned(), || {
                trained += 1;
                Ok(Vec::new())
            });
            assert!(agents.is_ok_and(|agents| agents.is_empty()));
        }
        assert_eq!(trained, 2);
    }
}
