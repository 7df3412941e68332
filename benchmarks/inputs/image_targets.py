"""The tasks whose target is an image: segmentsemantic, normal and autoencoder. Taskonomy, arXiv:1804.08328.

TransNAS-Bench-101 (arXiv:2105.11871) trained `normal` and `autoencoder` with an additional discriminator loss;
proxies are measured on L1 alone, as in NAS-Bench-Suite-Zero (arXiv:2210.03230).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from benchmarks.inputs.taskonomy import LICENCE, SIZE, Picture, Taskonomy, how_to_get, read_picture
from harness.errors import CorruptDataError, OptionError
from harness.inputs import DATA_SETS

_HALF = (0.5, 0.5, 0.5)
_N_PARTS = 17


@dataclass(frozen=True)
class Segmentation(Taskonomy):
    """Targets are int64 [n, 256, 256]; the files' values 0 (uncertain) and 1 (background) are both class 0."""

    def random_targets(self, n: int, source: torch.Generator) -> Tensor:
        """A class for each pixel."""
        return torch.randint(self.n_classes, (n, SIZE, SIZE), generator=source)

    def read_target(self, path: Path) -> NDArray[np.int64]:
        values = read_picture(path, SIZE, bilinear=False)
        if values.ndim != 2 or values.max() > self.n_classes:
            raise CorruptDataError(f"{path} is not an image of one channel with the values 0 to {self.n_classes}.")
        return np.maximum(values, 1).astype(np.int64) - 1


@dataclass(frozen=True)
class Normals(Taskonomy):
    """Targets are float32 [n, 3, 256, 256] in [0, 1], not centred, as in NASLib's configuration."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Mean absolute error."""
        return F.l1_loss(outputs, targets)

    def random_targets(self, n: int, source: torch.Generator) -> Tensor:
        """Uniform in [0, 1)."""
        return torch.rand(n, 3, SIZE, SIZE, generator=source)

    def read_target(self, path: Path) -> NDArray[np.float32]:
        picture = read_picture(path, SIZE)
        if picture.ndim != 3:
            raise CorruptDataError(f"{path} is not an image of three channels.")
        return _channels_first(picture)


@dataclass(frozen=True)
class Autoencoding(Normals):
    """Targets are the normalised inputs, float32 [n, 3, 256, 256]."""

    def made_target(self, picture: Picture, row: int) -> NDArray[np.float32]:
        mean, std = (np.array(numbers, dtype=np.float32)[:, None, None] for numbers in (self.mean, self.std))
        return np.asarray((_channels_first(picture) - mean) / std, dtype=np.float32)

    def noise_targets(self, images: Tensor, source: torch.Generator) -> Tensor:
        """The noise itself."""
        return images

    def read_target(self, path: Path) -> NDArray[np.float32]:
        raise OptionError(f"{self.name} has no files of targets.")


def _channels_first(picture: Picture) -> NDArray[np.float32]:
    return np.asarray(picture.transpose(2, 0, 1) / np.float32(255), dtype=np.float32)


def _task(kind: type[Taskonomy], name: str, n_outputs: int, target_ending: str | None) -> Taskonomy:
    return kind(
        name=name,
        n_classes=n_outputs,
        shape=(3, SIZE, SIZE),
        mean=_HALF,
        std=_HALF,
        licence=LICENCE,
        how_to_get=how_to_get(name if target_ending else "rgb", "png"),
        target_ending=target_ending,
    )


SEGMENTSEMANTIC = _task(Segmentation, "segmentsemantic", _N_PARTS, "png")
NORMAL = _task(Normals, "normal", 3, "png")
AUTOENCODER = _task(Autoencoding, "autoencoder", 3, None)

for _data_set in (SEGMENTSEMANTIC, NORMAL, AUTOENCODER):
    DATA_SETS.register(_data_set.name)(_data_set)
