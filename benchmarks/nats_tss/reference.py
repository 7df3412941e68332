"""NATS-Bench topology beside the nats_bench package of its authors: operations, names, and what a name means.

The package holds no networks; the meaning of a name is its `TopologyStructure`, by which the cells built here are run
once more. Its file loader is not used.
"""

from collections.abc import Iterator
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.cell_graph import NONE, SKIP, live_edges
from benchmarks.nats_blocks import ActConvNorm
from benchmarks.nats_tss.network import Cell
from harness.inputs import DATA_SETS
from harness.space import Architecture
from harness.space.reference import ReferenceCheck, told

if TYPE_CHECKING:
    from benchmarks.nats_tss.space import NatsTss

N_UNIQUE = 6_466  # topologies by the package's own rule: Dong et al., arXiv:2009.00437
N_BUILT = 20
TOLERANCE = 1e-12  # of outputs in float64
_told = partial(told, "nats_bench")
_IMAGES = (2, 3, 8, 8)
_KERNELS = {"nor_conv_1x1": 1, "nor_conv_3x3": 3}


def reference_checks(space: "NatsTss") -> Iterator[ReferenceCheck]:
    """Names, connections and unique topologies of all 15,625 cells; modules, counts and outputs of 20 networks.

    Raises:
        ImportError: if nats_bench is not installed.
    """
    from nats_bench import search_space_info
    from nats_bench.genotype_utils import topology_str2structure

    info = search_space_info("nats-bench", "tss")
    same = tuple(info["op_names"]) == space.operations and info["num_nodes"] == space.n_nodes
    here = f"{space.n_nodes} nodes and the operations {', '.join(space.operations)}"
    there = f"{info['num_nodes']} nodes and {', '.join(info['op_names'])}"
    yield ReferenceCheck("operations", same, here if same else f"here {here}; in nats_bench {there}")
    structures = {arch: topology_str2structure(arch) for arch in space.architectures}
    wrong = [arch for arch, structure in structures.items() if not _means(structure, space, arch)]
    yield _told("names", wrong, f"{len(structures):,} names are read and written as nats_bench does")
    wrong = [
        arch
        for arch, structure in structures.items()
        if structure.check_valid() != bool(live_edges(space.cell(arch), space.edges))
    ]
    yield _told("connections", wrong, "input and output are connected in the same cells")
    n_unique = len({structure.to_unique_str(consider_zero=True) for structure in structures.values()})
    text = f"{n_unique:,} different topologies by the package's rule; published are {N_UNIQUE:,}"
    yield ReferenceCheck("topologies", n_unique == N_UNIQUE, text)
    n_classes = len(set(space.canonical_forms(space.architectures)))
    yield ReferenceCheck(
        "classes",
        None,
        f"{n_classes:,} canonical forms are told apart here: the package's rule counts cells with different dead "
        "operations apart, and takes two equal operations on one input for a single one that is used twice",
    )
    rng = Random(0)
    yield from _of_networks(space, {arch: structures[arch] for arch in (space.random(rng) for _ in range(N_BUILT))})


def _of_networks(space: "NatsTss", structures: dict[Architecture, Any]) -> Iterator[ReferenceCheck]:
    cifar10 = DATA_SETS.get("cifar10")
    without = space.name_of((NONE,) * len(space.edges))
    ends = space.params(without, cifar10)  # stem, reductions and classifier
    uncounted, otherwise, wrong, largest = [], [], [], 0.0
    for arch, structure in structures.items():
        network = space.network(arch, cifar10, execute="all").double()
        cells = [module for module in network.modules() if isinstance(module, Cell)]
        in_cells = sum(_conv_params(structure, width) for width in (16, 32, 64)) * len(cells) // 3
        held = sum(parameter.numel() for parameter in network.parameters())
        uncounted += [arch] if not held == ends + in_cells == space.params(arch, cifar10) else []
        otherwise += [arch] if [_kernel(edge) for edge in cells[0].edges] != _kernels(structure) else []
        images = torch.randn(_IMAGES, generator=torch.Generator().manual_seed(0)).double()
        with torch.no_grad():
            features = network.get_submodule("stem")(images)
            difference = float((cells[0](features) - walked(structure, cells[0].edges, features)).abs().max())
        largest = max(largest, difference)
        wrong += [arch] if difference > TOLERANCE else []
    n = len(structures)
    yield _told(
        "parameters",
        uncounted,
        f"{n} networks have those of their structures' convolutions and of their ends",
    )
    yield _told("modules", otherwise, f"cells of {n} networks hold the convolutions of their structures, edge by edge")
    yield _told(
        "outputs",
        wrong,
        f"{n} cells, run as their structures say, differ by {largest:.1g} at most, in float64",
    )


def walked(structure: Any, edges: nn.ModuleList, features: Tensor) -> Tensor:
    """The output of a cell by nats_bench's structure: each node sums its operations on earlier nodes.

    Operations are what their names say, with the weights of `edges`, which stand in the order of the structure.
    """
    nodes, weights = [features], iter(edges)
    for node in structure.nodes:
        found = [_operated(operation, next(weights), nodes[source]) for operation, source in node]
        nodes.append(torch.stack(found).sum(dim=0))
    return nodes[-1]


def _operated(operation: str, edge: nn.Module, features: Tensor) -> Tensor:
    if operation == NONE:
        return torch.zeros_like(features)
    if operation == SKIP:
        return features
    if operation == "avg_pool_3x3":
        return functional.avg_pool2d(features, 3, stride=1, padding=1, count_include_pad=False)
    assert isinstance(edge, ActConvNorm)
    return cast(Tensor, edge.norm(edge.conv(functional.relu(features))))


def _means(structure: Any, space: "NatsTss", arch: Architecture) -> bool:
    """Whether a structure is written as the name, and holds the cell's operations on the edges of the space."""
    edges = tuple((source, target) for target, node in enumerate(structure.nodes, start=1) for _, source in node)
    held = tuple(operation for node in structure.nodes for operation, _ in node)
    return bool(structure.tostr() == arch) and edges == space.edges and held == space.cell(arch)


def _conv_params(structure: Any, width: int) -> int:
    """Parameters of a cell's convolutions without bias, each with the two of its normalisation."""
    return sum(kernel**2 * width**2 + 2 * width for kernel in _kernels(structure) if kernel)


def _kernels(structure: Any) -> list[int]:
    return [_KERNELS.get(operation, 0) for node in structure.nodes for operation, _ in node]


def _kernel(edge: nn.Module) -> int:
    """The size of an edge's convolution, 0 where it holds none."""
    return edge.conv.kernel_size[0] if isinstance(edge, ActConvNorm) else 0
