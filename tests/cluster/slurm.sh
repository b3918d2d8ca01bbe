#!/usr/bin/env bash
# A Slurm of two nodes on this host: 200 runs, a node whose daemon is killed in the middle and
# comes back, a follower that is killed and started again; then the bytes are compared with those of
# one machine. Needs root, and Debian's packages or the right to install them.
#
# usage: tests/cluster/slurm.sh [BINARY]
set -euo pipefail
. "$(dirname "$0")/common.sh"

[ "$(id -u)" = 0 ] || skip "Slurm needs root"
if ! command -v slurmctld slurmd munged sbatch >/dev/null; then
  command -v apt-get >/dev/null || skip "no Slurm, and no apt-get to install it"
  { timeout 60 apt-get update && timeout 120 apt-get install -y --no-install-recommends slurm-wlm munge; } \
    >install.log 2>&1 || skip "Slurm's packages cannot be installed here"
fi

host=$(hostname)
mkdir munge state
dd if=/dev/urandom of=munge/key bs=128 count=1 status=none
chmod 600 munge/key
socket=$scratch/munge/socket
munged --key-file="$scratch/munge/key" --socket="$socket" --pid-file="$scratch/munge/pid" \
  --log-file="$scratch/munge/log" --seed-file="$scratch/munge/seed" --num-threads=2
pids+=("$(cat munge/pid)")

export SLURM_CONF=$scratch/slurm.conf
cat >slurm.conf <<END
ClusterName=two
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$socket
CryptoType=crypto/munge
SlurmctldPort=17100
StateSaveLocation=$scratch/state
SlurmdSpoolDir=$scratch/spool.%n
SlurmctldPidFile=$scratch/slurmctld.pid
SlurmdPidFile=$scratch/slurmd.%n.pid
SlurmctldLogFile=$scratch/slurmctld.log
SlurmdLogFile=$scratch/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
SchedulerType=sched/builtin
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
NodeName=n[1-2] NodeHostname=$host NodeAddr=127.0.0.1 Port=[17101-17102] CPUs=1 RealMemory=1000
PartitionName=all Nodes=n[1-2] Default=YES State=UP MaxTime=INFINITE
END
node() {
  slurmd -N "n$1" -D >"slurmd.n$1.out" 2>&1 &
  node_pid[$1]=$!
  pids+=($!)
}
slurmctld -D >slurmctld.out 2>&1 &
pids+=($!)
node 1
node 2
idle() { [ "$(sinfo --noheader --Node --format=%t | grep -c idle)" = 2 ]; }
wait_for 20 idle || skip "no Slurm of two nodes can be started here"
echo "Slurm $(sinfo --version | cut -d' ' -f2), two nodes"

sweep=("$peeksim" sweep sweep.toml --out o --engine slurm --runs-per-task 10 --memory 400M)
"${sweep[@]}" >first.out 2>first.log &
follower=$!
pids+=($follower)
wait_for 60 finished 40
kill -9 "${node_pid[1]}" "$follower"
wait "${node_pid[1]}" "$follower" 2>/dev/null || true
echo "killed the daemon of n1 and the follower at $(cat o/shards/*.journal | wc -l) runs"
jobs=$(squeue --noheader --array --format=%A | wc -l)
(sleep 3; echo >back) &
"${sweep[@]}" >second.out 2>second.log &
follower=$!
pids+=($follower)
wait_for 10 test -f back
node 1
echo "started the daemon of n1 at $(cat o/shards/*.journal | wc -l) runs"
wait "$follower"
grep -q "at work" second.log
merged() { [ -z "$(squeue --noheader --format=%A)" ]; }
wait_for 60 merged
grep -q "200 runs: " o/slurm/merge.log
echo "$jobs jobs were followed to their end; the dependent job merged"

"$peeksim" sweep sweep.toml --out whole >whole.log 2>&1
compare
