//! Learning to schedule: what an episode is worth, that learning pays, and that a network keeps
//! every rule of the world.

use crate::support::common::draw::{Case, Limits};
use crate::support::common::{Told, check};
use crate::support::shell::{Said, Shell};
use peeksim::config::source::Source;
use peeksim::config::{ConfigNode, Problems};
use peeksim::contract::{AccuracySource, Event, Observer, Plan};
use peeksim::core::rng::{Label, Rng};
use peeksim::engine::{self, Simulation, StepOutcome};
use peeksim::experiment::{Experiment, SchedulingEnvironment, Sweep, utility};
use peeksim::rl::checkpoint::PolicyFile;
use peeksim::rl::net::{ActionHeads, Activation, Activations, Mlp, best};
use peeksim::rl::{Algorithm, Environment, Training};
use peeksim::scheduler::{SteppedDispatcher, policy_catalogue, trained};
use peeksim::system::catalog::DecisionOverhead;
use peeksim::workload::Listed;

/// Two variants, one quick and the other right, at a rate at which either is the better one.
const CROSSING: &str = r#"
name = "crossing"
replicates = 1
[base]
apps = ["toy"]
profiles = "PROFILES"
workers = [{ class = "box", memory_bytes = 100 }]
workload = { requests = 200 }
budget_ms = 30
outcome = "drawn"
scheduler = "tmo-rl"
[[axis]]
key = "workload.rate_rps"
values = [5, 900]
"#;

/// A folder of profiles with one application.
fn profiles() -> Shell {
    let shell = Shell::new();
    let app = "classes = [\"a\", \"b\"]\nbudget_ms = 30\nsource = \"made up\"\n";
    shell.write("profiles/toy/app.toml", app);
    shell.write("profiles/toy/variants.csv", "variant,bytes\nquick,1\nright,1\n");
    let costs = "worker_class,variant,batch,latency_ms\nbox,quick,1,1\nbox,quick,32,2\n\
                 box,right,1,25\nbox,right,32,400\n";
    shell.write("profiles/toy/latency.csv", costs);
    shell
        .write("profiles/toy/load.csv", "worker_class,variant,load_ms\nbox,quick,0\nbox,right,0\n");
    let confusion = "variant,class,predicted_a,predicted_b\nquick,a,700,300\nquick,b,300,700\n\
                     right,a,990,10\nright,b,10,990\n";
    shell.write("profiles/toy/confusion.csv", confusion);
    shell
}

