"""NATS-TSS: the official order, counts that equal the tables, canonical forms, networks."""

import bz2
from random import Random

import numpy as np
import pytest
import torch

from benchmarks.cell_graph import canonicalise, live_edges
from benchmarks.nats_tss.network import AveragePool
from benchmarks.nats_tss.space import AVG_POOL, CONV_1X1, CONV_3X3, EDGES, cell_string
from harness.errors import UnknownNameError
from harness.files import safe_pickle
from harness.inputs import DATA_SETS
from harness.space import BENCHMARKS, Architecture

SPACE = BENCHMARKS.get("nats_tss")
IMAGE_DATA_SETS = {"cifar10": "c10", "cifar100": "c100", "ImageNet16-120": "in16"}
NONE, SKIP = "none", "skip_connect"
POOLING = torch.nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)


def sampled(n: int, seed: int = 0) -> list[Architecture]:
    return Random(seed).sample(list(SPACE.architectures), n)


def test_the_first_cells_are_the_official_ones():
    assert len(SPACE.architectures) == len(set(SPACE.architectures)) == 15_625
    assert SPACE.architectures[0] == (
        "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"
    )
    assert SPACE.architectures[11] == (
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|none~0|nor_conv_3x3~1|avg_pool_3x3~2|"
    )


def test_the_order_is_that_of_the_tables(truth_oracle):
    table = np.load(truth_oracle / "nats_tss.npz", allow_pickle=False)
    assert [arch.decode() for arch in table["arch"]] == list(SPACE.architectures)


@pytest.mark.parametrize("name", IMAGE_DATA_SETS)
def test_params_equal_the_table_for_every_cell(name, truth_oracle):
    table = np.load(truth_oracle / "nats_tss.npz", allow_pickle=False)[f"params_{IMAGE_DATA_SETS[name]}"]
    data_set = DATA_SETS.get(name)
    assert [SPACE.params(arch, data_set) for arch in SPACE.architectures] == table.tolist()


@pytest.mark.parametrize("index", [0, 11, 284])
def test_flops_equal_those_of_the_official_files(index, official):
    path = official / "NATS-tss-v1_0-3ffb9-simple" / f"{index:06d}.pickle.pbz2"
    record = safe_pickle.load(bz2.decompress(path.read_bytes()))["200"]
    names = {"cifar10-valid": "cifar10", "ImageNet16-120": "ImageNet16-120", "cifar100": "cifar100"}
    seen = 0
    for (data_set, _seed), result in record["all_results"].items():
        if data_set in names:
            ours = SPACE.flops(SPACE.architectures[index], DATA_SETS.get(names[data_set]))
            assert ours / 1e6 == pytest.approx(float(result["flop"]), abs=1e-9)
            seen += 1
    assert seen >= 3


def test_there_are_5425_canonical_classes_and_the_first_member_names_each():
    forms = [SPACE.canonical(arch) for arch in SPACE.architectures]
    assert len(set(forms)) == 5_425
    position = {arch: index for index, arch in enumerate(SPACE.architectures)}
    assert all(position[form] <= index for index, form in enumerate(forms))
    assert all(SPACE.canonical(form) == form for form in set(forms))


def test_the_literatures_6466_strings_are_not_the_functions():
    """NAS-Bench-201's unique string keeps zero terms in sums and writes a shared operation twice.

    It is not used for both reasons: a + 0 and a are one function with two strings, and conv(x) read twice (one
    operation, one set of weights) has the string of two operations with weights of their own, which are two functions.
    """

    def unique_string(arch: Architecture) -> str:
        cell = dict(zip(EDGES, SPACE.cell(arch), strict=True))
        nodes = ["0"]
        for target in (1, 2, 3):
            terms = []
            for source in range(target):
                operation, value = cell[source, target], nodes[source]
                if operation == NONE or value == "#":
                    terms.append("#")
                else:
                    terms.append(value if operation == SKIP else f"({value})@{operation}")
            nodes.append("+".join(sorted(terms)))
        return nodes[3]

    assert len({unique_string(arch) for arch in SPACE.architectures}) == 6_466
    # node 1 = conv(x), read by node 3 directly and through node 2: one convolution ...
    shared = cell_string((CONV_1X1, NONE, SKIP, NONE, SKIP, SKIP))
    # ... and node 1 = conv(x), node 2 = conv'(x): two.
    separate = cell_string((CONV_1X1, CONV_1X1, NONE, NONE, SKIP, SKIP))
    assert sorted(unique_string(shared).replace("#+", "").split("+")) == sorted(
        unique_string(separate).replace("#+", "").split("+")
    )
    assert SPACE.canonical(shared) != SPACE.canonical(separate)


