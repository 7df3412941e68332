"""The official "python" files of CIFAR and ImageNet16: pickled dictionaries of flat, channel-first images."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import CorruptDataError
from harness.files.atomic import md5_of
from harness.files.limited import Limits, read_pickles
from harness.files.safe_pickle import load
from harness.inputs import Images, InputKind

_LIMITS = Limits(memory_bytes=2**32, seconds=300)  # of files that are not the published ones


@dataclass(frozen=True)
class PythonBatches:
    """A folder of such files.

    `files` maps the name of each training file to its published md5. A whole file holds at least `n_per_file` images.
    Labels lie under `label_key`; there are `n_labels` of them, counted from `first_label`.
    """

    folder: str
    files: Mapping[str, str] = field(hash=False)
    n_per_file: int
    label_key: str
    n_labels: int
    first_label: int = 0

    def present(self, home: Path) -> list[Path]:
        """The available training files, in the authors' order."""
        return [path for name in self.files if (path := home / self.folder / name).is_file()]

    def read(self, home: Path, shape: tuple[int, ...], n_classes: int) -> Images:
        """The training images of the first `n_classes` classes, from as many of the files as are there.

        Files that are not the published ones are unpickled in a process of limited memory and time.

        Args:
            home: the parent of the folder.
            shape: (channels, height, width) of an image.
            n_classes: classes to keep; images of later ones are excluded (ImageNet16-120 is the first 120 of 1,000).

        Raises:
            CorruptDataError: if a file is truncated, malformed, or whole but not the published one.
        """
        paths = self.present(home)
        published = {path for path in paths if md5_of(path) == self.files[path.name]}
        others = [path for path in paths if path not in published]
        contents = dict(zip(others, read_pickles(others, _LIMITS), strict=True))
        read = [self._read_file(path, load(path) if path in published else contents[path], shape) for path in paths]
        images = np.concatenate([images for images, _ in read])
        labels = np.concatenate([labels for _, labels in read]) - self.first_label
        kept = labels < n_classes
        cut = [path.name for path, (_, labels) in zip(paths, read, strict=True) if len(labels) < self.n_per_file]
        source = f"{self.folder}: {', '.join(path.name for path in paths)}"
        if cut:
            source += f", of which {', '.join(cut)} cut small (not the published md5)"
        return Images(images[kept], labels[kept], source, InputKind.real)

    def _read_file(
        self, path: Path, content: Any, shape: tuple[int, ...]
    ) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        data, labels = _entry(content, "data"), _entry(content, self.label_key)
        if not (
            isinstance(data, np.ndarray) and data.dtype == np.uint8 and data.ndim == 2 and isinstance(labels, list)
        ):
            raise CorruptDataError(
                f"{path} does not contain 'data' (uint8 [n, {np.prod(shape)}]) and '{self.label_key}' (a list). "
                "Fetch it again."
            )
        if data.shape != (len(labels), np.prod(shape)) or not all(isinstance(label, int) for label in labels):
            raise CorruptDataError(
                f"{path} contains data of shape {data.shape} and {len(labels):,} labels; expected {np.prod(shape):,} "
                "values and one integer label for each image. Fetch it again."
            )
        last = self.first_label + self.n_labels - 1
        if not all(self.first_label <= label <= last for label in labels):
            raise CorruptDataError(f"{path} contains labels outside {self.first_label} to {last}. Fetch it again.")
        if len(labels) >= self.n_per_file and md5_of(path) != self.files[path.name]:
            raise CorruptDataError(
                f"{path} is whole but not the published file: its md5 is not {self.files[path.name]}. Fetch it again."
            )
        return np.asarray(data).reshape(-1, *shape).transpose(0, 2, 3, 1), np.asarray(labels, dtype=np.int64)


def _entry(content: Any, key: str) -> Any:
    """The entry under a key that Python 2 wrote as a string and Python 3 may have written as bytes."""
    if not isinstance(content, dict):
        return None
    return content.get(key, content.get(key.encode()))
