//! `sweep --engine slurm` and `ray`: what is submitted, and that it is followed to its end, here
//! with stand-ins for the clusters' programs. `tests/cluster/*.sh` do it with the real ones.

#![cfg(unix)]

use crate::support::shell::{self, Said, Shell, assert_same};
use std::os::unix::fs::PermissionsExt;

/// Runs the shares of an array one after the other, in the background, as long as `alive` exists.
const SBATCH: &str = r#"#!/bin/sh
here=$(dirname "$0")
for script; do :; done
echo "$@" >>"$here/submitted"
case $script in
*array.sh)
    echo 17
    (
        exec >/dev/null 2>&1
        last=$(sed -n 's/#SBATCH --array=0-\([0-9]*\).*/\1/p' "$script")
        touch "$here/alive"
        for task in $(seq 0 "$last"); do
            [ -f "$here/lazy" ] && [ "$task" = 1 ] && continue
            SLURM_ARRAY_TASK_ID=$task sh "$script"
        done
        sh "$(dirname "$script")/merge.sh"
        rm "$here/alive"
    ) &
    ;;
*) echo 18 ;;
esac
"#;
const SQUEUE: &str = "#!/bin/sh\n[ -f \"$(dirname \"$0\")/alive\" ] && echo 17\nexit 0\n";
/// Does what the driver does, without Ray.
const PYTHON: &str = r#"#!/bin/sh
chunks=$4
program=$5
command=$6
shift 6
while read -r ids; do "$program" "$command" "--run-ids=$ids" "$@" || exit 1; done <"$chunks"
"#;

/// A folder with stand-ins for the programs of the clusters.
fn cluster() -> Shell {
    let shell = Shell::small();
    for (name, text) in [("sbatch", SBATCH), ("squeue", SQUEUE), ("python3", PYTHON)] {
        shell.write(&format!("bin/{name}"), text);
        let path = shell.path(&format!("bin/{name}"));
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    shell
}

fn run(shell: &Shell, arguments: &str) -> Said {
    let path = std::env::var("PATH").expect("a path");
    let path = format!("{}:{path}", shell.path("bin").display());
    let words: Vec<&str> = arguments.split(' ').collect();
    Said::of(shell.command(&words).env("PATH", path))
}

#[test]
fn scripts_are_printed_and_nothing_is_done() {
    let shell = cluster();
    let options = "--runs-per-task 3 --max-concurrent 2 --partition short --time 00:10:00 \
                   --memory 500M --cpus 2";
    let arguments =
        format!("sweep small.toml --set seed=4 --out o --engine slurm --dry-run {options}");
    let said = run(&shell, &arguments);
    for line in [
        "#!/bin/sh\n#SBATCH --job-name=peeksim-",
        "#SBATCH --partition=short\n",
        "#SBATCH --time=00:10:00\n",
        "#SBATCH --mem=500M\n",
        "#SBATCH --array=0-2%2\n",
        "#SBATCH --cpus-per-task=2\n",
        " sweep --shard=\"$SLURM_ARRAY_TASK_ID/3\" '--set=seed=4' '--out=o' '--jobs=2' -- \
         small.toml\n",
        "# sbatch --dependency=afterany:<peeksim-",
        " merge -- o\n",
    ] {
        assert!(said.out.contains(line), "no {line:?} in\n{}", said.out);
    }
    let said =
        run(&shell, "sweep small.toml --engine slurm --dry-run --runs-per-task 1 --max-tasks 2");
    assert!(said.out.contains("--array=0-1\n"), "{said:?}");
    let said =
        run(&shell, "sweep small.toml --engine ray --dry-run --runs-per-task 5 --cpus 1 --out o");
    assert!(said.out.contains("o/ray/driver.py auto 1 "), "{said:?}");
    let sizes: Vec<usize> = said.out.lines().skip(1).map(|line| line.split(',').count()).collect();
    assert_eq!(sizes, [5, 3]);
    assert!(!shell.exists("o") && !shell.exists("results"));
}

#[test]
fn hostile_names_stay_names() {
    let shell = cluster();
    shell.write("-small.toml", shell::SMALL);
    shell.ok("sweep small.toml --out whole");
    let whole = shell.files("whole");
    // What a shell, a command line or Slurm would read as something else than a name.
    let folder = "-%j;touch${IFS}pwned;$(touch${IFS}pwned)'`touch${IFS}pwned`\"&|>*?~#\\";
    let out = format!("--out={folder}");
    for engine in ["slurm", "ray"] {
        let arguments =
            ["sweep", "--engine", engine, "--runs-per-task", "3", &out, "--", "-small.toml"];
        let said = run(&shell, &arguments.join(" "));
        assert_eq!(said.code, Some(0), "{said:?}");
        // The manifest names the experiment's file, which has another name.
        let same = |file: &str| whole[file] == shell.files(folder)[file];
        assert!(same("runs.csv") && same("summary.csv") && same("compare.csv"), "{engine}");
        let script = shell.path(&format!("{folder}/slurm/array.sh"));
        let text = std::fs::read_to_string(&script).expect("a script");
        assert!(text.contains("/-%%j;") && text.contains("/slurm/%a.log\n"), "{text}");
        std::fs::remove_file(shell.path(&format!("{folder}/runs.journal"))).ok();
        std::fs::remove_dir_all(shell.path(&format!("{folder}/shards"))).expect("shards");
    }
    assert!(!shell.exists("pwned") && !shell.exists(&format!("{folder}/pwned")));
    for (option, place) in [
        ("--partition=a\ntouch pwned", "--partition"),
        ("--partition=a b", "--partition"),
        ("--time=1\u{b}2", "--time"),
        ("--memory=", "--mem"),
        ("--out=o\np", "--out"),
        ("--out=o p", "--out"),
    ] {
        let arguments = ["sweep", "small.toml", "--engine", "slurm", "--dry-run", option];
        let said = Said::of(&mut shell.command(&arguments));
        assert_eq!(said.code, Some(2), "{option:?}: {said:?}");
        let error = format!("error: {place}: found \"");
        assert!(said.error().starts_with(&error) && said.out.is_empty(), "{option:?}: {said:?}");
    }
}

#[test]
fn an_array_ends_in_the_bytes_of_one_machine() {
    let shell = cluster();
    shell.ok("sweep small.toml --out whole");
    let whole = shell.files("whole");
    // One task does nothing: the command fails, and the next one goes on.
    shell.write("bin/lazy", "");
    let arguments = "sweep small.toml --out o --engine slurm --runs-per-task 2";
    let said = run(&shell, arguments);
    let missing = "2 of 8 runs are not finished; the first is ";
    assert!(said.code == Some(1) && said.error().contains(missing), "{said:?}");
    std::fs::remove_file(shell.path("bin/lazy")).expect("a file");
    let said = run(&shell, arguments);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.starts_with("small\n\nutility "), "{said:?}");
    assert_same(&whole, &shell.files("o"), "slurm");
    let submitted = shell.read("bin/submitted");
    assert_eq!(submitted.matches("--dependency=afterany:17 ").count(), 2, "{submitted}");
    // Nothing is left, so nothing is submitted.
    let said = run(&shell, arguments);
    assert!(said.err.contains("every run was finished before"), "{said:?}");
    assert_eq!(shell.read("bin/submitted"), submitted);
}

