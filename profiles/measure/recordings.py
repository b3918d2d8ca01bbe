"""The three recording sets: inputs of the nets, the split they come with, and their requests."""

import csv
import gzip
import math
import random
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

Row = dict[str, str]


class DataError(Exception):
    """The data is not what the script needs; the text says what is wrong where."""


@dataclass(frozen=True)
class Layout:
    """Where a recording set keeps what, below the data folder."""

    folder: str
    file: str
    # Columns that name a row: who, when (as `group` and `src` of stream.csv.gz), the true class.
    group: str
    moment: str
    label: str
    # Input columns. The first channels * length of them form a series, channel by channel.
    features: list[str]
    channels: int
    length: int
    # Part of every row: "train", "profile" or "stream".
    parts: Callable[[list[Row], "Layout", set], list[str]]
    # Whether all of "train" is counted in class_freq.csv, not a sample of it.
    whole_train: bool
    # Seed by which the shipped trace shuffled the requests inside each group.
    shuffle_seed: int | None = None

    def key(self, row: Row) -> tuple[str, float, str]:
        """What a row shares with its row of stream.csv.gz."""
        return row[self.group], float(row[self.moment]), row[self.label]


def parts_by_count(rows: list[Row], layout: Layout, _stream: set) -> list[str]:
    """Within every group and class, in file order: first 50 %, next 20 %, last 30 %."""
    members = defaultdict(list)
    for at, row in enumerate(rows):
        members[row[layout.group], row[layout.label]].append(at)
    parts = ["stream"] * len(rows)
    for ats in members.values():
        train, profile = math.ceil(len(ats) * 0.5), math.ceil(len(ats) * 0.7)
        for place, at in enumerate(ats[:profile]):
            parts[at] = "train" if place < train else "profile"
    return parts


def parts_by_time(rows: list[Row], layout: Layout, stream: set) -> list[str]:
    """Within every group: the first half of its time, then what comes before the stream."""
    last = {}
    for row in rows:
        last[row[layout.group]] = float(row[layout.moment])

    def part(row: Row) -> str:
        if layout.key(row) in stream:
            return "stream"
        half = last[row[layout.group]] / 2
        return "train" if float(row[layout.moment]) < half else "profile"

    return [part(row) for row in rows]


def parts_by_index(rows: list[Row], layout: Layout, _stream: set) -> list[str]:
    """By recording index: 0 to 14 stream, 15 to 24 profile, the others train."""

    def part(index: int) -> str:
        return "stream" if index < 15 else "profile" if index < 25 else "train"

    return [part(int(row[layout.moment])) for row in rows]


LAYOUTS = {
    "activity": Layout(
        folder="har_wisdm",
        file="features.csv.gz",
        group="user",
        moment="UNIQUE_ID",
        label="class",
        features=[f"{axis}{bin}" for axis in "XYZ" for bin in range(10)]
        + [f"{axis}{kind}" for kind in ("AVG", "PEAK", "ABSOLDEV", "STANDDEV") for axis in "XYZ"]
        + ["RESULTANT"],
        channels=3,
        length=10,
        parts=parts_by_count,
        whole_train=True,
    ),
    "heartbeat": Layout(
        folder="ecg_mitbih",
        file="beats.csv.gz",
        group="record",
        moment="time_s",
        label="cls",
        features=[f"w{at}_uv" for at in range(10)] + ["rr_prev_ms", "rr_next_ms"],
        channels=1,
        length=10,
        parts=parts_by_time,
        whole_train=False,
    ),
    "voice": Layout(
        folder="voice_fsdd",
        file="features.csv.gz",
        group="speaker",
        moment="idx",
        label="digit",
        features=[f"s{at}" for at in range(40)],
        channels=3,
        length=13,
        parts=parts_by_index,
        whole_train=True,
        shuffle_seed=20250510,
    ),
}


@dataclass(frozen=True)
class Recordings:
    """One recording set. Index arrays point at rows of `inputs` and `labels`."""

    layout: Layout
    # rows x features, empty cells are NaN
    inputs: np.ndarray
    # class ids in the order of app.toml
    labels: np.ndarray
    train: np.ndarray
    profile: np.ndarray
    # In the order of stream.csv.gz, whose rows are `requests`.
    stream: np.ndarray
    requests: list[Row]


