"""The areas of the triangles of three images, to which RBFleX (arXiv:2503.22733) reduces."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from harness.evidence import SingleImages
from harness.proxy import PROXIES, Proxy, Sees


@PROXIES.register("rbflex_area")
@dataclass(frozen=True)
class RBFleXArea(Proxy):
    """log A^2 + log B^2, A the area of the triangle of three images in the space of activations, B in that of features.

    With the edges u, v from the first image, 4 A^2 = |u|^2 |v|^2 - (u v)^2. For small gamma, the determinant of an RBF
    kernel of three points is 16 gamma^2 A^2, so that `rbflex` ranks as this does, whatever its gammas. Activations and
    features are those of `rbflex`.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2503.22733"
    sees: ClassVar[Sees] = Sees.ALL

    official_names: bool = False

    def measure(self, images: SingleImages) -> float:
        """Higher is better; -inf if the three images lie on a line in one of the spaces."""
        features = images.features(3, official_names=self.official_names)
        return _log_squared_area(features.activations) + _log_squared_area(features.last)


def _log_squared_area(rows: Tensor) -> float:
    edges = rows[1:] - rows[0]
    sign, logarithm = torch.linalg.slogdet(edges @ edges.T)
    return float(logarithm) - math.log(4) if sign > 0 else -math.inf
