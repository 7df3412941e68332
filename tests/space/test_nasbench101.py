"""NAS-Bench-101: the official names and their order, counts that equal the table, networks, neighbours.

The 423,624 cells are enumerated once for all tests, into the tests' data home: some 20 s.
"""

from collections import Counter
from hashlib import md5
from itertools import product
from random import Random

import numpy as np
import pytest
import torch
from nasbench_pytorch.model import ModelSpec, Network
from nasbench_pytorch.model.graph_util import hash_module, is_full_dag
from torch import nn

from benchmarks.nasbench101 import catalogue as catalogue_module
from benchmarks.nasbench101.catalogue import N_CELLS, catalogue, open_catalogue
from benchmarks.nasbench101.cell import BIT, CONV_1X1, CONV_3X3, MAX_POOL, OPERATIONS, Cell, pruned
from benchmarks.nasbench101.enumeration import families
from benchmarks.nasbench101.layers import params_of
from benchmarks.nasbench101.network import vertex_channels
from benchmarks.nasbench101.reference import copy_weights, matrix
from harness.errors import CorruptDataError, HarnessError, UnknownNameError
from harness.inputs import DATA_SETS
from harness.space import BENCHMARKS, Architecture, LayerTable

SPACE = BENCHMARKS.get("nasbench101")
CIFAR10 = DATA_SETS.get("cifar10")
SMALLEST = Cell(((0, 1),), ())
FIRST = "00005c142e6f48ac74fdcf73e3439874"
# Three vertices share 128 channels: 43, 43 and 42. Vertex 2 has 43, which are cut to 42 where vertex 4 reads it.
UNEVEN = Cell(
    ((0, 1), (0, 2), (2, 3), (2, 4), (1, 5), (3, 5), (4, 5)),
    (MAX_POOL, CONV_1X1, CONV_3X3, CONV_1X1),
)


def sampled(n: int, seed: int = 0) -> list[Architecture]:
    rng = Random(seed)
    return [SPACE.random(rng) for _ in range(n)]


def test_the_first_cell_is_the_published_one():
    assert SPACE.architectures[0] == FIRST
    cell = SPACE.cell(FIRST)
    assert matrix(cell).tolist() == [
        [0, 1, 0, 0, 1, 1, 0],
        [0, 0, 1, 0, 0, 0, 0],
        [0, 0, 0, 1, 0, 0, 1],
        [0, 0, 0, 0, 0, 1, 0],
        [0, 0, 0, 0, 0, 1, 0],
        [0, 0, 0, 0, 0, 0, 1],
        [0, 0, 0, 0, 0, 0, 0],
    ]
    assert cell.operations == (CONV_3X3, MAX_POOL, CONV_3X3, CONV_3X3, CONV_1X1)


def test_the_name_of_the_smallest_cell_worked_out():
    def hashed(text: str) -> str:
        return md5(text.encode()).hexdigest()

    # (edges out, edges in, label): the input has label -1, the output -2; two rounds for two vertices
    start, end = hashed("(1, 0, -1)"), hashed("(0, 1, -2)")
    start, end = hashed(f"|{end}|{start}"), hashed(f"{start}||{end}")
    start, end = hashed(f"|{end}|{start}"), hashed(f"{start}||{end}")
    assert SMALLEST.name == hashed(f"['{min(start, end)}', '{max(start, end)}']")
    assert SMALLEST.name in SPACE


def test_names_are_the_official_hashes():
    for arch in sampled(200):
        cell = SPACE.cell(arch)
        labels = [-1, *map(OPERATIONS.index, cell.operations), -2]
        assert hash_module(matrix(cell), labels) == cell.name == arch


