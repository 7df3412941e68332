"""MNIST: 60,000 training and 10,000 test images of handwritten digits, 28x28. LeCun et al., Proc. IEEE 86, 1998.

No benchmark is trained on it; it is used to verify the theory of ZiCo (`python -m harness.theory`).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.inputs.idx_files import read_idx
from harness.errors import CorruptDataError, MissingDataError
from harness.files.downloads import RemoteFile
from harness.inputs import DATA_SETS, DataSet, Images, InputKind
from harness.inputs.archives import ImageFolder

_FOLDER = "mnist"
_HOST = "cvdf-datasets/mnist"  # a maintained mirror; the authors' page is offline
_SIDE = 28
_N_TRAINING, _N_TEST = 60_000, 10_000
_GZIPPED = {  # sha256 and bytes of the published file
    "train-images-idx3-ubyte.gz": ("440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609", 9_912_422),
    "train-labels-idx1-ubyte.gz": ("3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c", 28_881),
    "t10k-images-idx3-ubyte.gz": ("8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6", 1_648_877),
    "t10k-labels-idx1-ubyte.gz": ("f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6", 4_542),
}
_UNPACKED_MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


@dataclass(frozen=True)
class Mnist(DataSet):
    """The four official idx files in `real/mnist`, gzipped or not; whole, or cut small along the first axis."""

    def present(self, home: Path) -> dict[InputKind, Path]:
        """The folder, if at least one of the files is in it."""
        folder = home / "real" / _FOLDER
        return {InputKind.real: folder} if any(_paths(folder, name) for name in _UNPACKED_MD5) else {}

    def read(self, kind: InputKind, home: Path) -> Images:
        """The training images, uint8 [n, 28, 28, 1].

        Raises:
            MissingDataError: if other than real images are requested, or a file is not there.
            CorruptDataError: if a file is damaged.
        """
        if kind is not InputKind.real:
            raise MissingDataError(f"There are no {kind.value} images of {self.name}. {self.how_to_get}.")
        return self._read(home, "train", _N_TRAINING)

    def read_held_out(self, home: Path) -> Images:
        """The test images, uint8 [n, 28, 28, 1]."""
        return self._read(home, "t10k", _N_TEST)

    def _read(self, home: Path, part: str, n_published: int) -> Images:
        folder = home / "real" / _FOLDER
        names = f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte"
        shapes = (n_published, _SIDE, _SIDE), (n_published,)
        arrays, all_whole = [], True
        for name, shape in zip(names, shapes, strict=True):
            paths = _paths(folder, name)
            if not paths:
                raise MissingDataError(f"There is no {name}, gzipped or not, in {folder}. {self.how_to_get}.")
            array, whole = read_idx(paths[0], shape, _UNPACKED_MD5[name])
            arrays.append(array)
            all_whole &= whole
        images, labels = arrays
        if len(images) != len(labels):
            raise CorruptDataError(f"{folder} contains {len(images):,} images but {len(labels):,} labels of {part}.")
        if labels.max() >= self.n_classes:
            raise CorruptDataError(f"{folder} contains labels of {part} above {self.n_classes - 1}. Fetch them again.")
        state = "published md5" if all_whole else "cut small, not the published md5"
        source = f"{_FOLDER}: {part} idx files, {state} ({len(labels):,} images)"
        return Images(images[..., None], labels.astype(np.int64), source, InputKind.real)


def _paths(folder: Path, name: str) -> list[Path]:
    """The file as it is there: gzipped as published goes before unpacked."""
    return [path for path in (folder / f"{name}.gz", folder / name) if path.is_file()]


MNIST = Mnist(
    name="mnist",
    n_classes=10,
    shape=(1, _SIDE, _SIDE),
    mean=(0.1307,),
    std=(0.3081,),
    licence="CC BY-SA 3.0",
    how_to_get="Run `python -m harness.data fetch mnist`",
    archive=ImageFolder(
        files=tuple(
            RemoteFile(f"{_HOST}/{name}", f"https://storage.googleapis.com/{_HOST}/{name}", sha256, n_bytes)
            for name, (sha256, n_bytes) in _GZIPPED.items()
        ),
        folder=_FOLDER,
    ),
)

DATA_SETS.register(MNIST.name)(MNIST)