fn sweep(text: &str) -> Sweep {
    let source = Source { path: "x.toml".into(), text: text.into(), sha256: String::new() };
    let node = ConfigNode::parse(&source).expect("TOML");
    let mut problems = Problems::default();
    let experiment = Experiment::read(&node, "x.toml", &mut problems);
    assert!(problems.is_empty(), "{problems}");
    Sweep::new(experiment).unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn learning_beats_chance_and_each_variant_alone() {
    let shell = profiles();
    let path = shell.path("profiles").to_string_lossy().into_owned();
    let text = CROSSING.replace("PROFILES", &path);
    let sweep = sweep(&text);
    let mut env = SchedulingEnvironment::new(&sweep, 0.0).expect("an environment");
    let mut training = Training::new(Algorithm::Ppo, &env, 40_000, 1);
    training.finish(&mut env);
    let learned = utility(&sweep, training.network()).expect("runs");
    let other = |scheduler: &str| {
        let text = text.replace("\"tmo-rl\"", scheduler);
        let sweep = self::sweep(&text);
        let mean = |at: usize| {
            let spec = peeksim::experiment::RunSpec { configuration: at, replicate: 0 };
            let column = peeksim::metrics::COLUMNS.iter().position(|c| c.name == "utility_mean");
            sweep.one(spec).result.cells[column.expect("a column")]
                .parse::<f64>()
                .expect("a number")
        };
        f64::midpoint(mean(0), mean(1))
    };
    let chance = other("\"random\"");
    let (quick, right) = (
        other("{ name = 'edf', variant = 'quick' }"),
        other("{ name = 'edf', variant = 'right' }"),
    );
    // The right variant answers 99 of 100 while nobody waits, the quick one 70 in a crowd.
    assert!(learned > 0.8 && learned > chance + 0.1, "{learned}, random {chance}");
    assert!(learned > quick + 0.05 && learned > right + 0.05, "{learned}: {quick}, {right}");
}

/// The mean reward of 4000 steps that take one action, over runs that follow each other.
fn mean_reward(text: &str, usd_weight: f64, action: usize) -> f64 {
    let sweep = sweep(text);
    let mut env = SchedulingEnvironment::new(&sweep, usd_weight).expect("an environment");
    env.reset(&mut Rng::new(1, 0).stream(Label::Episodes));
    let mut sum = 0.0;
    for _ in 0..4_000 {
        let mut allowed = vec![false; env.actions()];
        env.mask(&mut allowed);
        assert_eq!(allowed, [true, true, false]);
        let step = env.step(action);
        assert!(!step.done, "one run follows the other");
        assert!((f64::from(step.discount) - 0.99).abs() < 0.2, "some request was served");
        sum += f64::from(step.reward);
    }
    sum / 4_000.0
}

#[test]
fn the_reward_of_a_step_is_what_its_batch_gives_up() {
    let shell = profiles();
    let path = shell.path("profiles").to_string_lossy().into_owned();
    // Next to nobody waits: a batch is a request, and a hundred of them a tenth of a reward each.
    let text = CROSSING.replace("PROFILES", &path).replace("[5, 900]", "[1]");
    let billed = text.replace("memory_bytes = 100", "memory_bytes = 100, usd_per_request = 1e-4");
    // The right variant is right 99 times in 100, the quick one 70 times.
    for (text, usd_weight, expected) in [
        (&text, 1000.0, [0.1 * (0.7 - 0.99), 0.0]),
        (&billed, 0.0, [0.1 * (0.7 - 0.99), 0.0]),
        (&billed, 1000.0, [0.1 * (0.7 - 0.99 - 0.1), -0.1 * 0.1]),
    ] {
        for (action, expected) in expected.into_iter().enumerate() {
            let mean = mean_reward(text, usd_weight, action);
            assert!((mean - expected).abs() < 0.002, "{action}: {mean}, not {expected}");
        }
    }
}

/// Everything that happened, but for how often somebody was asked.
#[derive(Default)]
struct Events(Vec<String>);

impl Observer for Events {
    fn on(&mut self, event: Event<'_>) {
        if !matches!(event, Event::Decided { .. }) {
            self.0.push(format!("{event:?}"));
        }
    }
}

/// A run in which a stepped dispatcher is given the output that the network prefers.
fn told(sim: &mut Simulation, stepped: &mut SteppedDispatcher, network: &Mlp) -> Vec<String> {
    let (mut events, mut plan, mut trace) =
        (Events::default(), Plan::default(), Activations::default());
    let (mut seen, mut allowed) = (vec![0.0; stepped.inputs()], vec![false; stepped.outputs()]);
    while sim.advance(&mut events).expect("an instant") == StepOutcome::Decide {
        let mut due = stepped.decide(&sim.view(), sim.trigger(), &mut plan);
        while due {
            sim.apply(&mut plan, &mut events).expect("a plan");
            stepped.observe(&mut seen);
            stepped.mask(&mut allowed);
            let output = best(network.forward(&seen, &mut trace), &allowed);
            due = stepped.go_on(&sim.view(), output, &mut plan);
        }
        sim.apply(&mut plan, &mut events).expect("a plan");
    }
    events.0
}

/// Networks whose numbers are drawn, in worlds that are drawn: they learn and decide alike.
#[test]
fn any_network_keeps_the_rules_and_a_stepped_dispatcher_does_the_same() {
    for seed in 0..60 {
        let mut case = Case::draw(seed, Limits::WIDE);
        case.world.setup.overhead = DecisionOverhead::default();
        let catalog = case.world.catalog();
        let mut coins = Rng::new(seed, 0).stream(Label::Parameters);
        let mut stepped = SteppedDispatcher::new(&catalog);
        // One that sees everything at once, or one that is asked about each output.
        let (count, width) = (stepped.outputs(), stepped.by_output());
        let network = if seed % 2 == 0 {
            Mlp::uniform(&[stepped.inputs(), 8, count], Activation::Tanh, &mut coins)
        } else {
            let sizes = [stepped.inputs() - (count - 1) * width, 8, 1];
            let network = Mlp::uniform(&sizes, Activation::Relu, &mut coins);
            network.with_heads(ActionHeads { count, width, prior: 1.0 }).expect("that wide")
        };
        for (name, info) in AccuracySource::ALL {
            let _told = Told(format!("seed {seed}, {name}"));
            let arrivals = || Box::new(Listed::new(case.world.arrivals.clone()));
            let mut scheduler = trained(&catalog, network.clone());
            let (log, result) =
                case.world.observe((info, "tmo-rl"), scheduler.as_mut(), arrivals());
            result.unwrap_or_else(|error| panic!("{error}"));
            check::little(&log).unwrap_or_else(|why| panic!("{why}"));
            // Peeks alternate with batches: there a lane that is filled later may find one.
            if info == AccuracySource::Posterior {
                continue;
            }
            let rng = Rng::new(case.world.seed, 0);
            let sim = || Simulation::new(case.world.truth(), arrivals(), info, rng, "tmo-rl");
            let mut events = Events::default();
            let mut scheduler = trained(&catalog, network.clone());
            engine::run(&mut sim(), scheduler.as_mut(), &mut events).expect("a run");
            stepped = SteppedDispatcher::new(&catalog);
            assert_eq!(told(&mut sim(), &mut stepped, &network), events.0);
        }
    }
}

#[test]
fn a_policy_for_something_else_is_refused() {
    let case = Case::draw(1, Limits::ALL);
    let catalog = case.world.catalog();
    let stepped = SteppedDispatcher::new(&catalog);
    let mut coins = Rng::new(1, 0).stream(Label::Parameters);
    let shell = Shell::new();
    let scheduler = format!("{{ name = 'tmo-rl', policy = '{}' }}", shell.path("p").display());
    let mut read = |wrong: usize| {
        let sizes = [stepped.inputs() + wrong, 4, stepped.outputs()];
        let network = Mlp::uniform(&sizes, Activation::Tanh, &mut coins);
        let stored =
            PolicyFile::policy(&network, 1, policy_catalogue(&catalog, AccuracySource::Profiled));
        shell.write("p", stored.to_toml());
        let mut problems = Problems::default();
        let context = peeksim::scheduler::BuildContext { catalog: &catalog, rng: Rng::new(1, 0) };
        peeksim::scheduler::read(&ConfigNode::parse_override(&scheduler), &context, &mut problems);
        problems.to_string()
    };
    assert_eq!(read(0), "");
    assert!(read(1).contains("`layers`: found a network of another shape"));
    // Seen otherwise, or billed otherwise.
    let mut found = policy_catalogue(&catalog, AccuracySource::Profiled);
    let at = |name: &str| found.iter().position(|(known, _)| known == name).expect("an entry");
    let (sight, workers) = (at("sight"), at("workers"));
    "1".clone_into(&mut found[sight].1);
    found[workers].1.push_str(", 1 USD a call");
    let network = Mlp::uniform(&[1, 1], Activation::Tanh, &mut coins);
    let old = PolicyFile::policy(&network, 1, found);
    let here = policy_catalogue(&catalog, AccuracySource::Profiled);
    let said = old.check(&here, "p").expect_err("another world").to_string();
    assert!(said.contains("`catalogue.sight`: found `1`, expected `2`"), "{said}");
    assert!(said.contains(" USD a call`, expected `"), "{said}");
}

/// What a policy was learned for, one setting after the other changed.
#[test]
fn a_policy_is_refused_at_another_speed_link_penalty_or_accuracy() {
    let shell = profiles();
    let path = shell.path("profiles").to_string_lossy().into_owned();
    let text = CROSSING.replace("PROFILES", &path).replace("[5, 900]", "[5]").replace(
        "memory_bytes = 100",
        "memory_bytes = 100, speedup = 2, link = { rtt_ms = 4, uplink_mbps = 20 }",
    );
    let trained = sweep(&text);
    let env = SchedulingEnvironment::new(&trained, 0.0).expect("an environment");
    let sizes = [env.observation_len(), env.actions()];
    let mut coins = Rng::new(1, 0).stream(Label::Parameters);
    let network = Mlp::uniform(&sizes, Activation::Tanh, &mut coins);
    let policy = shell.path("p");
    shell.write("p", PolicyFile::policy(&network, 1, env.catalogue()).to_toml());
    let check = |text: &str, accuracy: &str| {
        let scheduler =
            format!("{{ name = \"tmo-rl\", policy = '{}'{accuracy} }}", policy.display());
        let text = text.replace("\"tmo-rl\"", &scheduler);
        let source = Source { path: "x.toml".into(), text, sha256: String::new() };
        let node = ConfigNode::parse(&source).expect("TOML");
        let mut problems = Problems::default();
        let experiment = Experiment::read(&node, "x.toml", &mut problems);
        assert!(problems.is_empty(), "{problems}");
        Sweep::new(experiment).err().map_or(String::new(), |problems| problems.to_string())
    };
    assert_eq!(check(&text, ""), "");
    assert_eq!(check(&text, ", accuracy = \"profiled\""), "");
    for (from, to, accuracy, named) in [
        ("speedup = 2", "speedup = 3", "", "workers"),
        ("rtt_ms = 4", "rtt_ms = 5", "", "workers"),
        ("uplink_mbps = 20", "uplink_mbps = 10", "", "workers"),
        ("budget_ms = 30", "budget_ms = 30\npenalty = { name = \"step\" }", "", "penalty"),
        (
            "budget_ms = 30",
            "budget_ms = 30\npenalty = { name = \"sigmoid\", tolerance_ms = 2 }",
            "",
            "penalty",
        ),
        ("speedup = 2", "speedup = 2", ", accuracy = \"oracle-label\"", "accuracy"),
    ] {
        let said = check(&text.replace(from, to), accuracy);
        assert!(said.contains(&format!("`catalogue.{named}`: found `")), "{to}{accuracy}: {said}");
        assert_eq!(said.matches("`catalogue.").count(), 1, "{to}{accuracy}: {said}");
    }
}

const TRAIN: &str = "train experiment.toml --set workload.requests=60 --algorithm a2c --steps 2000";

#[test]
fn a_policy_is_trained_goes_on_and_schedules_only_what_it_was_trained_for() {
    let shell = Shell::new();
    let text = CROSSING.replace("profiles = \"PROFILES\"\n", "");
    let made = profiles();
    for file in ["app.toml", "variants.csv", "latency.csv", "load.csv", "confusion.csv"] {
        let path = format!("profiles/toy/{file}");
        shell.write(&path, made.bytes(&path));
    }
    shell.write("experiment.toml", text);
    let said = shell.ok(&format!("{TRAIN} --out t"));
    assert!(said.out.starts_with("a2c after 2000 steps: mean utility of test runs 0."), "{said:?}");
    let again = shell.ok(&format!("{TRAIN} --out t"));
    assert!(again.err.contains("resumed after 2000 steps") && again.out == said.out, "{again:?}");
    let scheduler = "scheduler={name=\"tmo-rl\",policy=\"t/policy.toml\"}";
    let sweep = |more: &[&str]| {
        let arguments = [&["sweep", "experiment.toml", "--set", scheduler], more].concat();
        Said::of(&mut shell.command(&arguments))
    };
    assert_eq!(sweep(&[]).code, Some(0));
    let first = shell.read("results/crossing/manifest.toml");
    assert!(first.contains("t/policy.toml"), "{first}");
    let other = sweep(&["--set", "variants.toy=[\"quick\"]"]);
    assert_eq!(other.code, Some(2), "{other:?}");
    let differs = "`catalogue.variants`: found `toy: quick, right`, expected `toy: quick`";
    assert!(other.err.contains(differs), "{other:?}");
    let damaged = shell.read("t/policy.toml").replacen("steps = 2000", "steps = 2001", 1);
    shell.write("t/policy.toml", damaged);
    assert!(sweep(&[]).err.contains("found a hash that is not that of the rest"));
    shell.write("t/policy.toml", "");
    assert_eq!(sweep(&[]).code, Some(2));
    let said = shell.fails(2, &format!("{TRAIN} --out t --budget-distribution uniform"));
    assert!(said.err.contains("cannot be used with"), "{said:?}");
    let said = shell.fails(2, &format!("{TRAIN} --out t --cost-weight=-1"));
    assert!(said.err.starts_with("error: --cost-weight: found `-1`, expected utility"), "{said:?}");
}
