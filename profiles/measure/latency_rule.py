"""Which statistic of repeated timings should a latency table hold?

Reads folders with a `latency_ms.csv` (variant, batch, min, p50_best_round, p50, p90, p99: values
of the timings of one batch in ms), judges rules that make a table of them, and writes the table of
one rule.

    python latency_rule.py FOLDER...               # the comparison of the rules, in Markdown
    python latency_rule.py FOLDER... --write OUT   # OUT/<folder>/latency.csv and peek.csv
    python latency_rule.py --self-test

A rule takes one value per batch size (a statistic, a geometric mean of several, or the minimum and
a constant of the variant: the median over its sizes of what another statistic is above the minimum)
and a fit over the batch sizes. It is judged by what it has not seen: each batch size between the
smallest and the largest is left out in turn, the rest is fitted, the latency of the missing size is
found on the straight line between its neighbours (affine fits: on the line itself), and compared
with every statistic of that size that the rule does not use. Statistics differ by what they mean,
so one factor for each variant and statistic is taken out: the median of the logarithms. The error
is the mean absolute logarithm of the ratio that is left; .05 is 5 %.

The score of a rule is the mean, over the statistics that it does not use, of its error relative to
the least error that any rule with the same fit has there.

Needs the standard library alone.
"""

import argparse
import csv
import math
import statistics
import sys
from pathlib import Path

STATISTICS = ["min", "p50_best_round", "p50", "p90", "p99"]
# What a rule may use. Higher quantiles depend more on other work of the machine than on the model.
CENTRAL = STATISTICS[:3]
# The rows of the model that looks at inputs: they make peek.csv.
PEEK = "sneakpeek_knn"

# By batch size, the statistics in ms.
Curve = dict[int, dict[str, float]]


