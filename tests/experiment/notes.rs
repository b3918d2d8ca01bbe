//! Notes: one of a kind, under one heading, after everything else that a command says.

use crate::support::shell::Shell;

/// The lines below the heading, which must be the end of what was said on stderr; before it there
/// is progress alone.
fn notes(said: &str) -> Vec<&str> {
    let (before, notes) = said.split_once("Notes:\n").unwrap_or_else(|| panic!("{said}"));
    let is_progress = |line: &str| line.ends_with(" runs") || line.ends_with(" to go");
    assert!(before.lines().all(is_progress), "{said}");
    let lines = notes.lines().map(|line| line.strip_prefix("- "));
    lines.collect::<Option<Vec<&str>>>().unwrap_or_else(|| panic!("{said}"))
}

/// Those that hold these words.
fn about<'s>(notes: &[&'s str], words: &str) -> Vec<&'s str> {
    notes.iter().filter(|note| note.contains(words)).copied().collect()
}

const SETTINGS: &str = "replicates = 2\n\
    [base]\n\
    apps = [\"voice\", \"activity\"]\n\
    workers = [{ class = \"edge-cpu\", memory_bytes = 5_000_000 }]\n\
    budget_ms = 100\n\
    workload = { arrivals = \"poisson\", load = 0.5, requests = 300 }\n\
    [[axis]]\n\
    key = \"workload.load\"\n\
    values = [0.5, 1.5, 3]\n\
    [[axis]]\n\
    key = \"scheduler\"\n";

#[test]
fn notes_stand_at_the_end_one_of_a_kind() {
    let shell = Shell::new();
    let schedulers = "values = [\"edf\", \"fcfs\", \
        { name = \"grouped\", window_ms = 60 }, { name = \"grouped\", window_ms = 80 }, \
        { name = \"sneakpeek\", window_ms = 60 }]\n";
    shell.write("x.toml", format!("{SETTINGS}{schedulers}"));
    let said = shell.ok("sweep x.toml");
    let notes = notes(&said.err);
    let window = "window_ms = 60 is more than half of the budget of voice, 100 ms (and 1 more with \
                  other values)";
    assert_eq!(about(&notes, "window_ms"), [window]);
    let batches = "batches have 32 requests at most unless `max_batch` says otherwise; the \
                   profiles have larger ones, up to 64 (";
    assert!(about(&notes, "max_batch")[0].starts_with(batches), "{notes:?}");
    assert_eq!(about(&notes, "max_batch").len(), 1, "{notes:?}");
    let overload = about(&notes, "refused nothing");
    assert_eq!(overload.len(), 1, "{notes:?}");
    // Two of three loads, five schedulers, two replicates.
    let words = "in 20 of 30 runs more was asked than all workers can answer (load up to 3), and \
                 edf, fcfs, grouped, sneakpeek refused nothing";
    assert!(overload[0].starts_with(words), "{overload:?}");
    // The inputs alone, before any run.
    let checked = shell.ok("check x.toml");
    assert_eq!(self::notes(&checked.err), notes[..notes.len() - 1]);
}

#[test]
fn who_refuses_and_who_keeps_up_is_not_noted() {
    let shell = Shell::new();
    let schedulers = "values = [{ name = \"edf\", drop_policy = \"late\", max_batch = 64 }]\n";
    shell.write("x.toml", format!("{SETTINGS}{schedulers}"));
    let said = shell.ok("sweep x.toml --set workload.requests=3000 --set budget_ms=5");
    let found = notes(&said.err);
    assert!(about(&found, "max_batch").is_empty(), "{found:?}");
    assert!(about(&found, "refused nothing").is_empty(), "{found:?}");
    let schedulers = "values = [{ name = \"edf\", max_batch = 100 }]\n";
    shell.write("x.toml", format!("{SETTINGS}{schedulers}").replace("0.5, 1.5, 3", "0.5"));
    let said = shell.ok("sweep x.toml --overwrite");
    let found = notes(&said.err);
    let batches = about(&found, "max_batch = 100 changes nothing beyond 64, the largest batch");
    assert_eq!(batches.len(), 1, "{found:?}");
    assert!(about(&found, "refused nothing").is_empty(), "{found:?}");
}

#[test]
fn a_time_series_that_ends_before_its_run_is_noted() {
    let shell = Shell::new();
    let schedulers = "values = [{ name = \"edf\", max_batch = 64 }]\n";
    let settings = format!("timeseries_ms = 1e-3\n{SETTINGS}{schedulers}");
    let settings = settings.replace("0.5, 1.5, 3", "0.001");
    shell.write("x.toml", settings.replace("replicates = 2", "replicates = 1"));
    let said = shell.ok("sweep x.toml");
    let words = "in 1 of 1 runs a time series has 1000000 intervals of 0.001 ms";
    assert_eq!(about(&notes(&said.err), words).len(), 1, "{said:?}");
}
