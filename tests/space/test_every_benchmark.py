"""Every registered benchmark passes the same examination, on every data set and task that it has.

A benchmark is examined as soon as it is registered. What it does not have is left out by what it says of itself: the
order of its architectures where it lists none, truth where nothing brings any.
"""

import json
from collections import Counter
from dataclasses import astuple, replace
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from harness.describe import main as describe
from harness.errors import MissingDataError, UnknownNameError
from harness.inputs import DATA_SETS, BatchRequest, DataSet, InputKind, draw_batches
from harness.space import BENCHMARKS, Architecture, PublishedModels, SearchSpace
from harness.space.initialise import on_meta
from harness.space.model_space import example_of
from harness.space.own_network import OwnNetwork, weights_of
from harness.space.tracing import trace

WEIGHTED = nn.Conv2d | nn.ConvTranspose2d | nn.Linear
BATCH = 2

NAMES = list(BENCHMARKS)
PAIRS = [(name, data_set) for name in NAMES for data_set in BENCHMARKS.get(name).data_sets]

# What is known of a benchmark lies in known/<name>.json: `order`, in the form of the constant below, and `best`.
KNOWN = {path.stem: json.loads(path.read_text()) for path in (Path(__file__).parent / "known").glob("*.json")}

# Number of architectures, the first and the last one, as the official tables have them.
ORDER = {
    "nats_tss": (
        15_625,
        "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|",
        "|nor_conv_1x1~0|+|none~0|nor_conv_1x1~1|+|none~0|nor_conv_1x1~1|nor_conv_1x1~2|",
    ),
    "nats_sss": (32_768, "8:8:8:8:8", "64:64:64:64:64"),
    "nasbench101": (423_624, "00005c142e6f48ac74fdcf73e3439874", "ffff76fafa7b0cdf545fd7feee9c8bf9"),
    "transnas_micro": (4_096, "64-41414-0_00_000", "64-41414-3_33_333"),
    "transnas_macro": (3_256, "64-4111-basic", "64-113444-basic"),
    **{name: tuple(known["order"]) for name, known in KNOWN.items() if "order" in known},
}


def sampled(space: SearchSpace, n: int, seed: int = 0) -> list[Architecture]:
    rng = Random(seed)
    return [space.random(rng) for _ in range(n)]


def require_networks(space: SearchSpace, archs: list[Architecture]) -> None:
    """Skip a test where the library that the networks come from is not here."""
    try:
        space.require_networks(archs)
    except MissingDataError as error:
        pytest.skip(str(error))


def of_own_size(space: SearchSpace, arch: Architecture, data: DataSet) -> DataSet:
    """The data set as the network of an architecture takes it."""
    shape = space.input_shape(arch, data)
    return data if shape == data.shape else replace(data, shape=shape)


@pytest.fixture(params=NAMES)
def space(request: pytest.FixtureRequest) -> SearchSpace:
    return BENCHMARKS.get(request.param)


def test_every_list_of_architectures_is_stable_complete_and_in_the_known_order(space):
    if not space.enumerable:
        pytest.skip(f"{space.name} lists no architectures")
    first, again = list(space.architectures), list(type(space)().architectures)
    assert first == again
    assert len(set(first)) == len(first)
    assert (len(first), first[0], first[-1]) == ORDER[space.name]


def test_names_round_trip(space):
    for arch in sampled(space, 20):
        assert arch in space
        assert space.check(str(arch)) == arch
        assert not any(other in space for other in (f"{arch}x", f"x{arch}", ""))
        number = space.number(arch)
        assert number is not None or not space.complete
        assert number is None or space.architectures[number] == arch
    with pytest.raises(UnknownNameError, match=rf"'no such' is not an architecture of {space.name}"):
        space.check("no such")


def test_a_canonical_form_is_of_the_space_its_own_form_and_has_the_same_live_layers(space):
    data_set = DATA_SETS.get(space.data_sets[0])
    archs = sampled(space, 30, seed=1)
    for arch, form in zip(archs, space.canonical_forms(archs), strict=True):
        assert form in space
        assert space.canonical(arch) == form
        assert space.canonical(form) == form
        assert not space.complete or space.index(form) <= space.index(arch)
        assert space.params(form, data_set, live=True) == space.params(arch, data_set, live=True)
        assert space.flops(form, data_set, live=True) == space.flops(arch, data_set, live=True)


@pytest.mark.long
def test_mutations_are_neighbours_and_neighbours_are_symmetric(space):
    rng = Random(2)
    walk = [space.random(rng)]
    for _ in range(6):
        walk.append(space.mutate(walk[-1], rng))
    for arch, following in pairwise(walk):
        found = space.neighbours(arch)
        assert following != arch
        assert following in space
        assert following in found or not space.enumerable  # where architectures are many, a mutation may be two steps
        assert arch not in found
        assert len(set(found)) == len(found)
        assert all(neighbour in space for neighbour in found)
    for arch in sampled(space, 3, seed=3):
        for neighbour in rng.sample(space.neighbours(arch), 6 if space.enumerable else 0):
            assert arch in space.neighbours(neighbour)
    assert [space.mutate(walk[0], Random(5)) for _ in range(2)] == [space.mutate(walk[0], Random(5))] * 2
    assert len({space.random(rng) for _ in range(20)}) > 1


