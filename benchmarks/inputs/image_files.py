"""Data sets with images in HARNESS_IMAGES: official folder or npz file for real ones, npz file for substitutes."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.inputs.python_batches import PythonBatches
from harness.errors import CorruptDataError, MissingDataError, OptionError
from harness.files.arrays import read_npz as read_arrays
from harness.inputs import DataSet, Images, InputKind

_TRAINING = 0  # the value of an npz file's `split` that marks a training image


@dataclass(frozen=True)
class ImageFiles(DataSet):
    """A data set in `real/<official folder>`, `real/<name>.npz` or `substitute/<name>.npz`, searched in this order.

    An npz holds `images` (uint8 [n, height, width, channels]), `labels` (integers [n]) and optionally `split` ([n],
    0 marks training images; others are left out).
    """

    official: PythonBatches = field(kw_only=True)

    def present(self, home: Path) -> dict[InputKind, Path]:
        """The kinds of images that are available, with their file or folder."""
        real, substitute = home / "real", home / "substitute" / f"{self.name}.npz"
        found = {}
        if self.official.present(real):
            found[InputKind.real] = real / self.official.folder
        elif (npz := real / f"{self.name}.npz").is_file():
            found[InputKind.real] = npz
        if substitute.is_file():
            found[InputKind.substitute] = substitute
        return found

    def read(self, kind: InputKind, home: Path) -> Images:
        """The real or substitute training images; of the real ones, the official folder goes before the npz.

        Raises:
            OptionError: if `kind` is noise, which has no files.
            MissingDataError: if there are none of this kind.
            CorruptDataError: if a file is damaged or of another format.
        """
        if kind is InputKind.noise:
            raise OptionError(f"Noise has no images to read; {self.name} has real or substitute ones.")
        present = self.present(home)
        if kind not in present:
            raise MissingDataError(self._missing(kind, home, InputKind.substitute in present))
        path = present[kind]
        if path.is_dir():
            return self._with_count(self.official.read(home / "real", self.shape, self.n_classes))
        images, labels = read_npz(path, self)
        return self._with_count(Images(images, labels, f"{kind.value}/{path.name}", kind))

    def _missing(self, kind: InputKind, home: Path, has_substitute: bool) -> str:
        if kind is InputKind.substitute:
            return f"No substitute images are at {home / 'substitute' / f'{self.name}.npz'}. Use inputs=noise."
        other = "inputs=substitute" if has_substitute else "inputs=noise"
        return f"No images of {self.name} are in {home / 'real'}. {self.how_to_get}, or use {other}."

    def _with_count(self, images: Images) -> Images:
        if not len(images.labels):
            raise CorruptDataError(f"{images.source} contains no training images of {self.name}. Fetch it again.")
        source = f"{images.source} ({len(images.labels):,} images)"
        return Images(images.images, images.labels, source, images.kind)


def read_npz(path: Path, data_set: DataSet) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Training images [n, height, width, channels] and labels [n] of an npz file.

    Raises:
        CorruptDataError: if it is damaged, or holds anything but the data set's images and labels.
    """
    found = read_arrays(path, {"images": True, "labels": True, "split": False})
    images, labels = found["images"], found["labels"]
    split = found.get("split", np.full(labels.shape, _TRAINING))
    channels, height, width = data_set.shape
    n_images = len(labels) if labels.ndim else 0
    expected = (n_images, height, width, channels)
    if images.shape != expected or images.dtype != np.uint8 or labels.dtype.kind not in "iu":
        raise CorruptDataError(
            f"{path} contains images {images.dtype} {images.shape} and labels {labels.dtype} {labels.shape}; expected "
            f"uint8 [n, {height}, {width}, {channels}] and integers [n]."
        )
    if split.shape != labels.shape:
        raise CorruptDataError(f"{path} contains a split of shape {split.shape} for {n_images:,} labels. Recreate it.")
    training = split == _TRAINING
    images, labels = images[training], labels[training].astype(np.int64)
    if labels.min(initial=0) < 0 or labels.max(initial=0) >= data_set.n_classes:
        raise CorruptDataError(
            f"{path} contains labels outside 0 to {data_set.n_classes - 1}, the classes of {data_set.name}. "
            "Recreate it."
        )
    return images, labels
