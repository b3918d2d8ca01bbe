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
port=17200

# `ray start --block` is a parent whose end ends its node.
node() {
  local name=$1
  shift
  setsid "${ray[@]}" start --block --num-cpus=1 --object-store-memory=100000000 \
    --disable-usage-stats "$@" >"$name.log" 2>&1 &
  pids+=($!)
}
node head --head --port=$port --include-dashboard=false --temp-dir="$scratch/ray"
address=$(hostname -i | cut -d' ' -f1):$port
nodes() {
  "$python" - "$address" "$1" <<'END'
import sys, ray
ray.init(address=sys.argv[1], log_to_driver=False)
sys.exit(sum(node["Alive"] for node in ray.nodes()) != int(sys.argv[2]))
END
}
wait_for 60 nodes 1
node second --address="$address"
second=${pids[-1]}
wait_for 60 nodes 2
echo "Ray $("$python" -c 'import ray; print(ray.__version__)'), two nodes"

"$peeksim" sweep sweep.toml --out o --engine ray --address "$address" --python "$python" \
  --chunk 10 >sweep.out 2>sweep.log &
follower=$!
pids+=($follower)
wait_for 120 finished 20
# The Python process that runs a chunk, by the chunk that it started.
task=$(pgrep -f -- "$scratch/.*peeksim sweep sweep.toml|peeksim sweep sweep.toml --out o --jobs" | head -1)
task=$(pgrep -f -- "--out o --jobs 1 --run-ids" | head -1)
worker=$(ps -o ppid= -p "$task" | tr -d ' ')
kill -9 "$worker"
echo "killed a worker at $(cat o/shards/*.journal | wc -l) runs"
wait_for 120 finished 80
kill -9 -- "-$second"
echo "killed a node at $(cat o/shards/*.journal | wc -l) runs"
wait "$follower"

"$peeksim" sweep sweep.toml --out whole >whole.log 2>&1
compare
