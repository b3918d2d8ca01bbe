//! `peeksim env`: the environment of `train` over a pipe.

use crate::support::python::python;
use crate::support::shell::{Said, Shell, repository};
use peeksim::experiment::{Experiment, SchedulingEnvironment, Sweep};
use peeksim::rl::Environment;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

const SETTINGS: [&str; 2] = ["workload.requests=200", "workload.rate_rps=[100,2000]"];

/// A served environment.
struct Served {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Served {
    fn new(shell: &Shell) -> (Self, Value) {
        let set = SETTINGS.map(|set| format!("--set={set}"));
        let mut command = shell.command(&["env", "quickstart", &set[0], &set[1]]);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let to = child.stdin.take().expect("a pipe");
        let from = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut served = Self { child, to, from };
        let hello = served.read();
        served.write("{\"version\": 1}");
        (served, hello)
    }

    fn write(&mut self, line: &str) {
        writeln!(self.to, "{line}").expect("it reads");
    }

    fn read(&mut self) -> Value {
        let mut line = String::new();
        self.from.read_line(&mut line).expect("it answers");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    fn ask(&mut self, request: &Value) -> Value {
        self.write(&request.to_string());
        self.read()
    }
}

/// The environment as `train` has it.
fn in_process(test: impl FnOnce(&mut SchedulingEnvironment<'_>)) {
    let mut set = vec!["scheduler=tmo-rl".to_owned()];
    set.extend(SETTINGS.map(str::to_owned));
    let sweep = Experiment::load("quickstart", &set).and_then(Sweep::new).expect("a sweep");
    test(&mut SchedulingEnvironment::new(&sweep, 1000.0).expect("an environment"));
}

/// The bits of the observation, and the mask.
fn seen(env: &SchedulingEnvironment<'_>) -> (Vec<u32>, Vec<bool>) {
    let mut observation = vec![0.0; env.observation_len()];
    env.observe(&mut observation);
    let mut mask = vec![false; env.actions()];
    env.mask(&mut mask);
    (observation.iter().map(|x| x.to_bits()).collect(), mask)
}

/// The bits of a number in single precision; the reader of these tests is wrong by the last bit of
/// a double now and then.
fn bits(number: &Value) -> u32 {
    (number.as_f64().expect("a number") as f32).to_bits()
}

fn seen_in(answer: &Value) -> (Vec<u32>, Vec<bool>) {
    let numbers = answer["observation"].as_array().expect("numbers").iter();
    let mask = answer["mask"].as_array().expect("flags").iter();
    (numbers.map(bits).collect(), mask.map(|flag| flag == &Value::Bool(true)).collect())
}

#[test]
fn observations_and_rewards_are_those_of_train_to_the_bit() {
    let (mut served, hello) = Served::new(&Shell::new());
    in_process(|env| {
        assert_eq!(hello["protocol"], "peeksim-environment");
        assert_eq!(hello["observation"], env.observation_len());
        assert_eq!(hello["actions"], env.actions());
        let mut draws = ChaCha8Rng::seed_from_u64(3);
        let (mut rng, mut rewards) = (ChaCha8Rng::seed_from_u64(7), Vec::new());
        // The second episode goes on with the numbers of the first.
        for episode in [json!({"reset": {"seed": 7}}), json!({"reset": {}})] {
            env.reset(&mut rng);
            let mut answer = served.ask(&episode);
            for _ in 0..400 {
                let (inputs, mask) = seen(env);
                assert_eq!(seen_in(&answer), (inputs, mask.clone()));
                let allowed: Vec<usize> = (0..mask.len()).filter(|at| mask[*at]).collect();
                let action = allowed[draws.random_range(0..allowed.len())];
                answer = served.ask(&json!({"step": {"action": action}}));
                let step = env.step(action);
                assert_eq!(bits(&answer["reward"]), step.reward.to_bits());
                assert_eq!(bits(&answer["discount"]), step.discount.to_bits());
                assert_eq!(answer["terminated"], step.done);
                rewards.push(step.reward);
            }
        }
        rewards.dedup();
        assert!(rewards.len() > 100, "{} different rewards", rewards.len());
    });
    drop(served.to);
    assert!(served.child.wait().expect("an end").success());
}

#[test]
fn a_request_that_cannot_be_met_is_an_error_and_changes_nothing() {
    let (mut served, _) = Served::new(&Shell::new());
    let early = served.ask(&json!({"step": {"action": 0}}));
    assert_eq!(early["error"], "found a step, expected a reset before it");
    let first = served.ask(&json!({"reset": {"seed": 5}}));
    let unknown = served.ask(&json!({"step": {"action": 999}}));
    let said = unknown["error"].as_str().expect("an error");
    assert!(said.starts_with("found action 999, expected one of those allowed: 0, 1"), "{said}");
    let (_, mask) = seen_in(&first);
    let forbidden = mask.iter().position(|allowed| !allowed).expect("a forbidden action");
    let refused = served.ask(&json!({"step": {"action": forbidden}}));
    assert!(refused["error"].as_str().is_some_and(|said| said.starts_with("found action ")));
    for line in ["", "x", "{}", "{\"step\": {}}", "{\"step\": {\"action\": 0, \"x\": 0}}", "[]"] {
        served.write(line);
        assert!(served.read()["error"].is_string(), "{line}");
    }
    let action = mask.iter().position(|allowed| *allowed).expect("an allowed action");
    let after = served.ask(&json!({"step": {"action": action}}));
    assert_eq!(served.ask(&json!({"reset": {"seed": 5}})), first);
    assert_eq!(served.ask(&json!({"step": {"action": action}})), after);
}

#[test]
fn another_version_and_bad_arguments_are_refused() {
    let shell = Shell::new();
    let mut command = shell.command(&["env", "quickstart", "--set=workload.requests=50"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    child.stdin.take().expect("a pipe").write_all(b"{\"version\": 9}\n").expect("it reads");
    let output = child.wait_with_output().expect("an end");
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    let expected = "error: standard input:1: found version 9, expected `{\"version\": 1}`\n";
    assert_eq!((output.status.code(), said.as_str()), (Some(2), expected));
    let said = shell.fails(2, "env offloading");
    assert!(said.error().starts_with("error: "), "{said:?}");
    let said = shell.fails(2, "env quickstart --cost-weight=-1");
    assert!(said.err.contains("--cost-weight"), "{said:?}");
}

/// `check_env` of Gymnasium, an agent that acts at random, and the same actions in this process.
#[test]
fn the_example_is_an_environment_of_gymnasium() {
    let Some(mut python) = python("gymnasium, numpy") else { return };
    let shell = Shell::new();
    let binary = shell.command(&[]).get_program().to_owned();
    python.env("PEEKSIM", binary).env("PYTHONPATH", repository("examples"));
    python.current_dir(shell.path("")).arg(repository("tests/dataframes/environment.py"));
    let said = Said::of(python.arg("quickstart").args(SETTINGS));
    assert_eq!(said.code, Some(0), "{said:?}");
    let told: Value = serde_json::from_str(&said.out).expect("JSON");
    let steps = told["steps"].as_array().expect("steps");
    assert_eq!(steps.len(), 500);
    in_process(|env| {
        env.reset(&mut ChaCha8Rng::seed_from_u64(11));
        for step in steps {
            assert_eq!(seen_in(step), seen(env));
            let made = env.step(step["action"].as_u64().expect("an action") as usize);
            assert_eq!(bits(&step["reward"]), made.reward.to_bits());
        }
    });
}
