"""Handwritten digits for the theory: images as rows of norm 1 with their digits as labels, Equation 1."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.inputs import DATA_SETS, Images, InputKind
from harness.paths import images_home
from harness.randomness import derive_seed
from harness.theory.settings import HANDWRITING


@dataclass(frozen=True, eq=False)
class Handwriting:
    """`images` float64 [n, n_features], rows of norm 1; `labels` float64 [n], the digits 0 to 9; `source` in words."""

    images: NDArray[np.float64]
    labels: NDArray[np.float64]
    source: str

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Collection:
    """The source of images: `name` is mnist or digits, None for MNIST if it is available and digits otherwise."""

    name: str | None
    seed: int

    @property
    def chosen(self) -> str:
        """The data set's name."""
        mnist, digits = HANDWRITING
        return self.name or (mnist if DATA_SETS.get(mnist).present(images_home()) else digits)

    def training(self, n_wanted: int) -> Handwriting:
        """Training images drawn without replacement, or all if there are fewer; larger draws extend smaller ones.

        Raises:
            MissingDataError: if the images are missing.
            CorruptDataError: if a file is damaged.
        """
        return self._drawn(DATA_SETS.get(self.chosen).read(InputKind.real, images_home()), n_wanted, "training")

    def test(self, n_wanted: int) -> Handwriting:
        """Test images, drawn in the same way."""
        held_out = DATA_SETS.get(self.chosen).read_held_out(images_home())
        assert held_out is not None  # both data sets have some
        return self._drawn(held_out, n_wanted, "test")

    def _drawn(self, read: Images, n_wanted: int, part: str) -> Handwriting:
        order = np.random.default_rng(derive_seed("theory", self.seed, self.chosen, part)).permutation(len(read.labels))
        rows = order[:n_wanted]
        pixels = read.images[rows].reshape(len(rows), -1).astype(np.float64)
        norms = np.linalg.norm(pixels, axis=1)
        drawn = norms > 0  # a blank image cannot be scaled to norm 1
        source = f"{drawn.sum():,} {part} images of {read.source}"
        return Handwriting(pixels[drawn] / norms[drawn, None], read.labels[rows][drawn].astype(np.float64), source)