def table(path: Path, columns: list[str] | None = None) -> list[Row]:
    """The rows of a CSV file, gzipped or not, which must have the given columns."""
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in columns or [] if name not in (reader.fieldnames or [])]
            if missing:
                raise DataError(f"{path}: no column {', '.join(missing)}")
            return list(reader)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error})") from error


def read(app: str, data: Path, classes: list[str]) -> Recordings:
    """Reads the recording set of `app` below `data` and checks its split."""
    layout = LAYOUTS[app]
    folder = data / layout.folder
    naming = [layout.group, layout.moment, layout.label]
    rows = table(folder / layout.file, naming + layout.features)
    votes = [f"k10_{at}" for at in range(len(classes))]
    requests = table(folder / "stream.csv.gz", ["group", "src", "true", *votes])
    wanted = [(r["group"], float(r["src"]), classes[int(r["true"])]) for r in requests]
    parts = layout.parts(rows, layout, set(wanted))
    check_counts(folder / "class_freq.csv", layout, rows, parts, classes)

    def of(part: str) -> np.ndarray:
        return np.array([at for at, given in enumerate(parts) if given == part], dtype=np.int64)

    # A key may stand twice: then the rows are meant in file order.
    waiting = defaultdict(deque)
    for at in of("stream"):
        waiting[layout.key(rows[at])].append(at)
    try:
        stream = np.array([waiting[key].popleft() for key in wanted], dtype=np.int64)
    except IndexError as error:
        raise DataError(f"{folder}: stream.csv.gz holds a row that {layout.file} lacks") from error
    cells = [[float(row[name] or "nan") for name in layout.features] for row in rows]
    labels = [classes.index(row[layout.label]) for row in rows]
    return Recordings(
        layout=layout,
        inputs=np.array(cells, dtype=np.float32),
        labels=np.array(labels, dtype=np.int64),
        train=of("train"),
        profile=of("profile"),
        stream=stream,
        requests=requests,
    )


def check_counts(
    path: Path, layout: Layout, rows: list[Row], parts: list[str], classes: list[str]
) -> None:
    """The split must be the one that class_freq.csv counts, class by class."""
    found = Counter((part, row[layout.label]) for part, row in zip(parts, rows))
    checked = {"profile", "stream"} | ({"train"} if layout.whole_train else set())
    for line in table(path, ["split", "class_id", "cls", "count"]):
        name = line["cls"]
        if classes[int(line["class_id"])] != name:
            raise DataError(f"{path}: class {line['class_id']} is `{name}`, not as in app.toml")
        if line["split"] in checked and found[line["split"], name] != int(line["count"]):
            counted = found[line["split"], name]
            raise DataError(
                f"{path}: {line['count']} rows of `{name}` in {line['split']}, found {counted}"
            )


def in_trace_order(
    recordings: Recordings, trace: list[Row], classes: list[str], recorded: list[str]
) -> np.ndarray:
    """For every row of the shipped trace the row of its input.

    Requests of one source stand in the order of their offset. Every row is checked against the
    class, the votes and the answers of the `recorded` variants that stream.csv.gz knows of it.
    """
    by_source = defaultdict(list)
    for at, request in enumerate(recordings.requests):
        by_source[request["group"]].append(at)
    if recordings.layout.shuffle_seed is not None:
        draw = random.Random(recordings.layout.shuffle_seed)
        for source in sorted(by_source):
            draw.shuffle(by_source[source])
    if len(trace) != len(recordings.requests):
        raise DataError(f"{len(trace)} rows in the trace, {len(recordings.requests)} requests")
    waiting = {source: deque(ats) for source, ats in by_source.items()}
    order = []
    for number, row in enumerate(trace, start=2):
        left = waiting.get(row["source"])
        if not left:
            raise DataError(f"trace line {number}: source `{row['source']}` has no such request")
        at = left.popleft()
        request = recordings.requests[at]
        same = row["class"] == classes[int(request["true"])]
        same &= all(row[f"votes_{c}"] == request[f"k10_{i}"] for i, c in enumerate(classes))
        same &= all(row[f"predicted_{v}"] == classes[int(request[f"p_{v}"])] for v in recorded)
        if not same:
            raise DataError(f"trace line {number}: not the request that stream.csv.gz has there")
        order.append(recordings.stream[at])
    return np.array(order, dtype=np.int64)
