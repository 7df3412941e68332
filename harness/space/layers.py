"""Layers as they are counted without a network, of one architecture and of many at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Layer:
    """A convolution or linear layer with the normalisation that belongs to it, as counted without a network.

    `n_weights` are the entries of the weight tensor; `n_params` adds biases and normalisation parameters; `flops` are
    multiply-accumulates of one image, plus one per output for a linear layer's bias. `repeats` equal layers are
    described at once. A layer is live if it lies on a path from the network's input to its output.
    """

    n_weights: int
    n_params: int
    flops: int
    live: bool
    repeats: int = 1
    is_linear: bool = False


@dataclass(frozen=True)
class ConcatenatingCell:
    """A chain of `depth` layers of `width` channels, each of which reads the one before and channels of earlier ones.

    `n_skip_links` is the number of links from earlier channels to channels, those of the layer just before left out.
    """

    width: int
    depth: int
    n_skip_links: int


@dataclass(frozen=True, eq=False)
class LayerTable:
    """The layers of several architectures, the fields of `Layer` as arrays [n_archs, n_layers].

    A column where an architecture has no layer repeats it 0 times there; the other fields are then 0. `depth` and
    `elementwise_flops` [n_archs] are those of `SearchSpace`, None where the space does not say.
    """

    n_weights: NDArray[np.int64]
    n_params: NDArray[np.int64]
    flops: NDArray[np.int64]
    live: NDArray[np.bool_]
    repeats: NDArray[np.int64]
    is_linear: NDArray[np.bool_]
    depth: NDArray[np.int64] | None = None
    elementwise_flops: NDArray[np.int64] | None = None

    @classmethod
    def of_layers(
        cls,
        layers: Sequence[Sequence[Layer]],
        *,
        depths: Sequence[int | None] = (None,),
        elementwise_flops: Sequence[int | None] = (None,),
    ) -> Self:
        """The table of each architecture's layers."""
        n_layers = max(map(len, layers), default=0)
        absent = Layer(0, 0, 0, live=False, repeats=0)
        rows = [[*found, *[absent] * (n_layers - len(found))] for found in layers]
        fields = ("n_weights", "n_params", "flops", "live", "repeats", "is_linear")
        table = np.array([[[getattr(layer, name) for layer in row] for row in rows] for name in fields], dtype=np.int64)
        weights, params, flops, live, repeats, linear = table.reshape(len(fields), len(rows), n_layers)
        known = (_known(depths), _known(elementwise_flops))
        return cls(weights, params, flops, live.astype(bool), repeats, linear.astype(bool), *known)

    def row(self, index: int) -> list[Layer]:
        """The layers of one architecture."""
        columns = (self.n_weights, self.n_params, self.flops, self.live, self.repeats, self.is_linear)
        found = [Layer(*layer) for layer in zip(*(column[index].tolist() for column in columns), strict=True)]
        return [layer for layer in found if layer.repeats]


def _known(counts: Sequence[int | None]) -> NDArray[np.int64] | None:
    """The counts of several architectures, None if one is missing."""
    found = [count for count in counts if count is not None]
    return np.array(found, dtype=np.int64) if len(found) == len(counts) else None
