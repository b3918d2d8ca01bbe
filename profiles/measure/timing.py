"""What a device takes: time of a batch, time of a load, memory; and which device it is."""

import os
import platform
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

BATCHES = [1, 2, 4, 8, 16, 32, 64]


@dataclass(frozen=True)
class Effort:
    """How much training and repetition a run takes."""

    steps: int
    # Widths of the nets are divided by this.
    shrink: int
    warm_up: int
    rounds: int
    repetitions: int
    warm_loads: int
    cold_loads: int


FULL = Effort(1500, 1, 20, 5, 200, 20, 7)
QUICK = Effort(30, 8, 2, 2, 10, 3, 2)


class Device:
    """A device of torch and its name."""

    def __init__(self, asked: str):
        self.torch = torch.device(asked)
        self.is_gpu = self.torch.type == "cuda"
        if self.is_gpu and not torch.cuda.is_available():
            raise RuntimeError("torch finds no GPU; `--device cpu` measures the CPU and says so")
        if not self.is_gpu and self.torch.type != "cpu":
            raise RuntimeError(f"`{asked}`: only cpu, cuda and cuda:N are known")
        if not self.is_gpu:
            torch.set_num_threads(1)
        self.name = torch.cuda.get_device_name(self.torch) if self.is_gpu else cpu_name()
        self.worker_class = worker_class(self.name, self.is_gpu)

    def synchronise(self) -> None:
        """Waits until the device has done what it was told."""
        if self.is_gpu:
            torch.cuda.synchronize(self.torch)

    def milliseconds(self, work: Callable[[], object]) -> float:
        """Time of `work` on the wall, from an idle device to an idle device."""
        self.synchronise()
        start = time.perf_counter_ns()
        work()
        self.synchronise()
        return (time.perf_counter_ns() - start) / 1e6

    def facts(self) -> dict[str, str]:
        """Device, driver and versions."""
        facts = {"device": self.name, "kind": "GPU" if self.is_gpu else "CPU, not a GPU"}
        if self.is_gpu:
            facts |= gpu_facts(self.torch)
        else:
            facts["threads of torch"] = str(torch.get_num_threads())
        return facts | {
            "torch": torch.__version__,
            "numpy": np.__version__,
            "Python": platform.python_version(),
            "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
            "host processor": f"{cpu_name()}, {os.cpu_count()} cores",
            "load average at the end": load_average(),
        }


