"""Layers of many NAS-Bench-101 networks at once, as arrays: 423,624 networks are counted in seconds."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.nasbench101.cell import BIT, CONV_1X1, CONV_3X3, EDGES, MAX_VERTICES, OPERATIONS
from benchmarks.nasbench101.network import CELLS_PER_STACK, N_STACKS, STEM_CHANNELS
from harness.inputs import DataSet
from harness.space import LayerTable

Counts = NDArray[np.int64]

_CHUNK = 10_000
_NORM_AND_RELU = 2 + 1  # elementwise FLOPs for each number that a convolution gives
_N_INNER = MAX_VERTICES - 2
_KERNELS = np.array([{CONV_3X3: 3, CONV_1X1: 1}.get(operation, 0) for operation in OPERATIONS])


@dataclass(frozen=True, eq=False)
class Graphs:
    """Cells as arrays, vertex v of a cell at place v - 1; places that a cell lacks have no edges and no kernel.

    `read_input` and `feeds_output` are bool [n_cells, 5], `edges` bool [n_cells, 5, 5] from the second to the third
    axis, `joined` bool [n_cells] where the output reads the input itself, `kernels` int64 [n_cells, 5], 0 for pooling,
    of which `pools` bool [n_cells, 5] says where it is.
    """

    read_input: NDArray[np.bool_]
    feeds_output: NDArray[np.bool_]
    edges: NDArray[np.bool_]
    joined: NDArray[np.bool_]
    kernels: Counts
    pools: NDArray[np.bool_]

    @classmethod
    def of_codes(cls, codes: NDArray[np.uint32]) -> "Graphs":
        """The cells of some `Cell.code`, [n_cells]."""
        has = (codes[:, None] >> np.arange(len(EDGES), dtype=np.uint32) & 1).astype(bool)
        output = np.array([target for _, target in EDGES])[len(EDGES) - 1 - has[:, ::-1].argmax(axis=1)]
        rows = np.arange(len(codes))
        is_inner = np.arange(1, MAX_VERTICES - 1) < output[:, None]
        edges = np.zeros((len(codes), _N_INNER, _N_INNER), dtype=bool)
        read_input, feeds_output = np.zeros((2, len(codes), _N_INNER), dtype=bool)
        for place in range(_N_INNER):
            read_input[:, place] = has[:, BIT[0, place + 1]] & is_inner[:, place]
            # Edges are numbered by target, so that of (v, output) is v places after that of (0, output).
            bit = np.minimum(output * (output - 1) // 2 + place + 1, len(EDGES) - 1)
            feeds_output[:, place] = has[rows, bit] & is_inner[:, place]
            for after in range(place + 1, _N_INNER):
                edges[:, place, after] = has[:, BIT[place + 1, after + 1]] & is_inner[:, after]
        labels = codes[:, None] >> (len(EDGES) + 2 * np.arange(_N_INNER)).astype(np.uint32) & 3
        kernels = np.where(is_inner, _KERNELS[labels], 0)
        joined = has[rows, output * (output - 1) // 2]
        return cls(read_input, feeds_output, edges, joined, kernels, pools=is_inner & (kernels == 0))

    def channels(self, n_out: int) -> Counts:
        """Output channels of the inner vertices, [n_cells, 5]: see `network.vertex_channels`."""
        n_read = np.maximum(self.feeds_output.sum(axis=1, keepdims=True), 1)
        rank = self.feeds_output.cumsum(axis=1) - 1
        found: Counts = np.where(self.feeds_output, n_out // n_read + (rank < n_out % n_read), 0)
        for place in reversed(range(_N_INNER)):
            widest = (self.edges[:, place] * found).max(axis=1)
            found[:, place] = np.where(self.feeds_output[:, place], found[:, place], widest)
        return found

    def depth(self) -> Counts:
        """Convolutions on the longest path through a cell, [n_cells]; a projection of the input is one."""
        reach = np.full(self.kernels.shape, -1)  # -1: nothing arrives
        for place in range(_N_INNER):
            before = np.where(self.edges[:, :, place], reach, -1).max(axis=1)
            arrived = np.maximum(before, np.where(self.read_input[:, place], 1, -1))
            reach[:, place] = np.where(arrived < 0, -1, arrived + (self.kernels[:, place] > 0))
        found: Counts = np.maximum(np.where(self.feeds_output, reach, -1).max(axis=1), self.joined)
        return found


def params_of(codes: NDArray[np.uint32], data_set: DataSet) -> Counts:
    """Trainable parameters of the networks of some cells, [n_cells]."""
    counts = np.empty(len(codes), dtype=np.int64)
    for start in range(0, len(codes), _CHUNK):  # a table of all of them would take 800 MB
        table = layer_table(codes[start : start + _CHUNK], data_set)
        counts[start : start + _CHUNK] = (table.n_params * table.repeats).sum(axis=1)
    return counts


def layer_table(codes: NDArray[np.uint32], data_set: DataSet) -> LayerTable:
    """The layers of the networks of some cells, given by `Cell.code`; every layer is live, as cells are pruned."""
    graphs = Graphs.of_codes(codes)
    one = np.ones((len(codes), 1), dtype=np.int64)
    size = data_set.shape[1]
    blocks = [_convolutions(one * data_set.shape[0] * 9, one * STEM_CHANNELS, size, 1)]
    elementwise = np.full(len(codes), _NORM_AND_RELU * STEM_CHANNELS * size**2)
    n_in = STEM_CHANNELS
    for stack in range(N_STACKS):
        n_out = STEM_CHANNELS * 2**stack
        channels = graphs.channels(n_out)
        widths = np.hstack([channels, channels, one * n_out])
        for width_in, repeats in ((n_in, 1), (n_out, CELLS_PER_STACK - 1)):
            per_output = np.hstack(
                [width_in * graphs.read_input, graphs.kernels**2 * channels, width_in * graphs.joined[:, None]]
            )
            blocks.append(_convolutions(per_output, widths, size, repeats))
        per_pixel = _NORM_AND_RELU * (widths * (per_output > 0)).sum(axis=1) + (channels * graphs.pools).sum(axis=1)
        # A pooling follows each stack.
        elementwise += (per_pixel * CELLS_PER_STACK + n_out) * size**2
        n_in, size = n_out, size // 2
    weights = one * n_in * data_set.n_classes
    classifier = (weights, weights + data_set.n_classes, weights + data_set.n_classes, one)
    n_weights, n_params, flops, repeated = (np.hstack(parts) for parts in zip(*blocks, classifier, strict=True))
    is_linear = np.zeros(flops.shape, dtype=bool)
    is_linear[:, -1] = True
    return LayerTable(
        *(n_weights, n_params, flops),
        live=repeated > 0,
        repeats=repeated,
        is_linear=is_linear,
        depth=2 + N_STACKS * CELLS_PER_STACK * graphs.depth(),  # 2: stem and classifier
        elementwise_flops=elementwise,
    )


def _convolutions(per_output: Counts, n_out: Counts, size: int, repeats: int) -> tuple[Counts, Counts, Counts, Counts]:
    """Weights, parameters with batch normalisation, FLOPs and repetitions of convolutions to `size` x `size` outputs.

    `per_output` is the number of weights of one output channel, 0 where there is no convolution.
    """
    weights = per_output * n_out
    is_there = weights > 0
    return weights, weights + 2 * n_out * is_there, weights * size * size, repeats * is_there.astype(np.int64)
