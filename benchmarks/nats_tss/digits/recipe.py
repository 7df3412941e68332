"""The recipe of the embedded ground truth: network, images, schedule. EXPLORATION.md explains the choice."""

from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.inputs.digits import DIGITS
from benchmarks.nats_tss.network import Skeleton
from benchmarks.nats_tss.space import skeleton_of
from harness.errors import OptionError
from harness.inputs import Images, InputKind


@dataclass(frozen=True)
class Recipe:
    """All that determines a test accuracy, except the cell and the seed.

    Distortions are drawn uniformly in plus or minus their maximum, independently for every image; the scale is
    drawn on a logarithmic axis. The learning rate rises linearly from zero to its peak during the first
    `warmup_fraction` of the steps and falls linearly to zero during the others.

    Raises:
        OptionError: if a number is invalid, or if the width and depth are not those of the space's digits network.
    """

    channels: int = 8
    cells_per_stage: int = 1
    seeds: tuple[int, ...] = (0, 1, 2)
    n_steps: int = 120
    batch_size: int = 64
    peak_learning_rate: float = 0.2
    warmup_fraction: float = 0.2
    momentum: float = 0.9
    weight_decay: float = 5e-4
    max_shift_pixels: float = 1.5
    max_rotation_degrees: float = 40.0
    max_log_scale: float = 0.3
    n_test_copies: int = 3

    def __post_init__(self) -> None:
        for name in ("n_steps", "batch_size", "n_test_copies"):
            if getattr(self, name) < 1:
                raise OptionError(f"{name}={getattr(self, name)} is invalid: it must be at least 1.")
        if not 0 < self.warmup_fraction < 1:
            raise OptionError(f"warmup_fraction={self.warmup_fraction} is invalid: it must lie between 0 and 1.")
        requested, known = Skeleton(self.channels, self.cells_per_stage), skeleton_of(DIGITS)
        if requested != known:
            raise OptionError(f"{requested} is not the digits network, which is {known}.")

    def learning_rate(self, step: int) -> float:
        """The rate of step 0 .. n_steps - 1, taken at the step's middle so that none is zero."""
        progress = (step + 0.5) / self.n_steps
        rising = progress / self.warmup_fraction
        falling = (1 - progress) / (1 - self.warmup_fraction)
        return self.peak_learning_rate * min(rising, falling)

    def as_json(self) -> dict[str, object]:
        """All fields, as JSON reads them back."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """`images` float32 [n, 1, 8, 8], intensities in [0, 1]; `labels` int64 [n] in [0, 10)."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


def training_images() -> LabelledImages:
    """The training images as they are, undistorted."""
    return _as_tensors(DIGITS.read(InputKind.real, Path()))  # embedded: the image home is not looked at


def held_out_images() -> LabelledImages:
    """The test images as they are, undistorted."""
    return _as_tensors(DIGITS.read_held_out(Path()))


def _as_tensors(read: Images) -> LabelledImages:
    images = torch.from_numpy(read.images).permute(0, 3, 1, 2).to(torch.float32) / 255
    return LabelledImages(images.contiguous(), torch.from_numpy(read.labels))