def cpu_name() -> str:
    """The model name of the host's processor."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    found = re.search(r"model name\s*:\s*(.+)", text)
    return found[1].strip() if found else platform.machine()


def load_average() -> str:
    """How busy the host is, over 1, 5 and 15 minutes."""
    if not hasattr(os, "getloadavg"):
        return "unknown"
    return ", ".join(f"{load:.1f}" for load in os.getloadavg())


def gpu_facts(device: torch.device) -> dict[str, str]:
    """Memory and versions as torch knows them, driver, power and clock as nvidia-smi does."""
    known = torch.cuda.get_device_properties(device)
    runtime = f"HIP {torch.version.hip}" if torch.version.hip else f"CUDA {torch.version.cuda}"
    facts = {
        "memory": f"{known.total_memory} byte",
        "runtime": f"{runtime}, cuDNN {torch.backends.cudnn.version()}",
        "float32 matrix products": torch.get_float32_matmul_precision(),
        "TF32 in convolutions": str(torch.backends.cudnn.allow_tf32),
    }
    fields = ["driver_version", "power.limit", "clocks.max.sm"]
    which = f"GPU-{known.uuid}" if hasattr(known, "uuid") else str(device.index or 0)
    query = ["nvidia-smi", "-i", which, f"--query-gpu={','.join(fields)}", "--format=csv,noheader"]
    try:
        said = subprocess.run(query, capture_output=True, text=True, check=True, timeout=30)
        values = said.stdout.strip().split(", ")
    except (OSError, subprocess.SubprocessError):
        values = ["unknown"] * len(fields)
    return facts | dict(zip(fields, values))


def worker_class(name: str, is_gpu: bool) -> str:
    """A short name: "NVIDIA H100 80GB HBM3" is `h100`. A CPU, and nothing else, is `cpu-…`."""
    plain = re.sub(r"\((r|tm|c)\)|@.*", " ", name.lower())
    maker = {"nvidia", "geforce", "tesla", "amd", "gpu", "cpu", "processor", "graphics"}
    words = [word for word in re.findall(r"[a-z0-9.]+", plain) if word not in maker]
    form = re.compile(r"\d+gb|sxm\d*|pcie|hbm\d*\w?|nvl|\d+.core")
    short = []
    for word in words:
        if form.fullmatch(word) and short:
            break
        short.append(word)
    return ("" if is_gpu else "cpu-") + ("-".join(short) or "unnamed")


@dataclass(frozen=True)
class Round:
    """Times of one batch size in one round, ms."""

    batch: int
    number: int
    p50: float
    p99: float


def latencies(
    nets: dict[str, nn.Module], inputs: np.ndarray, device: Device, effort: Effort
) -> dict[str, list[Round]]:
    """Times of every net and batch size, in rounds that go through all of them.

    A batch begins with its inputs in host memory (page-locked for a GPU) and ends with the class
    ids in host memory. The nets are on the device beforehand.
    """
    batches = []
    for size in BATCHES:
        batch = torch.from_numpy(np.resize(inputs, (size, inputs.shape[1])))
        batches.append(batch.pin_memory() if device.is_gpu else batch)
    found = {name: [] for name in nets}
    with torch.inference_mode():
        for number in range(1, effort.rounds + 1):
            for name, net in nets.items():
                for batch in batches:
                    times = batch_times(net, batch, device, effort)
                    p50, p99 = (float(p) for p in np.percentile(times, [50, 99]))
                    found[name].append(Round(len(batch), number, p50, p99))
    return found


def batch_times(
    net: nn.Module, batch: torch.Tensor, device: Device, effort: Effort
) -> list[float]:
    """Times of one batch after some that do not count, ms."""

    def serve() -> None:
        net(batch.to(device.torch, non_blocking=True)).argmax(dim=1).cpu()

    for _ in range(effort.warm_up):
        serve()
    return [device.milliseconds(serve) for _ in range(effort.repetitions)]


def best_p50(rounds: list[Round]) -> dict[int, float]:
    """By batch, the median of the round whose median is smallest, ms."""
    return {size: min(r.p50 for r in rounds if r.batch == size) for size in BATCHES}


def resident_bytes(net: nn.Module) -> int:
    """Bytes of parameters and buffers."""
    tensors = [*net.parameters(), *net.buffers()]
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


@torch.inference_mode()
def peak_activation(net: nn.Module, inputs: np.ndarray, device: Device) -> int | None:
    """Bytes that the largest batch takes beyond the net; unknown on a CPU."""
    if not device.is_gpu:
        return None
    batch = torch.from_numpy(np.resize(inputs, (BATCHES[-1], inputs.shape[1])))
    device.synchronise()
    torch.cuda.reset_peak_memory_stats(device.torch)
    before = torch.cuda.memory_allocated(device.torch)
    net(batch.to(device.torch)).argmax(dim=1).cpu()
    return torch.cuda.max_memory_allocated(device.torch) - before


def load_ms(
    build: Callable[[], nn.Module], net: nn.Module, device: Device, effort: Effort, disk: Path
) -> tuple[float, float | None]:
    """Median time to make a net resident: from host memory, and from a file below `disk`.

    Warm takes device memory and copies the weights there. Cold first reads the file, which was
    dropped from the page cache, and takes new device memory; unknown where it cannot be dropped.
    """
    host = {name: value.cpu().clone() for name, value in net.state_dict().items()}

    def resident(state: dict[str, torch.Tensor], shell: nn.Module) -> None:
        shell.to_empty(device=device.torch).load_state_dict(state)

    def shell() -> nn.Module:
        with torch.device("meta"):
            return build()

    def warm() -> float:
        empty = shell()
        return device.milliseconds(lambda: resident(host, empty))

    def cold(path: Path) -> float:
        drop_from_page_cache(path)
        if device.is_gpu:
            torch.cuda.empty_cache()
        empty = shell()

        def read_and_load() -> None:
            resident(torch.load(path, map_location="cpu", weights_only=True), empty)

        return device.milliseconds(read_and_load)

    warm()
    of_warm = float(np.median([warm() for _ in range(effort.warm_loads)]))
    if not hasattr(os, "posix_fadvise"):
        return of_warm, None
    path = disk / "weights.pt"
    torch.save(host, path)
    try:
        of_cold = float(np.median([cold(path) for _ in range(effort.cold_loads)]))
    finally:
        path.unlink()
    return of_warm, of_cold


def drop_from_page_cache(path: Path) -> None:
    """Makes the next reading of the file come from the disk."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
