//! What was learned, as a policy.

use super::policy::{Moment, Policy};
use super::practice::{Constraint, Plan};
use super::world::World;
use crate::input::{Place, Problem, Problems, source};
use crate::learn::net::{Mlp, Trace, best};
use crate::learn::store::{Kind, Stored};

/// A network that decides.
pub struct Learned {
    network: Mlp,
    plan: Plan,
    trace: Trace,
}

impl Learned {
    /// The choices of a network that was trained by `plan`.
    pub fn new(network: Mlp, plan: Plan) -> Self {
        Self { network, plan, trace: Trace::default() }
    }

    /// Reads a policy; one that was learned for something else is refused, naming what differs.
    pub fn load(path: &str, world: &World) -> Result<Self, Problems> {
        let stored = Stored::parse(&source::read(path)?, Kind::Policy)?;
        // How it sees the budget is the policy's own affair; all else must be as it is here.
        let says = |name: &str, value: &str| {
            stored.catalogue.iter().any(|(known, said)| known == name && said == value)
        };
        let constraint = match (says("budget", "none"), says("masked", "yes")) {
            (true, _) => Constraint::Free,
            (false, true) => Constraint::Mask,
            (false, false) => Constraint::Zero,
        };
        let raw_budget = says("budget", "raw");
        let plan = Plan { constraint, raw_budget, ..Plan::published(true) };
        stored.check(&plan.catalogue(world), path)?;
        let sizes = (plan.observation_len(world), world.actions().len());
        let network =
            stored.network().filter(|network| (network.inputs(), network.outputs()) == sizes);
        let network = network.ok_or_else(|| {
            let expected = "as many inputs, outputs and parameters as the catalogue asks for";
            Problem::new(Place::file(path).field("layers"), "a network of another shape", expected)
        })?;
        Ok(Self::new(network, plan))
    }
}

impl Policy for Learned {
    fn choose(&mut self, moment: &Moment<'_>) -> usize {
        let mut observation = vec![0.0; self.plan.observation_len(moment.world)];
        let left = moment.budget.plus(moment.spent.times(-1.0));
        self.plan.observe(moment.world, moment.state, left, &mut observation);
        let masked = self.plan.constraint == Constraint::Mask;
        let open = |action| !masked || moment.allows(action);
        let allowed: Vec<bool> = (0..moment.world.actions().len()).map(open).collect();
        best(self.network.forward(&observation, &mut self.trace), &allowed)
    }
}
