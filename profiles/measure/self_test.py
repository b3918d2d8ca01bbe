"""Checks of the script on synthetic recordings, on the CPU, in seconds."""

import csv
import gzip
import json
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import torch

import folder
import measure
import nets
import recordings
import timing
from recordings import LAYOUTS, DataError, Row, table
from timing import BATCHES, QUICK, Device, Round


def run_all() -> None:
    """Runs every check; the first that fails raises AssertionError."""
    checks = [names_of_devices, times_of_rounds, branches_of_a_gpu, splits, trainings, whole_runs]
    for check in checks:
        check()
        print(f"self-test: {check.__name__.replace('_', ' ')}: passed", flush=True)


def names_of_devices() -> None:
    """Only a CPU is called one."""
    expected = {
        "NVIDIA H100 80GB HBM3": "h100",
        "NVIDIA H100 PCIe": "h100",
        "NVIDIA A100-SXM4-40GB": "a100",
        "NVIDIA GeForce RTX 4090": "rtx-4090",
        "Tesla T4": "t4",
        "CPU": "unnamed",
    }
    for name, short in expected.items():
        assert timing.worker_class(name, is_gpu=True) == short, name
    xeon = timing.worker_class("Intel(R) Xeon(R) Processor @ 2.20GHz", is_gpu=False)
    assert xeon == "cpu-intel-xeon", xeon
    assert timing.worker_class("NVIDIA H100", is_gpu=False) == "cpu-h100"


def times_of_rounds() -> None:
    """The table takes the best round of every batch size."""
    rounds = [Round(b, n, p50=b + n, p99=9e9) for b in BATCHES for n in (3, 1, 2)]
    assert timing.best_p50(rounds) == {b: b + 1 for b in BATCHES}


def branches_of_a_gpu() -> None:
    """What is done on a GPU only, with a pretended one: no figure of it is kept."""
    device = Device("cpu")
    device.is_gpu = True

    def build() -> torch.nn.Module:
        return nets.VARIANTS[0].build(nets.Shape(4, 1, 4, 2), QUICK.shrink)

    net = build().eval()
    inputs = np.zeros((5, 4), dtype=np.float32)
    calls = ["synchronize", "empty_cache", "reset_peak_memory_stats"]
    with tempfile.TemporaryDirectory() as disk, mock.patch.multiple(
        torch.cuda,
        **{name: mock.create_autospec(getattr(torch.cuda, name)) for name in calls},
        memory_allocated=mock.create_autospec(torch.cuda.memory_allocated, return_value=100),
        max_memory_allocated=mock.create_autospec(
            torch.cuda.max_memory_allocated, return_value=140
        ),
    ), mock.patch.object(torch.Tensor, "pin_memory", lambda tensor: tensor):
        assert timing.peak_activation(net, inputs, device) == 40
        found = timing.latencies({"net": net}, inputs, device, QUICK)
        assert len(found["net"]) == QUICK.rounds * len(BATCHES)
        warm, _ = timing.load_ms(build, net, device, QUICK, Path(disk))
        assert warm > 0
        assert torch.cuda.synchronize.called
    gpu = mock.Mock(total_memory=1, uuid="0")
    with mock.patch.object(torch.cuda, "get_device_properties", return_value=gpu):
        assert timing.gpu_facts(torch.device("cuda"))["memory"] == "1 byte"


def splits() -> None:
    """Every row is in the part it was made for."""
    with tempfile.TemporaryDirectory() as root:
        for app in LAYOUTS:
            one = Synthetic(app, Path(root))
            refused(lambda: table(one.counts, ["count", "share"]), "no column share")
            data = one.read()
            for part in ("train", "profile", "stream"):
                told = [at for at, row in enumerate(one.rows) if row[3] == part]
                assert sorted(getattr(data, part)) == told, (app, part)


def trainings() -> None:
    """A seed fixes a net, whatever stands in rows that are not of the training split."""
    with tempfile.TemporaryDirectory() as root:
        data = Synthetic("activity", Path(root)).read()
    assert np.isnan(data.inputs).any()
    other = np.setdiff1d(np.arange(len(data.labels)), data.train)
    altered = replace(data, inputs=data.inputs.copy(), labels=data.labels.copy())
    altered.inputs[other] += 5
    altered.labels[other] = 0
    layout = data.layout
    shape = nets.Shape(len(layout.features), layout.channels, layout.length, 2)
    for variant in nets.VARIANTS:
        states = []
        for rows in (data, altered):
            torch.manual_seed(3)
            net = variant.build(shape, QUICK.shrink)
            nets.train(net, rows, variant.balanced, 5, seed=3)
            states.append(net.state_dict())
        for name, value in states[0].items():
            assert value.isfinite().all() and value.equal(states[1][name]), name


