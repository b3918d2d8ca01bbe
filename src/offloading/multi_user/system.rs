//! The workers and applications of a run: device and cloud, background applications, dialogues.

use super::background::{Background, answering};
use super::workers::{CLOUD, system};
use super::{MultiUserSpec, service};
use crate::config::{Location, Problem, Problems};
use crate::core::ids::{AppId, VariantId};
use crate::core::units::Span;
use crate::offloading::cost::CallLink;
use crate::offloading::model::DialogueModel;
use crate::system::catalog::AppSpec;
use crate::system::deadline_budget::DeadlineBudget;
use crate::system::ground_truth::GroundTruth;
use crate::system::latency::LatencyPoints;
use crate::system::profile::{Profile, VariantCost, VariantProfile};
use std::sync::Arc;

/// The tables of a run, and where in them dialogues and background applications are.
pub(super) struct System {
    pub truth: Arc<GroundTruth>,
    /// The application of the dialogues, the last one.
    pub app: AppId,
    /// The variants of the actions, in order.
    pub actions: Vec<VariantId>,
    /// By background application: the variant that answers.
    pub background: Vec<VariantId>,
}

impl System {
    /// Every action is a variant of the application of the dialogues: the local answer runs on the
    /// device, and one for every subset of views in the cloud.
    pub fn new(model: &DialogueModel, spec: &MultiUserSpec) -> Result<Self, Problems> {
        spec.check(&model.params.costs)?;
        let others = spec.background.as_ref();
        let mut apps = others.map_or_else(Vec::new, Background::one_by_one);
        apps.push(AppSpec::new(Arc::new(dialogues(model, spec)?)));
        let app = AppId(apps.len() as u16 - 1);
        let mut workers = vec![spec.device.clone(), spec.cloud.clone()];
        let link = model.params.costs.link.as_ref().map(|call| &call.link);
        let cloud = &mut workers[CLOUD.index()];
        cloud.link = cloud.link.take().or(link.cloned());
        let truth = GroundTruth::build(&system(apps, workers))?;
        let catalog = truth.catalog();
        let others = catalog.app_ids().take(app.index());
        let background =
            others.map(|app| answering(catalog, app, &spec.device)).collect::<Result<_, _>>()?;
        let actions = catalog.variants_of(app).collect();
        Ok(Self { truth: Arc::new(truth), app, actions, background })
    }
}

/// The profile of the dialogues.
fn dialogues(model: &DialogueModel, spec: &MultiUserSpec) -> Result<Profile, Problem> {
    let (actions, costs) = (model.actions(), &model.params.costs);
    if let Some(CallLink { bytes, compute_s, .. }) = &costs.link {
        let known = bytes.len().min(compute_s.len());
        if known <= actions.views() {
            let found = format!("bytes and seconds of calls with fewer than {known} views");
            let expected = format!("those of calls with 0 to {} views", actions.views());
            return Err(Problem::new(Location::file("costs of a link"), found, expected));
        }
    }
    let variant = |action: usize| {
        let link = costs.link.as_ref().filter(|_| action > 0);
        let views = actions.uploaded(action);
        let time = link.map_or_else(
            || service(model, actions.call_kind(action)),
            |link| Span::from_s(link.compute_s[views]).max(Span(1)),
        );
        let (worker, bytes, load) = match action {
            0 => (&spec.device, spec.device_model.0, spec.device_model.1),
            _ => (&spec.cloud, 0, Span::ZERO),
        };
        let cost = VariantCost::new(&worker.class, LatencyPoints::one_by_one(time), load);
        VariantProfile {
            name: actions.name(action),
            shares: None,
            bytes,
            payload_bytes: link.map(|link| link.bytes[views]),
            accuracy: 1.0,
            recall: vec![1.0],
            samples: Vec::new(),
            costs: vec![cost],
        }
    };
    let variants = (0..actions.len()).map(variant).collect();
    Ok(Profile::of_variants("dialogue", DeadlineBudget::Fixed(Span(1)), variants))
}
