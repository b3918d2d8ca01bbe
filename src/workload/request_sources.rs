//! Which source of its application sends a request: a camera, a user, a client.
//!
//! Sources are those of the process (recorded sources with their copies, the clients of a closed
//! loop), or they are drawn by weight for each request, independently of everything else. These
//! draws have a stream of their own for each application: arrivals are the same with and without
//! them. A request without sources in its workload has none.

use super::WorkloadSpec;
use crate::config::Problem;
use crate::core::ids::{AppId, SourceId};
use crate::core::rng::{Label, Rng, name_key};
use crate::system::ground_truth::GroundTruth;
use rand_chacha::ChaCha8Rng;
use rand_distr::Distribution;
use rand_distr::weighted::WeightedAliasIndex;

/// The sources that requests have.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum RequestSources {
    /// None.
    #[default]
    None,
    /// Those of the arrival process.
    Own,
    /// By application, the weights of its sources; it has none without weights.
    Drawn(Vec<Vec<f64>>),
}

impl RequestSources {
    /// The most sources of an application.
    pub const MOST: u64 = 100_000;
    /// Those that a word names; the first is the default.
    pub const WORDS: [(&'static str, Self); 2] = [("none", Self::None), ("own", Self::Own)];
}

/// Draws the sources of requests.
#[derive(Clone, Default)]
pub(super) struct SourceSampler {
    apps: Vec<Option<(WeightedAliasIndex<f64>, ChaCha8Rng)>>,
}

impl SourceSampler {
    /// Refuses sources of a process that has none.
    pub fn new(spec: &WorkloadSpec, truth: &GroundTruth, rng: Rng) -> Result<Self, Problem> {
        let weights = match &spec.request_sources {
            RequestSources::None => &[][..],
            RequestSources::Own => {
                let found = "sources of an arrival process that has none";
                let expected = "a number of sources or their weights, or the process \
                                `recorded` or `closed`";
                return Err(spec.problem("workload.sources", found, expected));
            }
            RequestSources::Drawn(weights) => weights,
        };
        let mut apps = Vec::new();
        for app in truth.catalog().app_ids() {
            let own = weights.get(app.index()).filter(|own| !own.is_empty());
            check_budgets(spec, truth, app, own.map_or(0, Vec::len))?;
            let key = name_key(&[&truth.catalog().app(app).name]);
            let stream = || rng.stream_of(Label::Sources, key);
            let own = own.map(|own| weighted(spec, own)).transpose()?;
            apps.push(own.map(|own| (own, stream())));
        }
        Ok(Self { apps })
    }

    /// Whether every request has no source.
    pub fn is_empty(&self) -> bool {
        self.apps.iter().all(Option::is_none)
    }

    /// The source of the next request of an application.
    #[inline]
    pub fn draw(&mut self, app: AppId) -> Option<SourceId> {
        let (weights, rng) = self.apps.get_mut(app.index())?.as_mut()?;
        Some(SourceId::new(weights.sample(rng) as u32))
    }
}

/// Refuses more budgets by source than an application has sources.
pub(super) fn check_budgets(
    spec: &WorkloadSpec,
    truth: &GroundTruth,
    app: AppId,
    sources: usize,
) -> Result<(), Problem> {
    let app = truth.catalog().app(app);
    let budgets = app.budget.sources().unwrap_or(0);
    if budgets <= sources {
        return Ok(());
    }
    let found = format!("{budgets} budgets by source for {sources} sources of `{}`", app.name);
    Err(spec.problem("workload.sources", found, "a source at least for each budget"))
}

/// Draws indices with probabilities proportional to weights.
pub(super) fn weighted(
    spec: &WorkloadSpec,
    weights: &[f64],
) -> Result<WeightedAliasIndex<f64>, Problem> {
    WeightedAliasIndex::new(weights.to_vec()).map_err(|error| {
        let found = format!("weights that cannot be drawn from ({error})");
        spec.problem("", found, "weights ≥ 0")
    })
}
