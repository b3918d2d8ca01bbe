//! What an application looks like lately: class mix, rate and budget, pooled over its requests.
//!
//! The posterior of one request says little, their mean over many estimates the class mix at
//! which variants should be compared. Means run over the last `length` requests or so: the n-th
//! request moves them by 1 / min(n, length). The mix starts as the prior and moves by 1 / length
//! from the first request on, so that a few odd requests do not turn it. O(classes) per request. Source: ours.

use crate::domain::{AppId, Request, VariantId};
use crate::model::catalog::Catalog;
use crate::model::posterior::{expected_accuracy, shrunk_recall};
use crate::policy::View;
use crate::units::{Span, Time};

/// Running means of every application.
pub(super) struct Pool {
    length: f64,
    apps: Vec<Means>,
    /// By variant: the shrunk recalls, and the part of the accuracy that does not depend on the
    /// mix.
    recalls: Vec<(Vec<f64>, f64)>,
}

struct Means {
    mix: Vec<f64>,
    seen: f64,
    last: Time,
    gap_s: f64,
    budget_s: f64,
}

impl Pool {
    /// `shrink` is the number of imagined requests by which every recall is pulled towards the
    /// accuracy of its variant.
    pub fn new(catalog: &Catalog, length: f64, shrink: f64) -> Self {
        let means = |app: AppId| {
            let prior = &catalog.app(app).prior;
            let sum: f64 = prior.iter().sum();
            Means {
                mix: prior.iter().map(|weight| weight / sum).collect(),
                seen: 0.0,
                last: Time::ZERO,
                gap_s: 0.0,
                budget_s: 0.0,
            }
        };
        let recalls = catalog.variant_ids().map(|id| {
            let variant = catalog.variant(id);
            let total: f64 = variant.samples.iter().sum();
            let each = variant.recall.iter().zip(&variant.samples);
            let recall: Vec<f64> =
                each.map(|(r, n)| shrunk_recall(*r, *n, variant.accuracy, shrink)).collect();
            let profiled: f64 = recall.iter().zip(&variant.samples).map(|(r, n)| r * n).sum();
            (recall, variant.accuracy - if total > 0.0 { profiled / total } else { 0.0 })
        });
        Self {
            length,
            apps: catalog.app_ids().map(means).collect(),
            recalls: recalls.collect(),
        }
    }

    /// Takes in a request that has just become visible.
    pub fn observe(&mut self, view: &View<'_>, request: &Request) {
        let means = &mut self.apps[request.app.index()];
        means.seen += 1.0;
        let step = 1.0 / means.seen.min(self.length);
        for (mean, theta) in means.mix.iter_mut().zip(view.posterior(request)) {
            *mean += (theta - *mean) / self.length;
        }
        means.budget_s += (request.budget().as_s() - means.budget_s) * step;
        if means.seen > 1.0 {
            let step = 1.0 / (means.seen - 1.0).min(self.length);
            means.gap_s += (request.arrival.since(means.last).as_s() - means.gap_s) * step;
        }
        means.last = means.last.max(request.arrival);
    }

    /// The accuracy of a variant on requests of the mix: a + Σ (mix(c) − f(c)) R̃(c), with the
    /// profiled accuracy a, class frequencies f of the profile, and shrunk recalls R̃.
    pub fn accuracy(&self, catalog: &Catalog, variant: VariantId) -> f64 {
        let app = catalog.variant(variant).app;
        let (recall, rest) = &self.recalls[variant.index()];
        (rest + expected_accuracy(&self.apps[app.index()].mix, recall)).clamp(0.0, 1.0)
    }

    /// Requests per second; zero until two have come.
    pub fn rate(&self, app: AppId) -> f64 {
        let gap_s = self.apps[app.index()].gap_s;
        if gap_s > 0.0 { 1.0 / gap_s } else { 0.0 }
    }

    /// The mean deadline budget.
    pub fn budget(&self, app: AppId) -> Span {
        Span::from_ms(self.apps[app.index()].budget_s * 1e3)
    }
}