@pytest.mark.parametrize("n_vertices", [2, 3, 4])
def test_symmetry_finds_the_first_cell_of_each_hash_in_official_order(n_vertices):
    first: dict[str, Cell] = {}
    for bits in range(1 << n_vertices * (n_vertices - 1) // 2):
        edges = tuple(edge for edge, bit in BIT.items() if bits >> bit & 1)
        graph = np.zeros((n_vertices, n_vertices), dtype=int)
        graph[tuple(np.transpose(edges)) if edges else ()] = 1
        if edges and is_full_dag(graph):
            for labels in product(range(3), repeat=n_vertices - 2):
                cell = Cell(edges, tuple(OPERATIONS[label] for label in labels))
                first.setdefault(hash_module(graph, [-1, *labels, -2]), cell)
    found = list(families(n_vertices))
    codes = np.concatenate([family.codes() for family in found]).tolist()
    names = [name.decode() for family in found for name in family.names().tolist()]
    assert {name: Cell.of_code(code) for name, code in zip(names, codes, strict=True)} == first


def test_there_are_as_many_cells_of_each_size_as_published_in_total():
    sizes = Counter(Cell.of_code(code).n_vertices for code in catalogue().codes[::100].tolist())
    counted = {n: sum(len(family.labels) for family in families(n)) for n in range(2, 7)}
    assert counted == {2: 1, 3: 6, 4: 84, 5: 2_441, 6: 62_010}
    assert N_CELLS - sum(counted.values()) == 359_082  # of seven vertices
    assert sizes[7] / sum(sizes.values()) == pytest.approx(359_082 / N_CELLS, abs=0.02)


def test_all_cells_equal_the_joined_and_checked_table(truth_oracle):
    with np.load(truth_oracle / "nasbench101.npz", allow_pickle=False) as table:
        known = catalogue()
        np.testing.assert_array_equal(known.digests, table["hash_md5"])
        edges = zip(table["triu_rows"].tolist(), table["triu_cols"].tolist(), strict=True)
        bits = sum((table["adj_bits"] >> at & 1) << BIT[edge] for at, edge in enumerate(edges))
        labels = (table["ops"].clip(min=0).astype(np.uint32) << (21 + 2 * np.arange(5, dtype=np.uint32))).sum(axis=1)
        np.testing.assert_array_equal(known.codes, bits | labels)


def test_params_equal_the_table_for_every_cell(truth_oracle):
    with np.load(truth_oracle / "nasbench101.npz", allow_pickle=False) as table:
        np.testing.assert_array_equal(params_of(catalogue().codes, CIFAR10), table["params"])
    assert SPACE.params(Architecture(FIRST), CIFAR10) == 8_555_530


def test_names_and_rows_are_inverse():
    names = SPACE.architectures
    assert len(names) == N_CELLS
    assert list(names[:3]) == [names[0], names[1], names[2]] == sorted(names[:3])
    for arch in sampled(20, seed=1):
        assert names[SPACE.index(arch)] == arch
        assert SPACE.canonical(arch) == arch
        assert Cell.of_code(SPACE.cell(arch).code) == SPACE.cell(arch)
    rows = [5, 0, N_CELLS - 1]
    assert catalogue().rows([names[row] for row in rows]).tolist() == rows


@pytest.mark.parametrize("name", ["", "zz", FIRST[:-1], FIRST.upper(), "f" * 32, "0" * 32])
def test_an_unknown_architecture_is_named(name):
    assert name not in SPACE
    assert name not in SPACE.architectures
    with pytest.raises(UnknownNameError, match=rf"'{name}' is not an architecture of nasbench101; an example is"):
        SPACE.index(Architecture(name))
    with pytest.raises(UnknownNameError, match=rf"'{name}' is not the module hash of a cell of nasbench101"):
        catalogue().rows([FIRST, name])


@pytest.mark.parametrize("content", [None, b"", b"no archive", "cut", "changed"])
def test_a_missing_or_damaged_catalogue_is_made_again(content, tmp_path, monkeypatch):
    known = catalogue()
    monkeypatch.setattr(catalogue_module, "all_cells", lambda advance: (known.digests, known.codes))
    file = tmp_path / "cells.npz"
    if content == "changed":
        np.savez(file, digests=known.digests, codes=known.codes[::-1])
    elif content is not None:
        file.write_bytes(known.codes.tobytes() if content == "cut" else content)
    open_catalogue(file)
    with np.load(file, allow_pickle=False) as made:
        np.testing.assert_array_equal(made["codes"], known.codes)


def test_a_data_home_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(HarnessError, match=r"The cells of nasbench101 cannot be written to .*Set HARNESS_DATA to"):
        open_catalogue(tmp_path / "file" / "cells.npz")


def test_other_cells_are_no_catalogue():
    known = catalogue()
    with pytest.raises(CorruptDataError, match=r"These 10 cells are not the 423,624 of NAS-Bench-101"):
        catalogue_module.Catalogue(known.digests[:10], known.codes[:10])


def test_channels_worked_out():
    # 128 over the vertices 1, 3, 4 that feed the output: 43, 43, 42; vertex 2 is as wide as the wider of 3 and 4.
    assert SPACE.cell(Architecture(UNEVEN.name)) == UNEVEN
    assert vertex_channels(UNEVEN, 128, 128) == [128, 43, 43, 43, 42, 128]
    assert vertex_channels(SMALLEST, 128, 256) == [128, 256]


@pytest.mark.parametrize("cell", [SMALLEST, UNEVEN])
def test_counts_equal_what_the_built_network_holds(cell):
    arch = Architecture(cell.name)
    network = SPACE.network(arch, CIFAR10)
    assert SPACE.params(arch, CIFAR10) == sum(parameter.numel() for parameter in network.parameters())
    macs, sizes = [], Counter()

    def count(module, inputs, output):
        macs.append(output[0].numel() * module.weight[0].numel())
        macs.append(output[0].numel() if isinstance(module, nn.Linear) else 0)
        sizes[module.weight.numel()] += 1

    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(count)
    network(torch.zeros(1, *CIFAR10.shape))
    assert sum(macs) == SPACE.flops(arch, CIFAR10) == SPACE.flops(arch, CIFAR10, live=True)
    layers = Counter()
    for layer in SPACE.layers(arch, CIFAR10):
        layers[layer.n_weights] += layer.repeats
    assert layers == sizes


def test_a_table_of_layers_is_the_layers_of_each():
    archs = [Architecture(SMALLEST.name), *sampled(5, seed=2)]
    table = SPACE.layer_table(archs, CIFAR10)
    plain = LayerTable.of_layers([SPACE.layers(arch, CIFAR10) for arch in archs])
    for index, arch in enumerate(archs):
        assert table.row(index) == plain.row(index) == list(SPACE.layers(arch, CIFAR10))
    assert (table.n_weights[table.repeats == 0] == 0).all()


@pytest.mark.parametrize("cell", [SMALLEST, UNEVEN, "sampled"])
def test_outputs_equal_those_of_nasbench_pytorch_with_the_same_weights(cell):
    cell = SPACE.cell(sampled(1, seed=5)[0]) if cell == "sampled" else SPACE.cell(Architecture(cell.name))
    network = SPACE.network(Architecture(cell.name), CIFAR10)
    theirs = Network(ModelSpec(matrix(cell), ["input", *cell.operations, "output"]))
    copy_weights(network, theirs)
    images = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0)).double()
    torch.testing.assert_close(network.double()(images), theirs.double()(images), rtol=1e-10, atol=1e-10)


