"""Earliest deadline first as an external scheduler: each batch on the fastest variant.

    scheduler = { name = "external", command = ["python3", "examples/external_scheduler.py"] }

The messages are described in docs/src/external-schedulers.md. Nothing outside the standard library
is needed. Rows are those of the scheduler `edf`.
"""
import json
import sys


def answer(message):
    print(json.dumps(message), flush=True)


def fastest(worker, app):
    """The variant of an application with the shortest latency on a worker, and its largest batch."""
    own = [cost for cost in worker["variants"] if variants[cost["variant"]]["app"] == app]
    best = min(own, key=lambda cost: (cost["latency_ns"][0], cost["variant"]), default=None)
    return best and (best["variant"], min(len(best["latency_ns"]), max_batch))


system = json.loads(sys.stdin.readline())
answer({"version": 1})
variants, max_batch = system["variants"], system["settings"].get("max_batch", 32)
# By worker and application.
table = [[fastest(worker, app) for app in range(len(system["apps"]))] for worker in system["workers"]]

for line in sys.stdin:
    view, plan = json.loads(line), []
    waiting = sorted(view["pending"], key=lambda request: (request["deadline_ns"], request["id"]))
    for worker, state in enumerate(view["workers"]):
        for _ in range(state["free_lanes"] if state["idle"] else 0):
            served = [request for request in waiting if table[worker][request["app"]]]
            if not served:
                break
            variant, largest = table[worker][served[0]["app"]]
            batch = [r for r in served if r["app"] == served[0]["app"]][:largest]
            ids = [request["id"] for request in batch]
            plan.append({"assign": {"worker": worker, "variant": variant, "requests": ids}})
            taken = set(ids)
            waiting = [request for request in waiting if request["id"] not in taken]
    answer({"decision": view["decision"], "plan": plan})
