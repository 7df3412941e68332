"""Counts: the analytic list of an architecture's layers and of its concatenating cells. No network is built."""

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from harness.evidence.base import EVIDENCE, Evidence, Subject, Undefined
from harness.space import ConcatenatingCell, Layer, LayerTable


@EVIDENCE.register("layers")
class Layers(Evidence):
    """The layers of the official network, including dead ones, as arrays [n_archs, n_layers].

    Arrays are [1, n_layers] for one architecture, [n_archs, n_layers] for many, so a proxy that uses only array
    arithmetic and `sum` counts a whole space in a second. The fields are those of `harness.space.Layer`; `depth` and
    `elementwise_flops` [n_archs] are those of `harness.space.SearchSpace`, None if the space does not define them.
    """

    shared_pass: ClassVar[str] = "layers"
    uses: ClassVar[frozenset[str]] = frozenset()
    runs_network: ClassVar[bool] = False

    def __init__(self, table: LayerTable) -> None:
        self.n_weights, self.n_params, self.flops = table.n_weights, table.n_params, table.flops
        self.live, self.repeats, self.is_linear = table.live, table.repeats, table.is_linear
        self.depth, self.elementwise_flops = table.depth, table.elementwise_flops

    @classmethod
    def of(cls, layers: Sequence[Layer]) -> Self:
        """The evidence of one architecture."""
        return cls(LayerTable.of_layers([layers]))

    def sum(self, values: NDArray[Any]) -> NDArray[Any]:
        """Sum over layers of `values` [n_archs, n_layers], each times its repeats; float64 or int64 [n_archs]."""
        # Summed sequentially in ascending order, so that equal layers in any order give bitwise equal sums.
        return np.cumsum(np.sort(values * self.repeats, axis=-1), axis=-1)[..., -1]

    @classmethod
    def collect_all(cls, subject: Subject, kinds: Sequence[type[Self]]) -> list[Self]:
        """See `Evidence`."""
        table = subject.context.space.layer_table([subject.arch], subject.context.data_set)
        return [kind(table) for kind in kinds]


@EVIDENCE.register("concatenating_cells")
class ConcatenatingCells(Evidence):
    """The cells of a DenseNet-type architecture: `harness.space.ConcatenatingCell`."""

    shared_pass: ClassVar[str] = "concatenating cells"
    uses: ClassVar[frozenset[str]] = frozenset()
    runs_network: ClassVar[bool] = False

    def __init__(self, cells: Sequence[ConcatenatingCell]) -> None:
        self.cells = tuple(cells)

    @classmethod
    def collect_all(cls, subject: Subject, kinds: Sequence[type[Self]]) -> list[Self]:
        """See `Evidence`.

        Raises:
            Undefined: if the architecture has no such cells.
        """
        space = subject.context.space
        cells = space.concatenating_cells(subject.arch, subject.context.data_set)
        if not cells:
            raise Undefined(f"{space.name} has no cells whose layers read concatenations of earlier ones")
        return [kind(cells) for kind in kinds]