def test_normalisation_is_tensorflows_and_parameters_start_as_nasbench_pytorchs():
    network = SPACE.network(Architecture(UNEVEN.name), CIFAR10)
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    assert {(norm.momentum, norm.eps) for norm in norms} == {(0.003, 1e-5)}  # 1 - .997
    weight = network.stem.conv.weight  # N(0, 2 / fan_out), fan_out = 128 * 9
    assert weight.std().item() == pytest.approx((2 / (128 * 9)) ** 0.5, rel=0.05)
    theirs = Network(ModelSpec(matrix(UNEVEN), ["input", *UNEVEN.operations, "output"])).classifier
    for classifier in (network.classifier, theirs):
        assert classifier.weight.std().item() == pytest.approx(0.01, rel=0.05)
        assert not classifier.bias.any()


def test_weights_depend_on_seed_and_name_alone():
    first, other = (Architecture(name) for name in sampled(2, seed=3))
    weights = [
        SPACE.network(arch, CIFAR10, seed=seed).stem.conv.weight for arch, seed in ((first, 0), (first, 1), (other, 0))
    ]
    torch.manual_seed(5)
    assert torch.equal(weights[0], SPACE.network(first, CIFAR10, execute="all").stem.conv.weight)
    assert not torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_pruning_worked_out():
    # 2 is reached from the input but leads nowhere, 3 leads to the output but nothing reaches it
    edges = {(0, 1), (1, 4), (0, 2), (3, 4)}
    assert pruned(edges, (CONV_1X1, CONV_3X3, MAX_POOL)) == Cell(((0, 1), (1, 2)), (CONV_1X1,))
    assert pruned({(0, 1), (2, 3)}, (CONV_1X1, CONV_3X3)) is None
    # 2 comes before 1
    swapped = pruned({(0, 2), (2, 1), (1, 3)}, (CONV_1X1, CONV_3X3))
    assert swapped == Cell(((0, 1), (1, 2), (2, 3)), (CONV_3X3, CONV_1X1))


def test_the_smallest_cell_can_only_grow():
    # Taking its edge away leaves nothing; an inserted vertex holds one of three operations.
    grown = [Cell(((0, 1), (0, 2), (1, 2)), (operation,)).name for operation in OPERATIONS]
    assert SPACE.neighbours(Architecture(SMALLEST.name)) == tuple(sorted(grown))


def test_what_one_change_cannot_undo_is_no_neighbour():
    # input -> 1 -> 2 -> output beside input -> output: without any edge of the path, both of its vertices are pruned.
    path = Cell(((0, 1), (1, 2), (0, 3), (2, 3)), (CONV_1X1, CONV_1X1))
    assert SMALLEST.name not in SPACE.neighbours(Architecture(path.name))
    # With one vertex on it, taking it away is undone by inserting it.
    shorter = Cell(((0, 1), (0, 2), (1, 2)), (CONV_1X1,))
    assert SMALLEST.name in SPACE.neighbours(Architecture(shorter.name))


def test_steps_from_the_smallest_cell_reach_all_others():
    known, frontier = {Architecture(SMALLEST.name)}, [Architecture(SMALLEST.name)]
    while frontier:
        new = {other for other in SPACE.neighbours(frontier.pop()) if SPACE.cell(other).n_vertices <= 4} - known
        known |= new
        frontier += new
    assert len(known) == 1 + 6 + 84  # with up to four vertices, through such cells alone