def test_equal_poolings_of_one_tensor_stay_two_operations():
    once = cell_string((AVG_POOL, NONE, SKIP, NONE, SKIP, SKIP))
    twice = cell_string((AVG_POOL, AVG_POOL, NONE, NONE, SKIP, SKIP))
    assert SPACE.canonical(once) != SPACE.canonical(twice)


@pytest.mark.parametrize(
    ("cell", "live"),
    [
        ((NONE,) * 6, set()),
        # 0 -> 1 and 0 -> 2 lead nowhere
        ((CONV_3X3, CONV_3X3, NONE, SKIP, NONE, NONE), {3}),
        # node 1 has no input, so 1 -> 2 and 1 -> 3 carry nothing
        ((NONE, CONV_1X1, CONV_3X3, NONE, CONV_3X3, SKIP), {1, 5}),
        ((CONV_3X3,) * 6, {0, 1, 2, 3, 4, 5}),
    ],
)
def test_live_edges_by_hand(cell, live):
    assert live_edges(cell, EDGES) == live


def test_isomorphic_cells_have_one_form_and_matching_operations():
    # conv3x3 then conv1x1, once through node 1 and once through node 2
    first, second = (CONV_3X3, NONE, NONE, NONE, CONV_1X1, NONE), (NONE, CONV_3X3, NONE, NONE, NONE, CONV_1X1)
    one, two = canonicalise(first, EDGES), canonicalise(second, EDGES)
    assert one.key == two.key
    assert [first[edge] for edge in one.operations] == [second[edge] for edge in two.operations]


def pairs_of_equal_cells(n: int) -> list[tuple[Architecture, Architecture]]:
    others = [arch for arch in sampled(2_000, seed=3) if SPACE.canonical(arch) != arch]
    return [(arch, SPACE.canonical(arch)) for arch in others[:n]]


@pytest.mark.parametrize(("arch", "form"), pairs_of_equal_cells(12))
def test_canonical_equal_networks_share_live_weights_and_give_equal_outputs(arch, form):
    data_set = DATA_SETS.get("digits")
    images = torch.randn(4, *data_set.shape, generator=torch.Generator().manual_seed(0)).double()
    outputs = [
        SPACE.network(one, data_set, execute=execute, seed=7).double()(images)
        for one, execute in ((arch, "live"), (arch, "all"), (form, "live"))
    ]
    torch.testing.assert_close(outputs[0], outputs[1], rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(outputs[0], outputs[2], rtol=1e-9, atol=1e-9)


def test_weights_depend_on_seed_and_form_alone():
    data_set = DATA_SETS.get("digits")
    arch = SPACE.architectures[11]
    torch.manual_seed(1)
    first = SPACE.network(arch, data_set, seed=0).state_dict()
    torch.manual_seed(2)
    before = torch.get_rng_state()
    again = SPACE.network(arch, data_set, seed=0).state_dict()
    other = SPACE.network(arch, data_set, seed=1).state_dict()
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["stem.0.weight"], other["stem.0.weight"])
    kernels = [value for name, value in first.items() if name.endswith("conv.weight") and value.shape == (8, 8, 3, 3)]
    assert len({kernel.sum().item() for kernel in kernels}) == len(kernels)


