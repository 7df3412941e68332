"""NAS-Bench-101 beside nasbench-pytorch: hashes, pruning, parameters, and outputs of networks of equal weights.

nasbench-pytorch 1.3.1 holds the hash and the pruning of the benchmark's authors, and their network in PyTorch.
"""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from benchmarks.nasbench101.cell import OPERATIONS, Cell
from benchmarks.nasbench101.network import CellNetwork
from harness.inputs import DATA_SETS
from harness.space.reference import ReferenceCheck, told

if TYPE_CHECKING:
    from benchmarks.nasbench101.space import NasBench101

N_HASHED = 1000
N_BUILT = 12
N_RUN = 4
TOLERANCE = 1e-10  # of outputs in float64
_told = partial(told, "nasbench-pytorch")
_IMAGES = (2, 3, 8, 8)
_INPUT_LABEL, _OUTPUT_LABEL = -1, -2


def reference_checks(space: "NasBench101") -> Iterator[ReferenceCheck]:
    """Hashes and pruning of 1,000 cells, parameters and shapes of 12 networks, outputs of 4.

    The cells are the first, the last and others drawn with seed 0.

    Raises:
        ImportError: if nasbench-pytorch is not installed.
    """
    from nasbench_pytorch.model import ModelSpec, Network
    from nasbench_pytorch.model.graph_util import hash_module

    rng = Random(0)
    archs = [space.architectures[0], space.architectures[-1]]
    archs += [space.random(rng) for _ in range(N_HASHED - len(archs))]
    cells = [space.cell(arch) for arch in archs]
    wrong = [arch for arch, cell in zip(archs, cells, strict=True) if hash_module(matrix(cell), labels(cell)) != arch]
    yield _told("hashes", wrong, f"the names of {len(archs):,} cells are the module hashes of their graphs")
    specs = {arch: ModelSpec(matrix(cell), words(cell)) for arch, cell in zip(archs, cells, strict=True)}
    wrong = [
        arch
        for arch, cell in zip(archs, cells, strict=True)
        if not specs[arch].valid_spec or not np.array_equal(specs[arch].matrix, matrix(cell))
    ]
    yield _told("pruning", wrong, f"{len(archs):,} cells are valid, and pruned as the authors' code prunes")
    built = {arch: Network(specs[arch]) for arch in archs[:N_BUILT]}
    cifar10 = DATA_SETS.get("cifar10")
    wrong = [arch for arch, theirs in built.items() if n_params(theirs) != space.params(arch, cifar10)]
    agreed = f"{len(built)} networks have as many parameters as are counted here, its unused scalars left out"
    yield _told("parameters", wrong, agreed)
    ours = {arch: space.network(arch, cifar10) for arch in built}
    wrong = [arch for arch, theirs in built.items() if shapes(theirs) != shapes(ours[arch])]
    yield _told("modules", wrong, f"{len(built)} networks have convolutions and linear layers of the same shapes")
    images = torch.randn(_IMAGES, generator=torch.Generator().manual_seed(0)).double()
    wrong, largest = [], 0.0
    for arch in archs[:N_RUN]:
        copy_weights(ours[arch], built[arch])
        with torch.no_grad():
            difference = float((ours[arch].double()(images) - built[arch].double()(images)).abs().max())
        largest = max(largest, difference)
        wrong += [arch] if difference > TOLERANCE else []
    yield _told("outputs", wrong, f"with equal weights {N_RUN} networks differ by {largest:.1g} at most, in float64")
    yield ReferenceCheck(
        "normalisation",
        None,
        "nasbench-pytorch has the momenta .997 and .1; the authors' decay .997 in TensorFlow is .003 in PyTorch, as "
        "here. Running averages alone depend on it, which proxies do not read",
    )


def matrix(cell: Cell) -> NDArray[np.int64]:
    """The adjacency matrix, [n_vertices, n_vertices]."""
    found = np.zeros((cell.n_vertices, cell.n_vertices), dtype=np.int64)
    for source, target in cell.edges:
        found[source, target] = 1
    return found


def words(cell: Cell) -> list[str]:
    """The operation of each vertex, as the official specification writes it."""
    return ["input", *cell.operations, "output"]


def labels(cell: Cell) -> list[int]:
    """The operation of each vertex, as the official hash takes it."""
    return [_INPUT_LABEL, *map(OPERATIONS.index, cell.operations), _OUTPUT_LABEL]


def n_params(network: nn.Module) -> int:
    """Number of trainable parameters of a network; nasbench-pytorch keeps scalars where a vertex has no operation."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.ndim)


def shapes(network: nn.Module) -> Counter[tuple[int, ...]]:
    """How many convolutions and linear layers have weights of each shape."""
    weighted = (module for module in network.modules() if isinstance(module, nn.Conv2d | nn.Linear))
    return Counter(tuple(module.weight.shape) for module in weighted)


def copy_weights(ours: nn.Module, theirs: Any) -> None:
    """Give nasbench-pytorch's network the parameters of ours, module by module."""
    assert isinstance(ours, CellNetwork)
    pairs: list[tuple[nn.Module, nn.Module]] = [(ours.stem, theirs.layers[0]), (ours.classifier, theirs.classifier)]
    for block, layer in zip(ours.blocks, theirs.layers[1:], strict=True):
        if not isinstance(block, nn.MaxPool2d):
            for own, other in ((block.projections, layer.input_op), (block.operations, layer.vertex_op)):
                assert isinstance(own, nn.ModuleDict)
                pairs += [(module, other[int(vertex)]) for vertex, module in own.items()]
    for module, other in pairs:  # convolution and normalisation stand in the same order in both
        other.load_state_dict(dict(zip(other.state_dict(), module.state_dict().values(), strict=True)))