#[test]
fn jobs_at_work_are_found_again() {
    let shell = cluster();
    shell.write("bin/alive", "");
    let arguments = "sweep small.toml --out o --engine slurm";
    let path = shell.path("bin/alive");
    std::thread::scope(|scope| {
        let follower = scope.spawn(|| run(&shell, arguments));
        // Somebody else's jobs do the runs.
        while !shell.exists("o/manifest.toml") {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        shell.ok("sweep small.toml --out o --shard 0/1");
        let said = follower.join().expect("a follower");
        assert!(said.code == Some(0) && said.err.contains(" at work\n"), "{said:?}");
    });
    assert!(path.exists() && !shell.exists("bin/submitted"));
}

#[test]
fn ray_is_driven_with_chunks() {
    let shell = cluster();
    shell.ok("sweep small.toml --out whole");
    shell.ok("sweep small.toml --out o --shard 0/4");
    let said = run(&shell, "sweep small.toml --out o --engine ray --runs-per-task 4");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_same(&shell.files("whole"), &shell.files("o"), "ray");
    assert_eq!(shell.read("o/ray/chunks.txt").lines().count(), 2);
    assert!(shell.read("o/ray/driver.py").contains("import ray"));
}

#[test]
fn a_cluster_that_is_not_there_is_named() {
    let shell = Shell::small();
    let mut command =
        shell.command(&["sweep", "small.toml", "--engine", "slurm", "--runs-per-task", "1"]);
    let said = Said::of(command.env("PATH", ""));
    assert!(said.error().starts_with("error: cannot start squeue: "), "{said:?}");
}
