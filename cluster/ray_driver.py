"""Does chunks of a sweep's runs on a Ray cluster.

usage: python3 ray_driver.py ADDRESS CPUS CHUNKS COMMAND...

CHUNKS is a file with the run ids of one chunk a line; COMMAND is a program and a subcommand with
its arguments, and does the runs that its option `--run-ids` names. Each chunk is a task of CPUS cores. One whose worker or node dies is done again
elsewhere; what it had finished is in a journal and is skipped. `peeksim sweep --engine ray` writes
this file and its chunks, starts it and follows the journals.
"""

import os
import subprocess
import sys
import time

import ray

BUSY = 75  # a copy of the chunk, whose worker died, is still at work


def work(command, ids, folder):
    # Before the other arguments: behind a `--` no option is one.
    words = [*command[:2], f"--run-ids={ids}", *command[2:]]
    while True:
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True)
        if done.returncode != BUSY:
            return done.returncode, done.stderr
        time.sleep(1)


def main(address, cpus, chunks, *command):
    ray.init(address=address, log_to_driver=False)
    task = ray.remote(num_cpus=int(cpus), max_retries=10)(work)
    with open(chunks) as lines:
        waiting = [task.remote(command, line.strip(), os.getcwd()) for line in lines]
    worst = 0
    while waiting:
        [first], waiting = ray.wait(waiting)
        code, said = ray.get(first)
        if code != 0:
            print(said.strip(), file=sys.stderr)
        worst = max(worst, abs(code))
    return worst


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