def test_weights_are_those_of_the_first_version():
    """Scores in stores and published tables rest on these draws; a change of them needs a new version of the space."""
    weights = SPACE.network(SPACE.architectures[11], DATA_SETS.get("digits"), seed=0).state_dict()
    pinned = {
        "stem.0.weight": (-0.143408462, 0.0470280647),
        "blocks.0.edges.0.conv.weight": (-0.0068754293, 0.0358678252),
        "blocks.1.first.conv.weight": (-0.0358846411, 0.027532611),
        "blocks.1.shortcut.1.weight": (-0.283630043, -0.035558369),
        "classifier.bias": (-0.147068426, 0.0542411394),
    }
    for name, values in pinned.items():
        assert weights[name].flatten()[:2].tolist() == pytest.approx(values, rel=1e-6)


def test_the_default_initialisation_has_pytorchs_moments():
    # U(-b, b) with b = 1/sqrt(fan_in) has the standard deviation b/sqrt(3); the classifier reads 64 features.
    network = SPACE.network(SPACE.architectures[1], DATA_SETS.get("cifar100"))
    weight = network.classifier.weight
    assert weight.abs().max() <= 1 / 8
    assert weight.std().item() == pytest.approx(1 / 8 / 3**0.5, rel=0.03)
    assert network.classifier.bias.abs().max() <= 1 / 8


def pooled(module: torch.nn.Module, features: torch.Tensor, upstream: torch.Tensor) -> list[torch.Tensor]:
    """What a pooling gives, its gradient, and the gradient of half the gradient's square."""
    leaf, upstream = features.clone().requires_grad_(), upstream.clone().requires_grad_()
    output = module(leaf)
    (gradient,) = torch.autograd.grad(output, leaf, upstream, create_graph=True)
    (again,) = torch.autograd.grad(gradient, upstream, gradient.detach())
    return [output.detach(), gradient.detach(), again]


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # torch's own, at the first look at jvp
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize(("channels", "size"), [(16, 32), (64, 4), (3, 7), (8, 2), (1, 1)])
def test_pooling_has_the_bits_of_pytorchs(channels, size, layout):
    generator = torch.Generator().manual_seed(size)
    images, upstream = (torch.randn(5, channels, size, size, generator=generator) for _ in range(2))
    images = images.contiguous(memory_format=layout)
    for found, wanted in zip(pooled(AveragePool(), images, upstream), pooled(POOLING, images, upstream), strict=True):
        assert torch.equal(found, wanted)
    each = torch.func.vmap(AveragePool())(images[:, None])[:, 0]
    assert torch.equal(each, POOLING(images))
    value, slope = torch.func.jvp(AveragePool(), (images,), (upstream,))
    assert torch.equal(value, POOLING(images))
    assert torch.equal(slope, POOLING(upstream))


def test_pooling_in_bfloat16_is_rounded_twice():
    images, upstream = torch.rand(2, 2, 3, 7, 7).bfloat16()
    exact = pooled(POOLING, images.double(), upstream.double())
    for found, wanted in zip(pooled(AveragePool(), images, upstream)[:2], exact, strict=False):
        assert found.dtype is torch.bfloat16
        torch.testing.assert_close(found.double(), wanted, rtol=2**-7, atol=0)


def test_a_cell_without_a_live_path_gives_a_constant():
    data_set = DATA_SETS.get("cifar10")
    network = SPACE.network(cell_string((NONE,) * 6), data_set)
    outputs = network(torch.randn(3, *data_set.shape))
    torch.testing.assert_close(outputs, network.classifier.bias.expand(3, -1))
    assert SPACE.params(cell_string((NONE,) * 6), data_set, live=True) == 0


def test_a_neighbour_has_another_operation_on_one_edge():
    for arch in sampled(5, seed=4):
        found = SPACE.neighbours(arch)
        assert len(set(found)) == 24  # 6 edges, 4 other operations each
        for other in found:
            assert sum(a != b for a, b in zip(SPACE.cell(arch), SPACE.cell(other), strict=True)) == 1


def test_an_unknown_architecture_is_named():
    with pytest.raises(UnknownNameError, match=r"'\|conv~0\|' is not an architecture of nats_tss; an example is"):
        SPACE.network(Architecture("|conv~0|"), DATA_SETS.get("digits"))