def whole_runs() -> None:
    """All three applications from files to files; then what must be refused."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        made = [Synthetic(app, root) for app in LAYOUTS]
        run(root, root / "out", list(LAYOUTS))
        refused(lambda: run(root, root / "out", ["voice"]), "holds voice already")
        for one in made:
            check_output(root / "out", one)
            refuse_changed(one, one.counts, "count", "found")
            refuse_changed(one, one.trace, f"votes_{one.classes[0]}", "trace line 2:")


def run(root: Path, out: Path, apps: list[str]) -> None:
    """The script's own run on the synthetic files."""
    given = ["--data", str(root / "data"), "--out", str(out), "--device", "cpu", "--quick"]
    options = measure.arguments([*given, "--peek", "--apps", *apps])
    measure.run(options, root / "profiles", root / "traces", ["measure.py", *given])


def refused(work: Callable[[], None], word: str) -> None:
    """`work` must raise a DataError that says `word`."""
    try:
        work()
    except DataError as error:
        assert word in str(error), error
    else:
        raise AssertionError(f"not refused: {word}")


def refuse_changed(one: "Synthetic", path: Path, column: str, word: str) -> None:
    """A run must refuse the file with the first cell of `column` one larger."""
    text = path.read_bytes()
    rows = table(path)
    rows[0][column] = str(int(rows[0][column]) + 1)
    folder.write_table(path, rows)
    refused(lambda: run(one.root, one.root / "again", [one.app]), word)
    path.write_bytes(text)


def check_output(out: Path, one: "Synthetic") -> None:
    """What ships is still there, and the new rows say what the synthetic data says."""
    written = out / "profiles" / one.app
    names = [variant.name for variant in nets.VARIANTS]
    new = {}
    for name in folder.TABLES:
        old, text = (one.profile / name).read_text(), (written / name).read_text()
        assert text.startswith(old), f"{name}: the shipped rows are gone"
        new[name] = table(written / name)[len(table(one.profile / name)) :]
        assert list(dict.fromkeys(row["variant"] for row in new[name])) == names, name
    new["latency_rounds.csv"] = table(written / "latency_rounds.csv")
    for name in ("latency.csv", "load.csv", "latency_rounds.csv"):
        assert all(row["worker_class"].startswith("cpu-") for row in new[name]), name
    assert [int(row["batch"]) for row in new["latency.csv"]] == BATCHES * len(names)
    assert all(float(row["latency_ms"]) > 0 for row in new["latency.csv"])
    assert all(int(row["bytes"]) > 0 for row in new["variants.csv"])
    assert "not GPU figures" in (written / "PROVENANCE.md").read_text(encoding="utf-8")
    assert "not GPU figures" in (written / "app.toml").read_text(encoding="utf-8")
    assert (written / "peek.csv").exists()
    check_profile_split(new["confusion.csv"], one)
    check_trace(out / "traces" / f"{one.app}.csv", one, names)


def check_profile_split(rows: list[Row], one: "Synthetic") -> None:
    """The counts are those of the profile split, and some net has learnt it."""
    right = Counter()
    for row in rows:
        counted = sum(int(row[f"predicted_{name}"]) for name in one.classes)
        assert counted == one.parts["profile", one.classes.index(row["class"])], row
        right[row["variant"]] += int(row["predicted_" + row["class"]])
    total = sum(count for (part, _), count in one.parts.items() if part == "profile")
    assert max(right.values()) > 0.9 * total, right


def check_trace(path: Path, one: "Synthetic", names: list[str]) -> None:
    """Without the new columns the shipped trace; the new ones belong to the rows they are in."""
    rows = table(path)
    right = Counter()
    for row in rows:
        for name in names:
            right[name] += row.pop(f"predicted_{name}") == row["class"]
    assert rows == table(one.trace) and list(rows[0]) == list(table(one.trace)[0])
    assert max(right.values()) > 0.9 * len(rows), right


