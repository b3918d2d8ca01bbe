#!/usr/bin/env bash
# A Ray cluster of two nodes on this host: 200 runs, one worker and one node killed in the middle;
# then the bytes are compared with those of one machine. PYTHON names a Python that has Ray.
#
# usage: PYTHON=venv/bin/python tests/cluster/ray.sh [BINARY]
set -euo pipefail
. "$(dirname "$0")/common.sh"

python=${PYTHON:-python3}
command -v "$python" >/dev/null || skip "no $python"
"$python" -c "import ray" 2>/dev/null || skip "$python has no Ray (pip install ray)"
export RAY_DISABLE_USAGE_STATS=1 RAY_TMPDIR=/tmp
ray=("$python" -m ray.scripts.scripts)
# Workers have the ports from 10002 on.
address=127.0.0.1:6399

# `ray start --block` is a parent whose end ends its node; in a session of its own, so that the
# whole node can be killed at once.
node() {
  local name=$1
  shift
  setsid "${ray[@]}" start --block --num-cpus=1 --object-store-memory=100000000 \
    --disable-usage-stats "$@" >"$name.log" 2>&1 &
  pids+=($!)
}
nodes() {
  timeout 120 "$python" - $address "$1" <<'END'
import sys, time, ray
ray.init(address=sys.argv[1], log_to_driver=False)
while sum(node["Alive"] for node in ray.nodes()) != int(sys.argv[2]):
    time.sleep(0.2)
END
}
listening() { : <"/dev/tcp/${address/://}"; }
node head --head --port=${address#*:} --include-dashboard=false --temp-dir="$scratch/ray"
wait_for 120 listening
node second --address=$address
second=${pids[-1]}
wait_for 120 nodes 2
echo "Ray $("$python" -c 'import ray; print(ray.__version__)'), two nodes"

"$peeksim" sweep sweep.toml --out o --engine ray --address $address --python "$python" \
  --runs-per-task 10 >sweep.out 2>sweep.log &
follower=$!
pids+=($follower)
wait_for 120 finished 20
# The Python process that runs a chunk, by the chunk that it started.
# `ps` names the parent of each process.
worker() {
  ps -eo ppid=,args= | awk -v program="$peeksim" '$2 == program && /--run-ids/ { print $1; exit }'
}
wait_for 60 eval '[ -n "$(worker)" ]'
kill -9 "$(worker)"
echo "killed a worker at $(cat o/shards/*.journal | wc -l) runs"
wait_for 120 finished 80
kill -9 -- "-$second"
wait "$second" 2>/dev/null || true
echo "killed a node at $(cat o/shards/*.journal | wc -l) runs"
wait "$follower"

"$peeksim" sweep sweep.toml --out whole >whole.log 2>&1
compare
