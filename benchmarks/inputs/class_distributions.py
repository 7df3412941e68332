"""The tasks class_object and class_scene: distributions over classes, distilled from other networks.

Taskonomy's labels (arXiv:1804.08328) are the outputs of a ResNet-152 over the 1,000 classes of ImageNet and of a
network over the 365 of Places. TransNAS-Bench-101 (arXiv:2105.11871) keeps the classes below and normalises what
remains: files lib/data/class_object_final5k.npy and class_scene_final5k.npy of
https://github.com/yawen-d/TransNASBench (MIT), commit 6d4231b. NASLib's networks have 100 and 63 outputs instead,
Taskonomy's own selections.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from benchmarks.inputs.taskonomy import LICENCE, MEAN, SIZE, STD, Taskonomy, how_to_get, read_array
from harness.errors import CorruptDataError
from harness.inputs import DATA_SETS


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(word) for word in text.split())


OBJECTS = _numbers(
    """
    401 402 409 412 431 435 453 462 478 488 492 495 505 519 520 521 526 527 532 534 539 545 548 550 553 559 564 579
    588 598 606 619 620 648 651 664 681 700 706 711 713 716 721 729 733 736 738 742 748 750 753 754 760 765 778 794
    799 804 825 827 831 844 846 851 859 861 882 883 892 894 897 904 905 907 999
    """
)
SCENES = _numbers(
    """
    3 25 26 37 43 45 51 52 63 89 93 95 102 106 121 124 129 131 156 165 176 177 179 182 203 208 215 217 228 240 244
    246 248 253 264 280 281 298 303 317 318 328 332 343 352 358 363
    """
)
_LOG_FLOOR = 1e-5


@dataclass(frozen=True)
class ClassDistributions(Taskonomy):
    """Targets are float32 [n, n_classes], each row summing to 1; `kept` are their places among `n_known` classes."""

    kept: tuple[int, ...] = field(kw_only=True)
    n_known: int = field(kw_only=True)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy with soft targets, the softmax raised by 1e-5 as in the official code."""
        logarithms = torch.log(F.softmax(outputs, dim=-1) + _LOG_FLOOR)
        return -(targets * logarithms).sum(dim=-1).mean()

    def classes(self, targets: Tensor) -> Tensor:
        """The likeliest class of each input."""
        return targets.argmax(dim=1)

    def random_targets(self, n: int, source: torch.Generator) -> Tensor:
        """Drawn uniformly from all distributions: exponential variates, normalised."""
        drawn = torch.empty(n, self.n_classes).exponential_(generator=source)
        return drawn / drawn.sum(dim=1, keepdim=True)

    def read_target(self, path: Path) -> NDArray[np.float32]:
        kept = read_array(path, (self.n_known,))[list(self.kept)]
        if not kept.sum() > 0:
            raise CorruptDataError(f"{path} gives none of the {self.n_classes} classes any probability.")
        return np.asarray(kept / kept.sum(), dtype=np.float32)


def _task(name: str, kept: tuple[int, ...], n_known: int) -> ClassDistributions:
    return ClassDistributions(
        name=name,
        n_classes=len(kept),
        shape=(3, SIZE, SIZE),
        mean=MEAN,
        std=STD,
        licence=LICENCE,
        how_to_get=how_to_get(name, "npy"),
        target_ending="npy",
        kept=kept,
        n_known=n_known,
    )


CLASS_OBJECT = _task("class_object", OBJECTS, 1_000)
CLASS_SCENE = _task("class_scene", SCENES, 365)

for _data_set in (CLASS_OBJECT, CLASS_SCENE):
    DATA_SETS.register(_data_set.name)(_data_set)
