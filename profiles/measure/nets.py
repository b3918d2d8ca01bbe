"""The nets, small to large: how they are built, trained and asked."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from recordings import Recordings

DROPOUT = 0.2
BATCH = 256
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 1e-2


@dataclass(frozen=True)
class Shape:
    """What goes into a net and what comes out."""

    features: int
    channels: int
    length: int
    classes: int

    @property
    def series(self) -> int:
        """Features that form the series; the others stand by themselves."""
        return self.channels * self.length


def layer(inputs: int, outputs: int) -> nn.Module:
    """One hidden layer."""
    return nn.Sequential(
        nn.Linear(inputs, outputs), nn.LayerNorm(outputs), nn.ReLU(), nn.Dropout(DROPOUT)
    )


class Standardised(nn.Module):
    """Raw features, brought to mean 0 and deviation 1; a missing one counts as the mean."""

    def __init__(self, features: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))

    def fit(self, inputs: np.ndarray) -> None:
        """Takes mean and deviation from the rows of the training split."""
        self.mean.copy_(torch.from_numpy(np.nanmean(inputs, axis=0)))
        self.scale.copy_(torch.from_numpy(1 / (np.nanstd(inputs, axis=0) + 1e-6)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.nan_to_num((x - self.mean) * self.scale).clamp(-8, 8)


class Dense(nn.Module):
    """Fully connected layers over all features."""

    def __init__(self, shape: Shape, width: int, depth: int):
        super().__init__()
        self.standardised = Standardised(shape.features)
        widths = [shape.features] + [width] * depth
        self.body = nn.Sequential(*(layer(a, b) for a, b in zip(widths, widths[1:])))
        self.head = nn.Linear(width, shape.classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(self.standardised(x)))


class Convolution(nn.Module):
    """Convolutions along the series, then a layer that also sees the other features."""

    def __init__(self, shape: Shape, width: int, depth: int):
        super().__init__()
        self.shape = shape
        self.standardised = Standardised(shape.features)
        widths = [shape.channels] + [width] * depth
        steps = []
        for a, b in zip(widths, widths[1:]):
            steps += [nn.Conv1d(a, b, kernel_size=3, padding=1), nn.BatchNorm1d(b), nn.ReLU()]
        self.body = nn.Sequential(*steps)
        others = shape.features - shape.series
        self.joint = layer(width * shape.length + others, 2 * width)
        self.head = nn.Linear(2 * width, shape.classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.standardised(x)
        series, others = x[:, : self.shape.series], x[:, self.shape.series :]
        series = series.unflatten(1, (self.shape.channels, self.shape.length))
        return self.head(self.joint(torch.cat([self.body(series).flatten(1), others], dim=1)))


class Recurrent(nn.Module):
    """A gated recurrent net along the series in both directions, then a layer as above."""

    def __init__(self, shape: Shape, width: int, depth: int):
        super().__init__()
        self.shape = shape
        self.standardised = Standardised(shape.features)
        self.body = nn.GRU(
            shape.channels, width, num_layers=depth, batch_first=True, bidirectional=True
        )
        others = shape.features - shape.series
        self.joint = layer(2 * width + others, width)
        self.head = nn.Linear(width, shape.classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.standardised(x)
        series, others = x[:, : self.shape.series], x[:, self.shape.series :]
        series = series.unflatten(1, (self.shape.channels, self.shape.length)).transpose(1, 2)
        states, _ = self.body(series)
        return self.head(self.joint(torch.cat([states.mean(dim=1), others], dim=1)))


@dataclass(frozen=True)
class Variant:
    """A net and how it is trained."""

    name: str
    kind: Callable[[Shape, int, int], nn.Module]
    width: int
    depth: int
    # Rare classes weigh as much as frequent ones: they are recognised more often, the others less.
    balanced: bool

    def build(self, shape: Shape, shrink: int) -> nn.Module:
        """The untrained net, its width divided by `shrink`."""
        return self.kind(shape, self.width // shrink, self.depth)

    def describe(self, shrink: int) -> str:
        """Kind, size and training in a few words."""
        words = f"{self.kind.__name__.lower()}, width {self.width // shrink}, depth {self.depth}"
        return words + (", classes weighed equally" if self.balanced else "")


VARIANTS = [
    Variant("mlp-s", Dense, width=64, depth=1, balanced=False),
    Variant("conv-m", Convolution, width=128, depth=4, balanced=True),
    Variant("gru-m", Recurrent, width=256, depth=2, balanced=False),
    Variant("mlp-l", Dense, width=2048, depth=6, balanced=False),
]


def train(net: nn.Module, data: Recordings, balanced: bool, steps: int, seed: int) -> None:
    """Fits `net`, where it lies, to the training split, `steps` batches long."""
    device = next(net.parameters()).device
    draw = np.random.default_rng(seed)
    rows, labels = data.inputs[data.train], data.labels[data.train]
    net.standardised.fit(rows)
    inputs, targets = torch.from_numpy(rows).to(device), torch.from_numpy(labels).to(device)
    weight = None
    if balanced:
        counts = np.bincount(labels, minlength=net.head.out_features).clip(1)
        share = len(labels) / (len(counts) * counts)
        weight = torch.from_numpy(share.astype(np.float32)).to(device)
    loss = nn.CrossEntropyLoss(weight=weight)
    optimiser = torch.optim.AdamW(net.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=steps)
    net.train()
    for _ in range(steps):
        batch = torch.from_numpy(draw.integers(len(labels), size=BATCH)).to(device)
        optimiser.zero_grad()
        loss(net(inputs[batch]), targets[batch]).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        schedule.step()
    net.eval()


@torch.inference_mode()
def predict(net: nn.Module, inputs: np.ndarray) -> np.ndarray:
    """The class ids that `net` answers to the rows of `inputs`."""
    device = next(net.parameters()).device
    parts = torch.from_numpy(inputs).split(1024)
    return np.concatenate([net(part.to(device)).argmax(dim=1).cpu().numpy() for part in parts])
