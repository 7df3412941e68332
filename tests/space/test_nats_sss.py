"""NATS-SSS: the official order, counts that equal the official files, one network per architecture."""

import bz2
from collections import Counter
from random import Random

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks.nats_sss.network import CELL, FixedCell
from benchmarks.nats_sss.space import NatsSss, size_string
from harness.errors import UnknownNameError
from harness.files import safe_pickle
from harness.inputs import DATA_SETS
from harness.space import BENCHMARKS, Architecture

SPACE = BENCHMARKS.get("nats_sss")
IMAGE_DATA_SETS = ("cifar10", "cifar100", "ImageNet16-120")
NARROW, WIDE, MIXED = Architecture("8:8:8:8:8"), Architecture("64:64:64:64:64"), Architecture("8:16:24:32:64")


def sampled(n: int, seed: int = 0) -> list[Architecture]:
    return Random(seed).sample(list(SPACE.architectures), n)


def test_the_architectures_are_the_official_ones_in_official_order():
    assert isinstance(SPACE, NatsSss)
    assert len(SPACE.architectures) == len(set(SPACE.architectures)) == 8**5 == 32_768
    assert SPACE.architectures[0] == NARROW
    assert SPACE.architectures[11] == "8:8:8:16:32"
    assert SPACE.architectures[284] == "8:8:40:32:40"
    assert SPACE.architectures[-1] == WIDE


def test_the_order_is_that_of_the_tables_and_of_the_official_folder(truth_oracle, official):
    table = np.load(truth_oracle / "nats_sss.npz", allow_pickle=False)
    assert [arch.decode() for arch in table["arch"]] == list(SPACE.architectures)
    meta = (official / "NATS-sss-v1_0-50262-simple" / "meta.pickle.pbz2").read_bytes()
    assert safe_pickle.load(bz2.decompress(meta))["meta_archs"] == list(SPACE.architectures)


@pytest.mark.parametrize("index", [0, 11, 284])
def test_params_and_flops_equal_those_of_the_official_files(index, official):
    path = official / "NATS-sss-v1_0-50262-simple" / f"{index:06d}.pickle.pbz2"
    arch, seen = SPACE.architectures[index], Counter()
    for record in safe_pickle.load(bz2.decompress(path.read_bytes())).values():
        for (dataset, _seed), result in record["all_results"].items():
            data_set = DATA_SETS.get(dataset.removesuffix("-valid"))
            assert result["arch_config"] | {"class_num": 0} == {
                "name": "infer.shape.tiny",
                "channels": arch,
                "arch_str": arch,
                "genotype": CELL,
                "class_num": 0,
            }
            assert SPACE.params(arch, data_set) / 1e6 == pytest.approx(float(result["params"]), abs=1e-9)
            assert SPACE.flops(arch, data_set) / 1e6 == pytest.approx(float(result["flop"]), abs=1e-9)
            seen[data_set.name] += 1
    assert set(seen) == set(IMAGE_DATA_SETS)


def test_the_parameters_of_the_narrowest_network_by_hand():
    # stem 3*8*9 + 16 = 232; three cells of five convolutions 8*8*9 + 16 = 592 each: 8,880; two reductions of two such
    # convolutions and a shortcut 8*8 = 64: 2,496; last normalisation 16; classifier 8*10 + 10 = 90.
    assert SPACE.params(NARROW, DATA_SETS.get("cifar10")) == 232 + 8_880 + 2_496 + 16 + 90 == 11_714


def test_widths_are_those_of_cell_reduction_cell_reduction_cell():
    network = SPACE.network(MIXED, DATA_SETS.get("cifar10"))
    seen = []
    for block in network.blocks:
        block.register_forward_hook(lambda _module, _inputs, output: seen.append(tuple(output.shape[1:])))
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 10)
    assert seen == [(8, 32, 32), (16, 16, 16), (24, 16, 16), (32, 8, 8), (64, 8, 8)]


def test_a_cell_is_the_sum_of_its_official_string_by_hand():
    cell = FixedCell(2, 2).double().eval()
    features = torch.randn(1, 2, 5, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def edge(module: nn.Module, value: torch.Tensor) -> torch.Tensor:
        weight = module.conv.weight
        kept = value.clamp(min=0)  # ReLU; a fresh normalisation in eval mode divides by sqrt(1 + eps)
        return torch.conv2d(kept, weight, padding=1) / (1 + module.norm.eps) ** 0.5

    first = edge(cell.edge_0_1, features)
    second = edge(cell.edge_0_2, features) + edge(cell.edge_1_2, first)
    third = features + edge(cell.edge_1_3, first) + edge(cell.edge_2_3, second)
    torch.testing.assert_close(cell(features), third)
    assert CELL == "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"
    assert BENCHMARKS.get("nats_tss").architectures[9930] == CELL


def test_a_skip_between_unequal_widths_is_a_normalised_1x1_convolution_without_relu():
    cell = FixedCell(2, 3).eval()
    features = -torch.rand(1, 2, 4, 4, generator=torch.Generator().manual_seed(0))  # a ReLU would make it zero
    expected = torch.conv2d(features, cell.edge_0_3.conv.weight) / (1 + cell.edge_0_3.norm.eps) ** 0.5
    torch.testing.assert_close(cell.edge_0_3(features), expected)
    assert not torch.equal(expected, torch.zeros_like(expected))


def test_both_ways_to_execute_are_one_network():
    data_set = DATA_SETS.get("ImageNet16-120")
    images = torch.randn(2, *data_set.shape, generator=torch.Generator().manual_seed(0))
    live, everything = (SPACE.network(MIXED, data_set, execute=execute, seed=3) for execute in ("live", "all"))
    assert torch.equal(live(images), everything(images))


def test_every_architecture_is_its_own_canonical_form_since_no_two_have_the_same_weights():
    data_set = DATA_SETS.get("cifar10")
    sample = sampled(300)
    assert [SPACE.canonical(arch) for arch in sample] == sample
    shapes = {tuple((layer.n_weights, layer.repeats) for layer in SPACE.layers(arch, data_set)) for arch in sample}
    assert len(shapes) == len(sample)


def test_weights_depend_on_seed_and_architecture_alone():
    data_set = DATA_SETS.get("cifar10")
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = SPACE.network(NARROW, data_set, seed=0).state_dict()
    again = SPACE.network(NARROW, data_set, seed=0).state_dict()
    seeded = SPACE.network(NARROW, data_set, seed=1).state_dict()
    other = SPACE.network(Architecture("8:8:8:8:16"), data_set, seed=0).state_dict()
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["stem.0.weight"], seeded["stem.0.weight"])
    assert not torch.equal(first["stem.0.weight"], other["stem.0.weight"])
    kernels = [value for name, value in first.items() if name.endswith("conv.weight") and value.shape == (8, 8, 3, 3)]
    assert len(kernels) == 19
    assert len({kernel.sum().item() for kernel in kernels}) == 19


def test_neighbours_change_one_width_to_any_other():
    found = SPACE.neighbours(NARROW)
    assert len(set(found)) == 35  # 5 widths, 7 other values each
    assert size_string((8, 8, 8, 8, 64)) in found


@pytest.mark.parametrize("arch", ["8:8:8:8", "8:8:8:8:9", "08:8:8:8:8", "8:8:8:8:8:8"])
def test_an_unknown_architecture_is_named(arch):
    with pytest.raises(UnknownNameError, match=rf"'{arch}' is not an architecture of nats_sss; an example is '8:8:8:"):
        SPACE.network(Architecture(arch), DATA_SETS.get("cifar10"))
