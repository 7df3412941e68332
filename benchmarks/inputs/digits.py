"""Handwritten digits that come with scikit-learn: 1,797 images of 8x8 in 10 classes; nothing to download."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.errors import MissingDataError
from harness.inputs import DATA_SETS, DataSet, Images, InputKind

_MAX_INTENSITY = 16  # scikit-learn's digits count the black pixels of 4x4 blocks


@dataclass(frozen=True)
class Digits(DataSet):
    """The embedded data set."""

    def present(self, home: Path) -> dict[InputKind, Path]:
        """Nothing lies in the image home."""
        return {}

    def read(self, kind: InputKind, home: Path) -> Images:
        """All images, uint8 [1797, 8, 8, 1].

        Raises:
            MissingDataError: if other than real ones are asked for.
        """
        if kind is not InputKind.real:
            raise MissingDataError(f"There are no {kind.value} images of digits. Use inputs=real, which are embedded.")
        from sklearn.datasets import load_digits  # imported here: a second of start-up that no other data set needs

        digits = load_digits()
        images = np.rint(digits.images[..., None] * (255 / _MAX_INTENSITY)).astype(np.uint8)
        return Images(images, digits.target.astype(np.int64), f"scikit-learn digits ({len(images):,} images)", kind)


DIGITS = Digits(
    name="digits",
    n_classes=10,
    shape=(1, 8, 8),
    mean=(0.3053,),
    std=(0.3759,),
    licence="BSD-3-Clause (scikit-learn), from the UCI repository",
    how_to_get="Nothing to fetch: it comes with scikit-learn",
    embedded=True,
)

DATA_SETS.register(DIGITS.name)(DIGITS)
