"""Taskonomy: views of rooms with targets for many tasks. Zamir et al., CVPR 2018, arXiv:1804.08328.

TransNAS-Bench-101 (arXiv:2105.11871) trained on a part of it. Its configuration files and its list of training images
were never published (https://github.com/yawen-d/TransNASBench/issues/4): folders and targets are here as its code reads
them (lib/data/taskonomy_dataset.py and load_ops.py, commit 6d4231b), sizes and normalisation as in NASLib's
configuration (naslib/utils/dataset.py), which NAS-Bench-Suite-Zero (arXiv:2210.03230) used; all buildings that are
there count as training images. Nothing is augmented.
"""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.inputs.pictures import DAMAGED_IMAGE, opened_image
from harness.errors import CorruptDataError, MissingDataError, OptionError
from harness.files.arrays import read_npy, read_npz
from harness.inputs import DataSet, Images, InputKind
from harness.randomness import generator

FOLDER = "taskonomy"
SIZE = 256
MEAN, STD = (0.5224, 0.5222, 0.5221), (0.2234, 0.2235, 0.2236)
LICENCE = "Omnidata terms: non-commercial research and education"

Picture = NDArray[np.uint8]
"""An image [height, width, 3]."""


@dataclass(frozen=True)
class Taskonomy(DataSet):
    """One task, in `real/taskonomy/<building>/<domain>/point_<p>_view_<v>_domain_<domain>.<png or npy>`.

    The domain of the pictures is rgb, that of the targets the task's name; `target_ending` is png or npy, None where
    the target is made of the picture. Pictures are read at `picture_size`. Substitutes are `images` of any size (uint8
    [n, height, width, 3]) in `substitute/taskonomy.npz`, for all tasks; their targets are random where they are not
    made of the picture.
    """

    target_ending: str | None = field(kw_only=True)
    picture_size: int = field(default=SIZE, kw_only=True)

    @abstractmethod
    def read_target(self, path: Path) -> NDArray[Any]:
        """The target in a file of the task's domain.

        Raises:
            CorruptDataError: if there is no such target in it.
        """

    def made_target(self, picture: Picture, row: int) -> NDArray[Any]:
        """The target of a picture that has no file: random, the same for equal rows, unless made of the picture."""
        return self.random_targets(1, generator("target", self.name, row))[0].numpy()

    def network_input(self, picture: Picture, row: int) -> NDArray[np.uint8]:
        """What of the picture the network sees, uint8 [height, width, channels]."""
        return picture

    def present(self, home: Path) -> dict[InputKind, Path]:
        """The kinds of images that are there, with their file or folder."""
        folder, substitute = home / "real" / FOLDER, home / "substitute" / f"{FOLDER}.npz"
        found = {}
        if any(folder.glob("*/rgb/*_domain_rgb.png")):
            found[InputKind.real] = folder
        if substitute.is_file():
            found[InputKind.substitute] = substitute
        return found

    def read(self, kind: InputKind, home: Path) -> Images:
        """The real or substitute images; files are opened only when their rows are requested.

        Raises:
            OptionError: if `kind` is noise, which has no files.
            MissingDataError: if there are none of this kind, with the expected layout.
            CorruptDataError: if the substitutes' file is damaged or of another format.
        """
        if kind is InputKind.noise:
            raise OptionError(f"Noise has no images to read; {self.name} has real or substitute ones.")
        present = self.present(home)
        if kind is InputKind.substitute:
            if kind not in present:
                raise MissingDataError(
                    f"No substitute images are at {home / 'substitute' / f'{FOLDER}.npz'}. Use inputs=noise."
                )
            return self._substitutes(present[kind])
        views = self._views(home / "real" / FOLDER)
        if not views:
            other = "inputs=substitute" if InputKind.substitute in present else "inputs=noise"
            where = home / "real" / FOLDER
            raise MissingDataError(
                f"No images with targets of {self.name} are in {where}. {self.how_to_get}, or use {other}."
            )
        return self._real(views)

    def _views(self, folder: Path) -> list[tuple[Path, Path]]:
        """Picture and target of each view that has both, in alphabetical order; without targets the picture twice."""
        pictures = sorted(folder.glob("*/rgb/*_domain_rgb.png"))
        if self.target_ending is None:
            return [(picture, picture) for picture in pictures]
        ending = f"_domain_{self.name}.{self.target_ending}"
        targets = set(folder.glob(f"*/{self.name}/*{ending}"))
        pairs = []
        for picture in pictures:
            name = picture.name.removesuffix("_domain_rgb.png") + ending
            pairs.append((picture, picture.parent.parent / self.name / name))
        return [pair for pair in pairs if pair[1] in targets]

    def _real(self, views: Sequence[tuple[Path, Path]]) -> Images:
        def picture(row: int) -> Picture:
            return read_picture(views[row][0], self.picture_size)

        def target(row: int) -> NDArray[Any]:
            return self.read_target(views[row][1]) if self.target_ending else self.made_target(picture(row), row)

        buildings = sorted({path.parent.parent.name for path, _ in views})
        source = f"{FOLDER}: {', '.join(buildings)} ({len(views):,} images)"
        return self._images(picture, target, len(views), source, InputKind.real)

    def _substitutes(self, path: Path) -> Images:
        images = read_npz(path, {"images": True})["images"]
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 3 or not len(images):
            raise CorruptDataError(
                f"{path} contains {images.dtype} {images.shape}; expected uint8 [n, height, width, 3]."
            )

        def picture(row: int) -> Picture:
            return resized(images[row], self.picture_size)

        def target(row: int) -> NDArray[Any]:
            return self.made_target(picture(row), row)

        made = "" if self.target_ending is None else ", random targets"
        source = f"substitute/{path.name} ({len(images):,} images{made})"
        return self._images(picture, target, len(images), source, InputKind.substitute)

    def _images(
        self,
        picture: Callable[[int], Picture],
        target: Callable[[int], NDArray[Any]],
        n_images: int,
        source: str,
        kind: InputKind,
    ) -> Images:
        images = _MadeRows(n_images, lambda row: self.network_input(picture(row), row))
        return Images(images, _MadeRows(n_images, target), source, kind)


