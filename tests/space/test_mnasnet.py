"""Accel-NASBench's space: counts equal to the published ones on every file, architectures that were not trained."""

from itertools import pairwise
from random import Random

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks.mobile_blocks import InvertedBottleneck, MobileBlock
from harness.errors import OptionError, UnknownNameError
from harness.inputs import DATA_SETS
from harness.search.costs import Budget
from harness.searchers.exhaustive import Exhaustive
from harness.space import BENCHMARKS, Architecture, SampledSpace

SPACE, IMAGENET = BENCHMARKS.get("mnasnet"), DATA_SETS.get("imagenet")
PLAIN = Architecture(";".join(["e1k3l1s0"] * 7))


@pytest.fixture(scope="module")
def oracle(truth_oracle):
    with np.load(truth_oracle / "accel_nasbench.npz", allow_pickle=False) as table:
        return {name: table[name] for name in table}


def test_the_list_is_the_published_order_without_repetitions(oracle):
    published = [arch.decode() for arch in oracle["arch"]]
    assert len(published) == 5_138
    assert list(dict.fromkeys(published)) == list(SPACE.architectures)
    assert len(SPACE.architectures) == 5_125


@pytest.mark.long
def test_params_flops_and_layers_equal_the_published_ones_on_all_files(oracle):
    archs = [SPACE.check(arch.decode()) for arch in oracle["arch"]]
    table = SPACE.layer_table(archs, IMAGENET)
    assert ((table.n_params * table.repeats).sum(axis=1) == oracle["params"]).sum() == 5_138
    flops = (table.flops * table.repeats).sum(axis=1)
    assert (flops - 1000 == oracle["macs_conv_linear_224"]).sum() == 5_138  # without the bias of the classifier


@pytest.mark.long
def test_the_counter_of_the_authors_is_reproduced_on_all_files(oracle):
    costs = [SPACE.costs(SPACE.check(arch.decode()), IMAGENET) for arch in oracle["arch"]]
    assert (np.array([cost["published_macs"] for cost in costs]) == oracle["macs_thop_224"]).sum() == 5_138
    np.testing.assert_array_equal([cost["layers"] for cost in costs], oracle["layers"].sum(axis=1))


def test_the_authors_counter_on_some_files(oracle):
    for row in Random(0).sample(range(5_138), 40):
        arch = SPACE.check(oracle["arch"][row].decode())
        assert SPACE.costs(arch, IMAGENET)["published_macs"] == oracle["macs_thop_224"][row]


def test_the_parameters_of_the_plainest_network_by_hand():
    # Seven blocks without expansion: depthwise 9 n_in + 2 n_in, then n_in n_out + 2 n_out.
    widths = (32, 16, 24, 40, 80, 112, 192, 320)
    blocks = sum(11 * n_in + n_in * n_out + 2 * n_out for n_in, n_out in pairwise(widths))
    expected = (27 * 32 + 64) + blocks + (320 * 1280 + 2560) + (1280 * 1000 + 1000)
    assert SPACE.params(PLAIN, IMAGENET) == expected
    assert SPACE.depth(PLAIN, IMAGENET) == 3 + 7 * 2


def test_a_block_with_squeeze_and_excitation_by_hand():
    block = InvertedBottleneck(MobileBlock(4, 4, 4, kernel=3, stride=1, n_squeezed=1)).double().eval()
    features = torch.randn(1, 4, 5, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    scale = (1 + 1e-5) ** -0.5  # a fresh normalisation in eval mode
    depthwise, _, _, squeeze, project, _ = block.body
    hidden = (torch.conv2d(features, depthwise.weight, padding=1, groups=4) * scale).clamp(min=0)
    reduce, expand = squeeze.factors[1], squeeze.factors[3]
    inner = (hidden.mean(dim=(2, 3)) @ reduce.weight[:, :, 0, 0].T + reduce.bias).clamp(min=0)
    gate = ((inner @ expand.weight[:, :, 0, 0].T + expand.bias) / 6 + 0.5).clamp(0, 1)
    expected = features + torch.conv2d(hidden * gate[:, :, None, None], project.weight) * scale
    torch.testing.assert_close(block(features), expected)


def test_squeeze_and_excitation_has_a_quarter_of_the_channels_of_the_blocks_input():
    network = SPACE.network(Architecture("e6k3l2s1;" + ";".join(["e1k3l1s0"] * 6)), IMAGENET)
    squeezed = [module.factors[1].out_channels for module in network.modules() if hasattr(module, "factors")]
    assert squeezed == [32 // 4, 16 // 4]
    assert sum(isinstance(module, nn.Hardsigmoid) for module in network.modules()) == 2


def test_architectures_that_were_not_trained_are_in_the_space_without_a_number():
    assert isinstance(SPACE, SampledSpace)
    assert PLAIN in SPACE
    assert PLAIN not in SPACE.architectures
    assert SPACE.number(PLAIN) is None
    assert len(SPACE.label(PLAIN)) == 8
    assert SPACE.label(SPACE.architectures[7]) == "7"
    with pytest.raises(UnknownNameError, match=r"is in mnasnet but not among the 5,125 trained architectures"):
        SPACE.index(PLAIN)
    assert all(arch in SPACE for arch in SPACE.architectures[::50])


@pytest.mark.parametrize(
    "arch",
    [
        ";".join(["e1k3l1s0"] * 6),
        ";".join(["e2k3l1s0"] + ["e1k3l1s0"] * 6),
        ";".join(["e1k3l4s0"] + ["e1k3l1s0"] * 6),  # only the sixth stage has four layers
        ";".join(["e1k7l1s0"] + ["e1k3l1s0"] * 6),
        PLAIN + ";",
    ],
)
def test_an_unknown_architecture_is_named(arch):
    with pytest.raises(UnknownNameError, match=r"is not an architecture of mnasnet; an example is 'e6k3l1s0;"):
        SPACE.check(arch)


def test_neighbours_change_one_choice():
    # expansion to 2 others, kernel to 1, squeeze-and-excitation to 1, and layers to 2 others, in the sixth stage to 3
    assert len(set(SPACE.neighbours(PLAIN))) == 7 * (2 + 1 + 1 + 2) + 1


def test_the_nearest_trained_networks_are_those_with_the_fewest_differing_choices():
    trained = SPACE.architectures[100]
    assert SPACE.nearest(trained, 1) == [(trained, 0)]
    found = SPACE.nearest(PLAIN, 5)
    distances = [distance for _, distance in found]

    def differing(arch: str) -> int:
        pairs = zip(arch.split(";"), PLAIN.split(";"), strict=True)
        return sum(a != b for stage, other in pairs for a, b in zip(stage[1::2], other[1::2], strict=True))

    assert distances == [differing(arch) for arch, _ in found] == sorted(map(differing, SPACE.architectures))[:5]


def test_what_lists_a_whole_space_is_refused():
    class Problem:
        space, budget = SPACE, Budget()

    with pytest.raises(OptionError, match="search=exhaustive is not possible in mnasnet, which is too large to list"):
        next(Exhaustive().search(Problem()))
