"""ImageNet (ILSVRC 2012): 1,281,167 training photographs in 1,000 classes. Russakovsky et al., arXiv:1409.0575.

Mean and standard deviation are those of torchvision and timm. Photographs are reduced to 256 pixels on their shorter
side and cut to the middle 224 x 224; nothing is augmented.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.inputs.image_files import read_npz
from benchmarks.inputs.pictures import DAMAGED_IMAGE, opened_image
from harness.errors import CorruptDataError, MissingDataError, OptionError
from harness.inputs import DATA_SETS, DataSet, Images, InputKind

FOLDER = "ILSVRC2012"
SAMPLE = Path("other") / "imagenet_sample_224_64.npz"
_SHORTER_SIDE = 256


@dataclass(frozen=True)
class ImageNet(DataSet):
    """The official folder `real/ILSVRC2012/train/<wnid>/*.JPEG`, or `real/imagenet.npz`, or a sample of 64 images.

    Classes are the folders in alphabetical order, which is the usual numbering; a folder of fewer classes takes the
    first numbers. An npz holds `images` (uint8 [n, 224, 224, 3]) and `labels` (integers [n]). The sample is looked for
    as `other/imagenet_sample_224_64.npz`.
    """

    def present(self, home: Path) -> dict[InputKind, Path]:
        """The path of the real images."""
        folder = home / "real" / FOLDER / "train"
        if any(folder.glob("n*/*.JPEG")):
            return {InputKind.real: folder}
        found = [path for path in (home / "real" / f"{self.name}.npz", home / SAMPLE) if path.is_file()]
        return {InputKind.real: found[0]} if found else {}

    def read(self, kind: InputKind, home: Path) -> Images:
        """The training images; of a folder, files are opened only when their rows are requested.

        Raises:
            OptionError: if `kind` is noise, which has no files.
            MissingDataError: if there are none of this kind.
            CorruptDataError: if a file is damaged or of another format.
        """
        if kind is InputKind.noise:
            raise OptionError(f"Noise has no images to read; {self.name} has real ones.")
        path = self.present(home).get(kind)
        if path is None:
            raise MissingDataError(
                f"No {kind.value} images of {self.name} are in {home}. {self.how_to_get}, or use inputs=noise."
            )
        if path.is_dir():
            return self._folder(path)
        images, labels = read_npz(path, self)
        return Images(images, labels, f"{path.relative_to(home)} ({len(labels):,} images)", kind)

    def _folder(self, folder: Path) -> Images:
        wnids = sorted(path.name for path in folder.iterdir() if path.is_dir())
        if len(wnids) > self.n_classes:
            raise CorruptDataError(f"{folder} has {len(wnids):,} classes; {self.name} has {self.n_classes:,}.")
        files = [(path, label) for label, wnid in enumerate(wnids) for path in sorted((folder / wnid).glob("*.JPEG"))]
        labels = np.array([label for _, label in files], dtype=np.int64)
        source = f"{FOLDER}/train ({len(files):,} images of {len(wnids):,} classes)"
        return Images(_Photographs([path for path, _ in files], self.shape[1]), labels, source, InputKind.real)


@dataclass(frozen=True)
class _Photographs:
    """Rows that are read on demand."""

    paths: Sequence[Path]
    size: int

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        return np.stack([photograph(self.paths[int(row)], self.size) for row in rows])


def photograph(path: Path, size: int) -> NDArray[np.uint8]:
    """The middle of a photograph, uint8 [size, size, 3].

    Raises:
        CorruptDataError: if the file is not a valid image.
    """
    from PIL import Image  # imported here: only this data set needs it

    try:
        with opened_image(path, ("JPEG", "PNG")) as opened:  # one of the official files is a PNG
            image = opened.convert("RGB")
    except DAMAGED_IMAGE as error:
        raise CorruptDataError(f"{path} is not a valid image ({type(error).__name__}). Fetch it again.") from error
    scale = _SHORTER_SIDE * size / 224 / min(image.size)
    width, height = (max(size, round(length * scale)) for length in image.size)
    left, top = (width - size) // 2, (height - size) // 2
    reduced = image.resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(reduced.crop((left, top, left + size, top + size)), dtype=np.uint8)


IMAGENET = ImageNet(
    name="imagenet",
    n_classes=1000,
    shape=(3, 224, 224),
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
    licence="ImageNet terms: non-commercial research",
    how_to_get=(
        "Log in at https://image-net.org/download-images, download the training images of ILSVRC 2012 (Task 1 & 2) and "
        f"unpack them into the image folder as real/{FOLDER}/train/<wnid>/*.JPEG"
    ),
)

DATA_SETS.register(IMAGENET.name)(IMAGENET)
