//! What an interrupted command says and keeps, and how it goes on.

use crate::support::shell::{Said, Shell, assert_same};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const SENTENCE: &str = "interrupted; the same command goes on where it stopped\n";
/// Long enough to be interrupted, in many runs.
const SWEEP: [&str; 6] =
    ["sweep", "small.toml", "--out=o", "--set=workload.requests=100_000", "--jobs=1", "--quiet"];

/// Sends a signal.
fn signal(name: &str, child: &Child) {
    let status = Command::new("kill").arg(name).arg(child.id().to_string()).status();
    assert!(status.expect("kill").success());
}

/// Starts a command and waits for what it makes.
fn started(shell: &Shell, arguments: &[&str], until: impl Fn() -> bool) -> Child {
    // Tests may themselves be started where signals are ignored.
    let binary = shell.command(&[]).get_program().to_owned();
    let mut command = Command::new("env");
    command.arg("--default-signal=HUP,INT,TERM").arg(binary).args(arguments);
    command.current_dir(shell.path("")).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let begun = Instant::now();
    while !until() {
        assert!(child.try_wait().expect("a state").is_none(), "it ended early");
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing happens");
        std::thread::sleep(Duration::from_millis(1));
    }
    child
}

/// What an interrupted command said.
fn ended(child: Child) -> Said {
    let output = child.wait_with_output().expect("an ended process");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

#[test]
fn an_interrupted_sweep_keeps_its_runs_and_goes_on_to_the_same_bytes() {
    let whole = Shell::small();
    assert_eq!(Said::of(&mut whole.command(&SWEEP)).code, Some(0));
    for name in ["-INT", "-TERM"] {
        let shell = Shell::small();
        let journal = shell.path("o/runs.journal");
        let lines = || {
            let text = std::fs::read_to_string(&journal).unwrap_or_default();
            text.matches('\n').count()
        };
        let child = started(&shell, &SWEEP, || lines() >= 2);
        signal(name, &child);
        let said = ended(child);
        assert_eq!((said.code, said.err.as_str(), said.out.as_str()), (Some(130), SENTENCE, ""));
        assert!(!shell.exists("o/runs.csv"), "it was not interrupted");
        let again: Vec<&str> = SWEEP[..5].to_vec();
        let said = Said::of(&mut shell.command(&again));
        assert_eq!(said.code, Some(0), "{said:?}");
        let reused = said.err.split(" of 8 runs were finished before").next();
        let reused: usize = reused.and_then(|text| text.parse().ok()).expect("a number");
        assert!((1..8).contains(&reused), "{said:?}");
        assert_same(&shell.files("o"), &whole.files("o"), name);
    }
}

#[test]
fn a_second_interrupt_ends_what_the_first_did_not() {
    let shell = Shell::small();
    let child = started(&shell, &SWEEP, || shell.exists("o/runs.journal"));
    signal("-INT", &child);
    // The process may have ended before; then there is nobody to signal.
    let _ = Command::new("kill").arg("-INT").arg(child.id().to_string()).output();
    assert_eq!(ended(child).code, Some(130));
}

#[test]
fn only_commands_that_go_on_promise_it() {
    let shell = Shell::small();
    // An inspection waits for a reader of its pipe.
    let pipe = shell.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    let path = pipe.to_string_lossy().into_owned();
    let arguments = ["inspect", "small.toml", "--requests", &path];
    let child = started(&shell, &arguments, || true);
    std::thread::sleep(Duration::from_millis(300));
    signal("-INT", &child);
    let said = ended(child);
    assert_eq!((said.code, said.err.as_str()), (Some(130), "interrupted\n"), "{said:?}");
}
