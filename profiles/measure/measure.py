#!/usr/bin/env python3
"""Trains nets for the measured applications and measures them on a GPU: see README.md."""

import argparse
import datetime
import shlex
import sys
import time
from pathlib import Path

import numpy as np
import torch

# This folder is compiled into the binary: leave no bytecode in it.
sys.dont_write_bytecode = True

import folder
import nets
import recordings
import timing
from folder import Measured, Shipped
from recordings import LAYOUTS, DataError, Recordings
from timing import BATCHES, FULL, QUICK, Device, Effort

REPOSITORY = Path(__file__).resolve().parents[2]
QUICK_NOTE = "QUICK RUN: narrow nets, hardly trained, few repetitions. To try the script only."


def arguments(given: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of the recording sets")
    parser.add_argument("--out", type=Path, help="folder to write profiles/ and traces/ into")
    parser.add_argument("--device", default="cuda", help="cuda, cuda:N or cpu (default: cuda)")
    parser.add_argument("--apps", nargs="+", choices=list(LAYOUTS), default=list(LAYOUTS))
    parser.add_argument("--seed", type=int, default=7, help="of the trainings (default: 7)")
    parser.add_argument("--quick", action="store_true", help="seconds instead of precision")
    parser.add_argument("--peek", action="store_true", help="copy the shipped k-NN (peek.csv) too")
    parser.add_argument("--self-test", action="store_true", help="check the script, without data")
    options = parser.parse_args(given)
    if not options.self_test and (options.data is None or options.out is None):
        parser.error("--data and --out are needed")
    return options


def measure_app(
    app: str, known: Shipped, data: Recordings, device: Device, effort: Effort, seed: int, out: Path
) -> list[Measured]:
    """Trains and measures every variant of one application."""
    trace = recordings.table(known.trace)
    order = recordings.in_trace_order(data, trace, known.classes, known.variants)
    layout = data.layout
    shape = nets.Shape(
        len(layout.features), layout.channels, layout.length, len(known.classes)
    )
    trained, train_s = {}, {}
    for variant in nets.VARIANTS:
        torch.manual_seed(seed)
        net = variant.build(shape, effort.shrink).to(device.torch)
        start = time.monotonic()
        nets.train(net, data, variant.balanced, effort.steps, seed)
        train_s[variant.name] = time.monotonic() - start
        trained[variant.name] = net
        print(f"{app}: {variant.name} trained in {train_s[variant.name]:.1f} s", flush=True)
    rounds = timing.latencies(trained, data.inputs[data.profile], device, effort)
    measured = []
    for variant in nets.VARIANTS:
        net = trained[variant.name]
        peak = timing.peak_activation(net, data.inputs[data.profile], device)
        warm, cold = timing.load_ms(
            lambda: variant.build(shape, effort.shrink), net, device, effort, out
        )
        answers = nets.predict(net, data.inputs[data.profile])
        measured.append(
            Measured(
                name=variant.name,
                description=variant.describe(effort.shrink),
                parameters=sum(p.numel() for p in net.parameters()),
                bytes=timing.resident_bytes(net),
                peak_activation=peak,
                confusion=confusion(data.labels[data.profile], answers, len(known.classes)),
                answers=nets.predict(net, data.inputs[order]),
                rounds=rounds[variant.name],
                load_ms=warm,
                load_cold_ms=cold,
                train_s=train_s[variant.name],
            )
        )
    return measured


def confusion(labels: np.ndarray, answers: np.ndarray, classes: int) -> np.ndarray:
    """Counts: rows are true classes, columns answers."""
    return np.bincount(labels * classes + answers, minlength=classes**2).reshape(classes, classes)


def notes(device: Device, effort: Effort) -> list[str]:
    """What a reader of the figures must know first."""
    kind = "a GPU" if device.is_gpu else "a CPU: these are not GPU figures"
    first = f"Worker class {device.worker_class}: measured on {kind}. Others: as shipped."
    return [first] + ([QUICK_NOTE] if effort is QUICK else [])


def provenance(
    app: str,
    known: Shipped,
    data: Recordings,
    measured: list[Measured],
    device: Device,
    effort: Effort,
    options: argparse.Namespace,
    command: list[str],
) -> str:
    """The text of PROVENANCE.md."""
    cold = [one.load_cold_ms for one in measured]
    facts = device.facts() | {
        "date (UTC)": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M"),
        "command": f"`{shlex.join(command)}`",
        "seed of every training": str(options.seed),
        "training": f"{len(data.train)} rows, {effort.steps} steps of {nets.BATCH} rows, AdamW, "
        f"rate {nets.LEARNING_RATE}, decay {nets.WEIGHT_DECAY}, dropout {nets.DROPOUT}, float32",
        "profile split": f"{len(data.profile)} rows, counted in confusion.csv",
        "stream split": f"{len(data.stream)} rows, answered in the trace, not used otherwise",
        "k-NN that peeks": "peek.csv and reference.csv as shipped, for another host"
        if options.peek
        else "none",
        "latency": f"{effort.rounds} rounds of {effort.repetitions} repetitions after "
        f"{effort.warm_up} that do not count",
        "load": f"median of {effort.warm_loads} warm"
        + ("; cold not measured" if None in cold else f" and {effort.cold_loads} cold"),
    }
    lines = [f"# {app} on {device.worker_class}", ""]
    lines += [f"**{note}**\n" for note in notes(device, effort)]
    lines += ["| what | value |", "|---|---|"]
    lines += [f"| {what} | {value.replace('|', '/')} |" for what, value in facts.items()]
    lines += [
        "",
        "latency.csv: median of the best round, from inputs in host memory to class ids in host",
        "memory. latency_rounds.csv: median and 99th percentile of every round. load.csv: copy of",
        "the weights from host memory to the device; cold: from a file that was dropped from the",
        "page cache. bytes: parameters and buffers on the device; the runtime's own memory and",
        f"the activations (here: of a batch of {BATCHES[-1]}) come on top. Rows of other worker",
        "classes and variants are the shipped ones, unchanged; so is the licence of the data.",
        "",
        "| variant | net | parameters | bytes | peak activation, byte | accuracy (profile) "
        "| recall by class | trained in, s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join(lines + [variant_line(one, known.classes) for one in measured]) + "\n"


def variant_line(one: Measured, classes: list[str]) -> str:
    """One line of the table of variants."""
    right, total = one.confusion.diagonal(), one.confusion.sum(axis=1)
    recalls = ", ".join(f"{c} {r / t:.3f}" for c, r, t in zip(classes, right, total))
    peak = "not measured" if one.peak_activation is None else str(one.peak_activation)
    accuracy = f"{right.sum() / total.sum():.4f}"
    cells = [one.name, one.description, one.parameters, one.bytes, peak, accuracy, recalls]
    return "| " + " | ".join(map(str, cells)) + f" | {one.train_s:.1f} |"


def run(options: argparse.Namespace, profiles: Path, traces: Path, command: list[str]) -> None:
    """Measures the applications asked for and writes their folders."""
    device = Device(options.device)
    effort = QUICK if options.quick else FULL
    print(f"measuring {device.name} as worker class `{device.worker_class}`", flush=True)
    taken = [app for app in options.apps if (options.out / "profiles" / app).exists()]
    if taken:
        raise DataError(f"{options.out}/profiles holds {', '.join(taken)} already")
    options.out.mkdir(parents=True, exist_ok=True)
    for app in options.apps:
        known = folder.shipped(app, profiles, traces)
        data = recordings.read(app, options.data, known.classes)
        measured = measure_app(app, known, data, device, effort, options.seed, options.out)
        folder.write(
            options.out,
            app,
            known,
            measured,
            device.worker_class,
            notes(device, effort),
            provenance(app, known, data, measured, device, effort, options, command),
            options.peek,
        )
        print(f"{app}: {options.out / 'profiles' / app} written", flush=True)


def main() -> int:
    """Runs; returns the exit status."""
    options = arguments(sys.argv[1:])
    try:
        if options.self_test:
            import self_test

            self_test.run_all()
        else:
            command = ["python", *sys.argv]
            run(options, REPOSITORY / "profiles", REPOSITORY / "traces", command)
    except (DataError, RuntimeError, OSError) as error:
        print(f"measure: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
