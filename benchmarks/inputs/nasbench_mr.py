"""The eight settings of NAS-Bench-MR: classification, segmentation and video recognition. arXiv:2103.13253, Section 4.

Which ImageNet classes and images the authors took is not published, so there are no real inputs: noise, or images of
one's own as substitutes. All settings are scored at 128 x 128 pixels, the size of the published FLOPs. Mean and
standard deviation are those of ImageNet.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from benchmarks.inputs.image_files import read_npz as read_classified
from harness.errors import CorruptDataError, MissingDataError, OptionError
from harness.files.arrays import read_npz
from harness.inputs import DATA_SETS, DataSet, Images, InputKind

SIZE = 128
IGNORED = 255
"""The label of pixels without a class, as in Cityscapes."""

SETTINGS = {
    "cls_50_1000": (50, "ImageNet, 50 classes with 1,000 training images each"),
    "cls_50_100": (50, "ImageNet, 50 classes with 100 training images each"),
    "cls_10_1000": (10, "ImageNet, 10 classes with 1,000 training images each"),
    "cls_10c": (50, "ImageNet, 50 classes (by the granularity of its accuracies), a shorter training"),
    "seg": (19, "Cityscapes"),
    "seg_4x": (19, "Cityscapes at a quarter of the resolution"),
    "video": (51, "HMDB51"),
    "video_p": (51, "HMDB51, pretrained"),
}
"""Number of classes and data of each setting."""


def is_dense(name: str) -> bool:
    """Whether a setting's target is a class for each pixel."""
    return name.startswith("seg")


@dataclass(frozen=True)
class MultiResolutionTask(DataSet):
    """A setting; substitutes are `images` (uint8 [n, 128, 128, 3]) and `labels` in `substitute/<name>.npz`.

    Labels are integers [n], for segmentation [n, 128, 128], where 255 marks pixels that count for nothing.
    """

    def present(self, home: Path) -> dict[InputKind, Path]:
        """The substitutes' file, if there is one."""
        path = home / "substitute" / f"{self.name}.npz"
        return {InputKind.substitute: path} if path.is_file() else {}

    def read(self, kind: InputKind, home: Path) -> Images:
        """The substitute images.

        Raises:
            OptionError: if `kind` is noise, which has no files.
            MissingDataError: for real images, which are not published, and for missing substitutes.
            CorruptDataError: if the file is damaged or of another format.
        """
        if kind is InputKind.noise:
            raise OptionError(f"Noise has no images to read; {self.name} can have substitute ones.")
        path = self.present(home).get(kind)
        if path is None:
            what = "real" if kind is InputKind.real else "substitute"
            raise MissingDataError(
                f"There are no {what} images of {self.name}. {self.how_to_get}, or use inputs=noise."
            )
        images, labels = self._dense(path) if is_dense(self.name) else read_classified(path, self)
        return Images(images, labels, f"substitute/{path.name} ({len(labels):,} images)", kind)

    def _dense(self, path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        found = read_npz(path, {"images": True, "labels": True})
        images, labels = found["images"], found["labels"]
        expected = (len(images) if images.ndim else 0, SIZE, SIZE)
        if images.shape != (*expected, 3) or images.dtype != np.uint8 or labels.shape != expected:
            raise CorruptDataError(
                f"{path} contains images {images.dtype} {images.shape} and labels {labels.shape}; expected uint8 [n, "
                f"{SIZE}, {SIZE}, 3] and [n, {SIZE}, {SIZE}]."
            )
        if labels.dtype.kind not in "iu" or not np.isin(labels, [*range(self.n_classes), IGNORED]).all():
            raise CorruptDataError(f"{path} contains labels other than 0 to {self.n_classes - 1} and {IGNORED}.")
        return images, labels.astype(np.int64)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy, mean over images, for segmentation over the pixels that have a class."""
        return F.cross_entropy(outputs, targets, ignore_index=IGNORED)

    def random_targets(self, n: int, source: torch.Generator) -> Tensor:
        """Classes drawn uniformly, [n] or [n, height, width]."""
        shape = (n, *self.shape[1:]) if is_dense(self.name) else (n,)
        return torch.randint(self.n_classes, shape, generator=source)


def _setting(name: str) -> MultiResolutionTask:
    n_classes, data = SETTINGS[name]
    labels = f"[n, {SIZE}, {SIZE}]" if is_dense(name) else "[n]"
    return MultiResolutionTask(
        name=name,
        n_classes=n_classes,
        shape=(3, SIZE, SIZE),
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        licence="none: images of one's own",
        how_to_get=(
            f"The authors' selection ({data}) is not published; put images of your own (uint8 [n, {SIZE}, {SIZE}, 3]) "
            f"and labels ({labels}) into the image folder as substitute/{name}.npz"
        ),
    )


CLS_50_1000 = _setting("cls_50_1000")
CLS_50_100 = _setting("cls_50_100")
CLS_10_1000 = _setting("cls_10_1000")
CLS_10C = _setting("cls_10c")
SEG = _setting("seg")
SEG_4X = _setting("seg_4x")
VIDEO = _setting("video")
VIDEO_P = _setting("video_p")

for _task in (CLS_50_1000, CLS_50_100, CLS_10_1000, CLS_10C, SEG, SEG_4X, VIDEO, VIDEO_P):
    DATA_SETS.register(_task.name)(_task)
