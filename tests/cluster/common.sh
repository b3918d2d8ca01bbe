# Shared by the tests with real clusters: an experiment of 200 runs, the same sweep on this machine,
# and the comparison. $1 is the binary, target/release/peeksim by default.

peeksim=$(realpath "${1:-target/release/peeksim}")
scratch=$(mktemp -d)
chmod 755 "$scratch"
pids=()

# Only what was started here is ended, by its id.
finish() {
  code=$?
  [ $code = 0 ] || tail -n 20 "$scratch"/*.log "$scratch"/o/slurm/*.log 2>/dev/null || true
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  sleep 1
  for pid in "${pids[@]}"; do kill -9 "$pid" 2>/dev/null || true; done
  rm -rf "$scratch"
  exit $code
}
trap finish EXIT

skip() {
  echo "skipped: $*"
  exit 0
}

# Waits until a command succeeds; fails after some seconds.
wait_for() {
  local seconds=$1 end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || { echo "in vain for $seconds s: $*"; return 1; }
    sleep 0.1
  done
}

finished() { [ "$(cat "$scratch"/o/shards/*.journal 2>/dev/null | wc -l)" -ge "$1" ]; }

cd "$scratch"
cat >sweep.toml <<END
replicates = 25
[base]
apps = ["voice", "activity"]
workers = [{ class = "edge-cpu", memory_bytes = 5_000_000 }]
workload = { arrivals = "poisson", rate_rps = 100, requests = ${REQUESTS:-60_000} }
[[axis]]
key = "scheduler"
values = ["edf", "grouped"]
[[axis]]
key = "workload.rate_rps"
values = [50, 200, 1000, 2000]
[[figure]]
name = "utility"
END

# Fails unless the cluster's results are those of this machine, byte for byte.
compare() {
  for file in runs.csv summary.csv compare.csv manifest.toml figures/utility.svg; do
    cmp "whole/$file" "o/$file"
  done
  echo "200 runs: the same bytes as on one machine"
}