@dataclass(frozen=True)
class _MadeRows:
    """Rows that are created on demand."""

    n_rows: int
    make: Callable[[int], NDArray[Any]]

    def __len__(self) -> int:
        return self.n_rows

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        return np.stack([self.make(int(row)) for row in rows])


def read_picture(path: Path, size: int, *, bilinear: bool = True) -> Picture:
    """A PNG file at `size` x `size`, uint8 [size, size, 3], or [size, size] if it has one channel.

    Raises:
        CorruptDataError: if it is not a valid PNG file.
    """
    try:
        with opened_image(path, ("PNG",)) as image:
            pixels = np.asarray(image if image.mode in ("L", "P") else image.convert("RGB"), dtype=np.uint8)
    except DAMAGED_IMAGE as error:
        raise CorruptDataError(f"{path} is not a valid PNG file ({type(error).__name__}). Fetch it again.") from error
    return resized(pixels, size, bilinear=bilinear)


def resized(picture: Picture, size: int, *, bilinear: bool = True) -> Picture:
    """A picture at `size` x `size`; without `bilinear` every pixel keeps a value that was there."""
    from PIL import Image

    filtering = Image.Resampling.BILINEAR if bilinear else Image.Resampling.NEAREST
    return np.asarray(Image.fromarray(picture).resize((size, size), filtering), dtype=np.uint8)


def read_array(path: Path, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """The numbers in an npy file, float32 of the given shape.

    Raises:
        CorruptDataError: if the file holds anything else.
    """
    numbers = read_npy(path)
    if numbers.shape != shape or numbers.dtype.kind not in "fiu":
        raise CorruptDataError(f"{path} contains {numbers.dtype} {numbers.shape}; expected numbers {shape}.")
    return np.asarray(numbers, dtype=np.float32)


def how_to_get(domain: str, ending: str) -> str:
    """The source and the target folder of the files of a domain, for `DataSet.how_to_get`."""
    domains = "domain rgb" if domain == "rgb" else f"domains rgb and {domain}"
    layout = f"real/{FOLDER}/<building>/{domain}/point_<p>_view_<v>_domain_{domain}.{ending}"
    return (
        f"Download the {domains} (https://github.com/StanfordVL/taskonomy/tree/master/data) and put the files into "
        f"the image folder, as {layout} and so on"
    )