def assert_counts_are_traced(space: PublishedModels, arch: Architecture, data: DataSet) -> None:
    """Of networks of any kind: row by row what a forward pass and its graph show, and torch's own count of FLOPs."""

    def rows(layers):
        return Counter(astuple(replace(layer, repeats=1)) for layer in layers for _ in range(layer.repeats))

    network = space.network(arch, data)
    found = trace(network, example_of(data))
    assert rows(found.layers) == rows(space.layers(arch, data))
    assert found.depth == space.depth(arch, data)
    assert sum(parameter.numel() for parameter in network.parameters()) == space.params(arch, data)
    with FlopCounterMode(display=False) as counter:
        network(example_of(data))
    assert counter.get_total_flops() == 2 * space.flops(arch, data)


@pytest.mark.long
@pytest.mark.parametrize(("name", "data_set"), PAIRS)
def test_params_and_flops_equal_a_count_on_the_official_network(name, data_set):
    """By hooks on a network without memory: per output a convolution multiplies once for each weight of a filter."""
    space, data = BENCHMARKS.get(name), DATA_SETS.get(data_set)
    if isinstance(space, PublishedModels):
        archs = sampled(space, 2, seed=4)
        require_networks(space, archs)
        for arch in archs:
            assert_counts_are_traced(space, arch, of_own_size(space, arch, data))
        return
    for arch in sampled(space, 2, seed=4):
        with on_meta():
            network = space.assemble(arch, data, "all")
        flops = []

        def count(module, inputs, output, flops=flops):
            each = inputs[0] if isinstance(module, nn.ConvTranspose2d) else output
            bias = output[0].numel() if isinstance(module, nn.Linear) else 0
            flops.append(each[0].numel() * module.weight[0].numel() + bias)

        modules = [module for module in network.modules() if isinstance(module, WEIGHTED)]
        for module in modules:
            module.register_forward_hook(count)
        network(torch.zeros(BATCH, *data.shape, device="meta"))
        assert sum(flops) == space.flops(arch, data)
        assert sum(parameter.numel() for parameter in network.parameters()) == space.params(arch, data)
        counted = sorted(layer.n_weights for layer in space.layers(arch, data) for _ in range(layer.repeats))
        assert counted == sorted(module.weight.numel() for module in modules)


@pytest.mark.parametrize(("name", "data_set"), PAIRS)
def test_a_network_has_the_tasks_shape_a_finite_loss_and_a_finite_gradient_at_every_live_weight(name, data_set):
    space, data = BENCHMARKS.get(name), DATA_SETS.get(data_set)
    connected = [arch for arch in sampled(space, 20, seed=5) if space.params(arch, data, live=True)]
    arch = min(connected, key=lambda arch: space.flops(arch, data))  # the quickest of them
    require_networks(space, [arch])
    data = of_own_size(space, arch, data)
    (batch,) = draw_batches(data, BatchRequest(InputKind.noise, n_batches=1, batch_size=BATCH))
    network = space.network(arch, data)
    assert sum(parameter.numel() for parameter in network.parameters()) == space.params(arch, data)
    outputs = network(batch.images)
    is_dense = batch.targets.dim() > 2  # [batch, height, width] or [batch, channels, height, width]
    if data.has_indices:  # a state, or logits, at each position
        assert outputs.shape[:-1] == (BATCH, *data.shape)
    else:
        assert outputs.shape == (BATCH, data.n_classes, *(data.shape[1:] if is_dense else ()))
    loss = data.loss(outputs, batch.targets)
    assert loss.shape == ()
    assert torch.isfinite(loss)
    weights = [module.weight for module in network.modules() if isinstance(module, WEIGHTED)]
    if isinstance(network, OwnNetwork):
        weights = list(weights_of(network).values())
    gradients = torch.autograd.grad(loss, weights, allow_unused=True)
    live = [gradient for gradient in gradients if gradient is not None]
    assert all(torch.isfinite(gradient).all() for gradient in live)
    expected = sum(layer.n_weights * layer.repeats for layer in space.layers(arch, data) if layer.live)
    assert sum(gradient.numel() for gradient in live) == expected


def test_an_architecture_is_described_and_drawn(space, tmp_path: Path, capsys):
    (arch,) = sampled(space, 1, seed=6)
    out = tmp_path / "picture.png"
    assert describe([space.name, arch, "--out", str(out)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(arch)
    assert lines[-1] == str(out)
    for data_set in space.data_sets:
        params = space.params(arch, DATA_SETS.get(data_set))
        assert any(line.startswith(f"{data_set}: {params:,} params") for line in lines)
    assert out.read_bytes().startswith(b"\x89PNG")
