"""Profile folders and traces: what is read from the shipped ones, and what is written."""

import csv
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recordings import DataError, Row, table
from timing import Round, best_p50

# Files of a shipped profile that hold for the same host only, or go with the data.
PEEK = ["peek.csv", "reference.csv"]
README = ["WISDM-README.txt"]


@dataclass(frozen=True)
class Shipped:
    """The profile and the trace of an application as they ship: new variants are added to them."""

    folder: Path
    trace: Path
    app: dict[str, object]
    variants: list[str]

    @property
    def classes(self) -> list[str]:
        """Class names; the place in the list is the class id."""
        return self.app["classes"]


@dataclass(frozen=True)
class Measured:
    """What was measured of one variant."""

    name: str
    description: str
    parameters: int
    bytes: int
    # Bytes beyond the net that the largest batch takes, if known.
    peak_activation: int | None
    # Counts of the profile split: rows are true classes, columns answers.
    confusion: np.ndarray
    # Class ids answered to the requests of the trace, in its order.
    answers: np.ndarray
    rounds: list[Round]
    load_ms: float
    load_cold_ms: float | None
    train_s: float


def shipped(app: str, profiles: Path, traces: Path) -> Shipped:
    """Reads what ships of an application."""
    folder = profiles / app
    variants = [row["variant"] for row in table(folder / "variants.csv")]
    return Shipped(folder, traces / f"{app}.csv", read_app(folder / "app.toml"), variants)


def read_app(path: Path) -> dict[str, object]:
    """The keys of an app.toml, whose values are written one a line and as JSON writes them."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        pairs = [line.split("=", 1) for line in lines if "=" in line and not line.startswith("#")]
        return {key.strip(): json.loads(value) for key, value in pairs}
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({error})") from error


def write_table(path: Path, rows: list[Row]) -> None:
    """Writes rows of equal columns."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def ms(value: float | None) -> str:
    """Milliseconds to 10 ns; empty if not known."""
    return "" if value is None else f"{value:.5f}"


def write(
    out: Path,
    app: str,
    known: Shipped,
    measured: list[Measured],
    worker_class: str,
    notes: list[str],
    provenance: str,
    with_peek: bool,
) -> None:
    """Writes profiles/<app>/ and traces/<app>.csv below `out`."""
    folder, trace = out / "profiles" / app, out / "traces" / f"{app}.csv"
    folder.mkdir(parents=True)
    trace.parent.mkdir(parents=True, exist_ok=True)
    write_app(folder / "app.toml", known, notes)
    add = {name: table(known.folder / name) for name in TABLES}
    for name, columns in TABLES.items():
        rows = [row for one in measured for row in columns(one, known.classes, worker_class)]
        write_table(folder / name, add[name] + rows)
    rounds = [row for one in measured for row in round_rows(one, worker_class)]
    write_table(folder / "latency_rounds.csv", rounds)
    for name in README + (PEEK if with_peek else []):
        if (known.folder / name).exists():
            shutil.copy(known.folder / name, folder / name)
    (folder / "PROVENANCE.md").write_text(provenance, encoding="utf-8")
    write_table(trace, trace_rows(table(known.trace), known, measured))


def write_app(path: Path, known: Shipped, notes: list[str]) -> None:
    """The shipped app.toml under the notes of this measurement."""
    lines = [f"# {note}" for note in notes]
    values = known.app | {"source": f"{known.app['source']}; more variants: PROVENANCE.md"}
    lines += [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def variant_rows(one: Measured, _classes: list[str], _worker: str) -> list[Row]:
    """Rows of variants.csv."""
    return [{"variant": one.name, "bytes": str(one.bytes)}]


def confusion_rows(one: Measured, classes: list[str], _worker: str) -> list[Row]:
    """Rows of confusion.csv: one per true class."""
    rows = []
    for name, counts in zip(classes, one.confusion):
        cells = {f"predicted_{c}": str(count) for c, count in zip(classes, counts)}
        rows.append({"variant": one.name, "class": name} | cells)
    return rows


def latency_rows(one: Measured, _classes: list[str], worker: str) -> list[Row]:
    """Rows of latency.csv: the best round's median of every batch size."""
    return [
        {"worker_class": worker, "variant": one.name, "batch": str(size), "latency_ms": ms(p50)}
        for size, p50 in best_p50(one.rounds).items()
    ]


def load_rows(one: Measured, _classes: list[str], worker: str) -> list[Row]:
    """Rows of load.csv."""
    warm, cold = ms(one.load_ms), ms(one.load_cold_ms)
    return [
        {"worker_class": worker, "variant": one.name, "load_ms": warm, "load_cold_ms": cold}
    ]


# The tables that new variants are added to.
TABLES = {
    "variants.csv": variant_rows,
    "confusion.csv": confusion_rows,
    "latency.csv": latency_rows,
    "load.csv": load_rows,
}


def round_rows(one: Measured, worker: str) -> list[Row]:
    """Rows of latency_rounds.csv."""
    return [
        {
            "worker_class": worker,
            "variant": one.name,
            "batch": str(r.batch),
            "round": str(r.number),
            "p50_ms": ms(r.p50),
            "p99_ms": ms(r.p99),
        }
        for r in one.rounds
    ]


def trace_rows(rows: list[Row], known: Shipped, measured: list[Measured]) -> list[Row]:
    """The shipped trace with the columns of the new variants behind those of the old ones."""
    last = f"predicted_{known.variants[-1]}"
    added = []
    for at, row in enumerate(rows):
        new = {f"predicted_{one.name}": known.classes[one.answers[at]] for one in measured}
        wider = {}
        for column, cell in row.items():
            wider[column] = cell
            if column == last:
                wider |= new
        added.append(wider)
    return added
