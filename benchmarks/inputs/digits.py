"""Handwritten digits included in scikit-learn: 1,797 images of 8x8 in 10 classes; no download.

The split is our own: 897 images for training, which proxies use, and 900 held-out images, on which the embedded ground
truth was measured.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.errors import MissingDataError
from harness.inputs import DATA_SETS, DataSet, Images, InputKind
from harness.randomness import derive_seed

N_TRAINING = 897
_MAX_INTENSITY = 16  # scikit-learn's digits count the black pixels of 4x4 blocks
_SPLIT_SEED = 0


@dataclass(frozen=True)
class Digits(DataSet):
    """The embedded data set."""

    def present(self, home: Path) -> dict[InputKind, Path]:
        """There are no files: the images are embedded."""
        return {}

    def read(self, kind: InputKind, home: Path) -> Images:
        """The training images, uint8 [897, 8, 8, 1].

        Raises:
            MissingDataError: if other than real images are requested.
        """
        if kind is not InputKind.real:
            raise MissingDataError(f"There are no {kind.value} images of digits. Use inputs=real, which are embedded.")
        images, labels = _all_digits()
        rows = _split()[:N_TRAINING]
        return Images(images[rows], labels[rows], f"scikit-learn digits, {N_TRAINING} training images", kind)

    def read_held_out(self, home: Path | None = None) -> Images:
        """The other images, uint8 [900, 8, 8, 1]: the test set of the embedded truth."""
        images, labels = _all_digits()
        rows = _split()[N_TRAINING:]
        return Images(images[rows], labels[rows], f"scikit-learn digits, {len(rows)} test images", InputKind.real)


@cache
def _all_digits() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    from sklearn.datasets import load_digits  # imported here, because it takes a second that no other data set needs

    digits = load_digits()
    images = np.rint(digits.images[..., None] * (255 / _MAX_INTENSITY)).astype(np.uint8)
    return images, digits.target.astype(np.int64)


def _split() -> NDArray[np.int64]:
    """All positions, those of the training images first."""
    n_images = len(_all_digits()[1])
    return np.random.default_rng(derive_seed("digits split", _SPLIT_SEED)).permutation(n_images)


DIGITS = Digits(
    name="digits",
    n_classes=10,
    shape=(1, 8, 8),
    mean=(0.3057,),
    std=(0.3761,),
    licence="BSD-3-Clause (scikit-learn), from the UCI repository",
    how_to_get="Nothing to fetch: it comes with scikit-learn",
    embedded=True,
)

DATA_SETS.register(DIGITS.name)(DIGITS)