def read(folder: Path) -> dict[str, Curve]:
    """By variant, the curve in latency_ms.csv of a folder."""
    curves: dict[str, Curve] = {}
    with open(folder / "latency_ms.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            values = {name: float(row[name]) for name in STATISTICS}
            curves.setdefault(row["variant"], {})[int(row["batch"])] = values
    return curves


def isotonic(values: list[float]) -> list[float]:
    """The nearest non-decreasing values by least squares: pool adjacent violators."""
    pools: list[tuple[float, int]] = []
    for value in values:
        pool = (value, 1)
        while pools and pools[-1][0] > pool[0]:
            mean, count = pools.pop()
            total = count + pool[1]
            pool = ((mean * count + pool[0] * pool[1]) / total, total)
        pools.append(pool)
    return [mean for mean, count in pools for _ in range(count)]


def running_max(values: list[float]) -> list[float]:
    """Each value raised to the highest so far."""
    return [max(values[: at + 1]) for at in range(len(values))]


def line(sizes: list[int], values: list[float]) -> tuple[float, float]:
    """Intercept and slope of the line with the least squared relative errors."""
    weights = [1 / value**2 for value in values]
    total = sum(weights)
    mean_x = sum(w * x for w, x in zip(weights, sizes)) / total
    mean_y = sum(w * y for w, y in zip(weights, values)) / total
    above = sum(w * (x - mean_x) * (y - mean_y) for w, x, y in zip(weights, sizes, values))
    slope = above / sum(w * (x - mean_x) ** 2 for w, x in zip(weights, sizes))
    return mean_y - slope * mean_x, slope


def between(sizes: list[int], values: list[float], size: int) -> float:
    """The value of a size on the straight line between its neighbours."""
    above = next(at for at, known in enumerate(sizes) if known >= size)
    if sizes[above] == size:
        return values[above]
    part = (size - sizes[above - 1]) / (sizes[above] - sizes[above - 1])
    return values[above - 1] + part * (values[above] - values[above - 1])


def predicted(fit: str, sizes: list[int], values: list[float], size: int) -> float:
    """The latency of a size that was left out."""
    if fit == "affine":
        intercept, slope = line(sizes, values)
        return max(intercept + slope * size, min(values) / 10)
    fits = {"isotonic": isotonic, "running-max": running_max, "as-measured": list}
    return between(sizes, fits[fit](values), size)


FITS = ["isotonic", "as-measured", "running-max", "affine"]


def mean_of(used: tuple[str, ...]):
    """The rule that takes the geometric mean of some statistics."""
    def rule(curve: Curve) -> dict[int, float]:
        logs = {size: sum(math.log(row[name]) for name in used) for size, row in curve.items()}
        return {size: math.exp(log / len(used)) for size, log in logs.items()}

    return rule


def min_and_constant(other: str):
    """The rule that adds to the minimum what another statistic is above it at the median size."""
    def rule(curve: Curve) -> dict[int, float]:
        above = statistics.median(row[other] - row["min"] for row in curve.values())
        return {size: row["min"] + above for size, row in curve.items()}

    return rule


def rules() -> dict[str, tuple[tuple[str, ...], object]]:
    """By name: the statistics that a rule uses, and the rule."""
    found = {}
    for count in range(1, 1 << len(CENTRAL)):
        used = tuple(name for at, name in enumerate(CENTRAL) if count >> at & 1)
        found[" × ".join(used)] = (used, mean_of(used))
    for other in CENTRAL[1:]:
        found[f"min + constant ({other})"] = (("min", other), min_and_constant(other))
    return dict(sorted(found.items(), key=lambda item: len(item[1][0])))


def errors(curves: list[Curve], used: tuple[str, ...], rule, fit: str) -> dict[str, float]:
    """By statistic that the rule does not use, the mean absolute logarithm of its error."""
    found = {}
    for target in [name for name in STATISTICS if name not in used]:
        left = []
        for curve in curves:
            sizes, logs = sorted(curve), []
            for size in sizes[1:-1]:
                # A constant must not see the size that is left out, either.
                values = rule({other: row for other, row in curve.items() if other != size})
                others = sorted(values)
                found_ms = predicted(fit, others, [values[s] for s in others], size)
                logs.append(math.log(curve[size][target] / found_ms))
            left += [abs(log - statistics.median(logs)) for log in logs]
        found[target] = statistics.mean(left)
    return found


def compare(curves: list[Curve]) -> list[tuple[str, str, dict[str, float], float]]:
    """(rule, fit, errors, score) of every rule and fit, best first within a fit."""
    result = []
    for fit in FITS:
        found = {name: errors(curves, used, rule, fit) for name, (used, rule) in rules().items()}
        least = {t: min(e[t] for e in found.values() if t in e) for t in STATISTICS}
        for name, own in found.items():
            score = statistics.mean(own[target] / least[target] for target in own)
            result.append((name, fit, own, score))
    return sorted(result, key=lambda row: (FITS.index(row[1]), row[3]))


def largest_moves(folders: dict[str, dict[str, Curve]], rule) -> tuple[int, float]:
    """How many points the isotonic fit changes by more than 10 %, and the largest change in %."""
    moved = []
    for curves in folders.values():
        for curve in curves.values():
            values = rule(curve)
            points = [values[size] for size in sorted(values)]
            moved += [abs(b / a - 1) for a, b in zip(points, isotonic(points))]
    return sum(move > 0.1 for move in moved), 100 * max(moved)


def report(folders: dict[str, dict[str, Curve]]) -> str:
    """The comparison as a table in Markdown."""
    curves = [curve for own in folders.values() for curve in own.values()]
    head = ["rule", "fit", *STATISTICS, "score", "moved > 10 %", "most"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for name, fit, own, score in compare(curves):
        cells = [f"{own[target]:.3f}" if target in own else "used" for target in STATISTICS]
        count, most = largest_moves(folders, rules()[name][1])
        moves = [str(count), f"{most:.0f} %"] if fit == "isotonic" else ["", ""]
        lines.append("| " + " | ".join([name, fit, *cells, f"{score:.3f}", *moves]) + " |")
    return "\n".join(lines)


def write(folders: dict[str, dict[str, Curve]], rule, worker_class: str, out: Path) -> None:
    """Writes latency.csv and peek.csv of each folder."""
    for folder, curves in folders.items():
        (out / folder).mkdir(parents=True, exist_ok=True)
        latency, peek = ["worker_class,variant,batch,latency_ms"], ["batch,latency_ms"]
        for variant, curve in curves.items():
            for size, ms in sorted(rule(curve).items()):
                if variant == PEEK:
                    peek.append(f"{size},{ms:.5f}")
                else:
                    latency.append(f"{worker_class},{variant},{size},{ms:.5f}")
        (out / folder / "latency.csv").write_text("\n".join(latency) + "\n", encoding="utf-8")
        if len(peek) > 1:
            (out / folder / "peek.csv").write_text("\n".join(peek) + "\n", encoding="utf-8")


def self_test() -> None:
    """Hand-worked cases, and a rule that must win."""
    assert isotonic([3, 1, 2, 5]) == [2, 2, 2, 5]
    assert isotonic([1967, 1760, 2529, 1746, 1735, 1816]) == [1863.5] * 2 + [1956.5] * 4
    assert running_max([1, 3, 2]) == [1, 3, 3]
    assert between([1, 4], [10, 40], 2) == 20
    intercept, slope = line([1, 2, 4], [3, 5, 9])
    assert abs(intercept - 1) < 1e-9 and abs(slope - 2) < 1e-9
    # The minimum is exact, medians are twice as long and scatter alternately: the minimum wins.
    sizes = [1, 2, 4, 8, 16, 32, 64]
    exact = {size: 1 + 0.1 * size for size in sizes}
    noise = [1.2, 0.9, 1.3, 0.8, 1.1, 0.7, 1.2]
    scatter = {size: 2 * exact[size] * factor for size, factor in zip(sizes, noise)}
    others = {size: 2 * exact[size] * factor for size, factor in zip(sizes, noise[::-1])}
    rows = zip(sizes, exact.values(), scatter.values(), others.values())
    curve = {s: dict(zip(STATISTICS, [m, a, b, 3 * m, 4 * m])) for s, m, a, b in rows}
    best = [row for row in compare([curve]) if row[1] == "as-measured"][0]
    assert best[0] == "min", best
    found = errors([curve], ("min",), mean_of(("min",)), "as-measured")
    assert found["p90"] < 1e-9 and found["p50"] > 0.1, found
    print("self-test passed")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path, help="folders with latency_ms.csv")
    parser.add_argument("--rule", default="min + constant (p50_best_round)", choices=list(rules()))
    parser.add_argument("--worker-class", default="edge-cpu")
    parser.add_argument("--write", type=Path, metavar="OUT", help="write the tables of the rule")
    parser.add_argument("--self-test", action="store_true")
    arguments = parser.parse_args()
    if arguments.self_test:
        self_test()
        return 0
    if not arguments.folders:
        parser.error("at least one folder, or --self-test")
    folders = {folder.name: read(folder) for folder in arguments.folders}
    if arguments.write:
        write(folders, rules()[arguments.rule][1], arguments.worker_class, arguments.write)
    else:
        print(report(folders))
    return 0


if __name__ == "__main__":
    sys.exit(main())