class Synthetic:
    """A recording set of classes that are easy to tell apart, and what would ship of it."""

    def __init__(self, app: str, root: Path):
        self.app, self.root, self.layout = app, root, LAYOUTS[app]
        self.classes = ["a", "b"] if app != "voice" else ["0", "1", "2"]
        data = root / "data" / self.layout.folder
        self.counts = data / "class_freq.csv"
        self.profile = root / "profiles" / app
        self.trace = root / "traces" / f"{app}.csv"
        for path in (data, self.profile, self.trace.parent):
            path.mkdir(parents=True, exist_ok=True)
        self.draw = random.Random(1)
        self.rows = rows = list(ROWS[app]())
        self.parts = Counter((part, true) for _, _, true, part in rows)
        write_gzip(data / self.layout.file, [self.input_row(*row[:3]) for row in rows])
        # Stable: the recordings of voice go by digit first, its stream by speaker first.
        stream = sorted((row for row in rows if row[3] == "stream"), key=lambda row: row[0])
        requests = [self.request(*row[:3]) for row in stream]
        write_gzip(data / "stream.csv.gz", requests)
        folder.write_table(self.counts, list(self.count_rows()))
        self.write_shipped_profile()
        folder.write_table(self.trace, list(self.trace_rows(requests)))

    def read(self) -> recordings.Recordings:
        """As the script reads it."""
        return recordings.read(self.app, self.root / "data", self.classes)

    def input_row(self, group: str, moment: int, true: int) -> Row:
        """A row whose features tell its class; now and then one is missing."""
        row = {self.layout.group: group, self.layout.moment: str(moment)}
        for at, name in enumerate(self.layout.features):
            mean = 9.0 if at % len(self.classes) == true else 0.0
            row[name] = f"{self.draw.gauss(mean, 1):.3f}" if self.draw.random() > 0.02 else ""
        return row | {self.layout.label: self.classes[true]}

    def request(self, group: str, moment: int, true: int) -> Row:
        """A row of stream.csv.gz: answers and votes at random."""
        classes = range(len(self.classes))
        votes = {f"k10_{at}": str(self.draw.randrange(100)) for at in classes}
        answer = str(self.draw.choice(classes))
        row = {"group": group, "src": str(moment), "true": str(true), "p_old": answer}
        return row | votes

    def count_rows(self) -> Iterator[Row]:
        """Rows of class_freq.csv; those of profile come first."""
        for (part, true), count in sorted(self.parts.items()):
            where = {"split": part, "class_id": str(true), "cls": self.classes[true]}
            yield where | {"count": str(count)}

    def write_shipped_profile(self) -> None:
        """A profile of one variant, `old`."""
        cost = {"worker_class": "edge-cpu", "variant": "old"}
        answers = {f"predicted_{name}": "1" for name in self.classes}
        tables = {
            "variants.csv": [{"variant": "old", "bytes": "1"}],
            "latency.csv": [cost | {"batch": "1", "latency_ms": "1"}],
            "load.csv": [cost | {"load_ms": "1", "load_cold_ms": ""}],
            "confusion.csv": [{"variant": "old", "class": c} | answers for c in self.classes],
            "peek.csv": [{"batch": "1", "latency_ms": "1"}],
        }
        for name, rows in tables.items():
            folder.write_table(self.profile / name, rows)
        app = {"summary": "a = b", "classes": self.classes, "budget_ms": 50.0, "source": "nobody"}
        lines = ["# a comment = 1", *(f"{key} = {json.dumps(app[key])}" for key in app)]
        (self.profile / "app.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def trace_rows(self, requests: list[Row]) -> Iterator[Row]:
        """The requests by source; those of voice shuffled as the shipped ones were."""
        shuffle = random.Random(20250510)
        for source in sorted({row["group"] for row in requests}):
            own = [row for row in requests if row["group"] == source]
            if self.app == "voice":
                shuffle.shuffle(own)
            for at, row in enumerate(own):
                cells = {"source": source, "offset_s": str(at)}
                cells["class"] = self.classes[int(row["true"])]
                votes = {f"votes_{c}": row[f"k10_{k}"] for k, c in enumerate(self.classes)}
                cells |= votes | {"predicted_old": self.classes[int(row["p_old"])]}
                yield cells | {"feature_z0": "0.5"}


# Rows in file order: (group, moment, class id, part). The part is told here, not computed.
Told = tuple[str, int, int, str]


def activity_rows() -> Iterator[Told]:
    """Two users, 31 windows a class, whose numbers start again part way."""
    for user in ("20", "3"):
        for at in range(31):
            part = "train" if at < 16 else "profile" if at < 22 else "stream"
            yield user, at % 25, 0, part
            yield user, at % 25, 1, part


def heartbeat_rows() -> Iterator[Told]:
    """Two records of a beat a second, the classes taking turns."""
    for record in ("100", "101"):
        for second in range(1, 91):
            part = "train" if second < 45 else "profile" if second < 60 else "stream"
            yield record, second, second % 2, part


def voice_rows() -> Iterator[Told]:
    """Two speakers, three digits, 50 recordings each."""
    for digit in range(3):
        for speaker in ("ann", "bob"):
            for index in range(50):
                part = "stream" if index < 15 else "profile" if index < 25 else "train"
                yield speaker, index, digit, part


ROWS = {"activity": activity_rows, "heartbeat": heartbeat_rows, "voice": voice_rows}


def write_gzip(path: Path, rows: list[Row]) -> None:
    """A gzipped table."""
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
