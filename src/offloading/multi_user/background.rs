//! Other applications on the device: their requests arrive by any process of `workload` and are
//! answered by one variant each, first come, first served, between the turns.

use super::workers::{DEVICE, system};
use crate::config::{Problem, Problems};
use crate::core::ids::{AppId, VariantId};
use crate::core::rng::Rng;
use crate::system::catalog::{AppSpec, Catalog, WorkerSpec};
use crate::system::ground_truth::GroundTruth;
use crate::system::latency::LatencyPoints;
use crate::system::profile::Profile;
use crate::workload::{Arrivals, WorkloadSpec};
use std::sync::Arc;

/// Other applications on the device.
#[derive(Clone, Debug)]
pub struct Background {
    /// The applications. The first variant of each that is kept answers its requests.
    pub apps: Vec<AppSpec>,
    /// When their requests arrive, and which. A load is the share of the time of the device's lanes
    /// that they take, one by one.
    pub workload: WorkloadSpec,
    /// Whether the process ends when the last turn is answered, whatever the number of requests of
    /// `workload`: possible for processes that give only instants.
    pub endless: bool,
}

impl Background {
    /// The applications with one variant each, which takes requests one at a time.
    pub(super) fn one_by_one(&self) -> Vec<AppSpec> {
        let one_by_one = |app: &AppSpec| {
            let names = app.profile.variant_names();
            let kept = |name: &String| app.variants.is_empty() || app.variants.contains(name);
            let variants = names.into_iter().find(kept).into_iter().collect();
            let mut profile = Profile::clone(&app.profile);
            for cost in profile.variants.iter_mut().flat_map(|variant| &mut variant.costs) {
                let alone = cost.latency.points().first().map(|point| point.latency);
                cost.latency = LatencyPoints::one_by_one(alone.unwrap_or_default());
            }
            AppSpec { profile: Arc::new(profile), variants, ..app.clone() }
        };
        self.apps.iter().map(one_by_one).collect()
    }

    /// The requests of a run on this device.
    ///
    /// # Errors
    /// Applications, device and process do not fit together.
    pub fn arrivals(&self, device: &WorkerSpec, rng: Rng) -> Result<Box<dyn Arrivals>, Problems> {
        let truth = GroundTruth::build(&system(self.one_by_one(), vec![device.clone()]))?;
        let (truth, mut workload) = (Arc::new(truth), self.workload.clone());
        for app in truth.catalog().app_ids() {
            answering(truth.catalog(), app, device)?;
        }
        if self.endless {
            workload.make_endless(truth.catalog())?;
        }
        workload.build(&truth, rng)
    }
}

/// The variant that answers the requests of an application on the device.
pub(super) fn answering(
    catalog: &Catalog,
    app: AppId,
    device: &WorkerSpec,
) -> Result<VariantId, Problem> {
    let first = catalog.variants_of(app).next();
    if let Some(variant) = first.filter(|variant| catalog.max_batch(DEVICE, *variant) > 0) {
        return Ok(variant);
    }
    let name = first.map_or("", |variant| &catalog.variant(variant).name);
    let found = format!("`{}/{name}` on `{}`", catalog.app(app).name, device.class);
    let expected = "a variant that was measured on the device's class and fits its memory";
    Err(Problem::new(device.place.clone(), found, expected))
}
