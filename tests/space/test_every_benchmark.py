"""Every registered benchmark passes the same examination, on every data set and task that it has.

A benchmark is examined as soon as it is registered. What it does not have is left out by what it says of itself: the
order of its architectures where it lists none, truth where nothing brings any.
"""

import json
from collections import Counter
from dataclasses import astuple, dataclass, replace
from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from harness.describe import main as describe
from harness.errors import UnknownNameError
from harness.evaluation.evaluation_set import default_truth
from harness.inputs import DATA_SETS, BatchRequest, DataSet, InputKind, draw_batches
from harness.space import BENCHMARKS, Architecture, PublishedModels, SearchSpace
from harness.space.initialise import on_meta
from harness.space.model_space import example_of
from harness.space.own_network import OwnNetwork, weights_of
from harness.space.tracing import trace
from harness.truth import Truth, embedded_tables
from harness.truth.imports import imports_of
from harness.truth.sources import sources_of
from harness.truth.table import PERCENT_DECIMALS

WEIGHTED = nn.Conv2d | nn.ConvTranspose2d | nn.Linear
BATCH = 2

NAMES = list(BENCHMARKS)
PAIRS = [(name, data_set) for name in NAMES for data_set in BENCHMARKS.get(name).data_sets]

# What is known of a benchmark lies in known/<name>.json: `order` and `best`, in the form of the two constants below.
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


@dataclass(frozen=True)
class Best:
    """A published maximum of a truth column, to the digits that were published; `oracle` names the joined table's."""

    bench: str
    data_set: str
    column: str
    value: str
    oracle: str | None

    def __str__(self) -> str:
        return f"{self.bench}-{self.data_set}-{self.column}"


def of_tasks(bench: str, values: str) -> list[Best]:
    tasks = {
        "class_object": "top1",
        "class_scene": "top1",
        "autoencoder": "ssim",
        "normal": "ssim",
        "segmentsemantic": "mIoU",
        "room_layout": "neg_loss",
        "jigsaw": "top1",
    }
    return [
        Best(bench, task, f"valid_{metric}_best", value, f"{task}__valid_{metric}")
        for (task, metric), value in zip(tasks.items(), values.split(), strict=True)
    ]


BEST = [
    # NATS-Bench, arXiv:2009.00437, and NAS-Bench-201, arXiv:2001.00326: the optimum of the tables
    Best("nats_tss", "cifar10", "test200", "94.37", "test200_c10"),
    Best("nats_tss", "cifar100", "test200", "73.51", "test200_c100"),
    Best("nats_tss", "ImageNet16-120", "test200", "47.31", "test200_in16"),
    Best("nats_tss", "cifar10", "val200", "91.61", "val200_c10"),
    Best("nats_tss", "cifar100", "val200", "73.49", "val200_c100"),
    Best("nats_tss", "ImageNet16-120", "val200", "46.73", "val200_in16"),
    # no maximum is published; that of the table, by an independent reading of it
    Best("nats_tss", "ninapro", "test200", "94.3854", None),
    # README.md of this project's own truth
    Best("nats_tss", "digits", "test", "84.6", None),
    # validation maxima of the public table; no published maximum is of these columns
    Best("nats_sss", "cifar10", "val90", "90.71", "val90_c10"),
    Best("nats_sss", "cifar100", "val90", "70.92", "val90_c100"),
    Best("nats_sss", "ImageNet16-120", "val90", "46.73", "val90_in16"),
    # NAS-Bench-101, arXiv:1902.09635
    Best("nasbench101", "cifar10", "test108", "94.32", "test108_mean"),
    # TransNAS-Bench-101, arXiv:2105.11871: the global best of its tables
    *of_tasks("transnas_micro", "46.32 54.94 .577 .596 26.27 -.594 95.37"),
    *of_tasks("transnas_macro", "47.96 57.48 .769 .644 29.66 -.563 97.02"),
    *(Best(name, *best) for name, known in KNOWN.items() for best in known.get("best", ())),
]


def has_truth(name: str) -> bool:
    return bool(sources_of(name) or embedded_tables(name) or imports_of(name))


def skip_what_is_not_imported(name: str, data_set: str, home: Path) -> None:
    for release in imports_of(name):
        if data_set in release.only_source_of and not release.path(home).is_file():
            pytest.skip(f"{name} on {data_set} has truth where somebody imported {release.contents}")


def sampled(space: SearchSpace, n: int, seed: int = 0) -> list[Architecture]:
    rng = Random(seed)
    return [space.random(rng) for _ in range(n)]


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
        for arch in sampled(space, 2, seed=4):
            assert_counts_are_traced(space, arch, data)
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


@pytest.mark.parametrize("best", BEST, ids=str)
def test_the_best_truth_is_the_published_one(best, fetched_home):
    skip_what_is_not_imported(best.bench, best.data_set, fetched_home)
    values = Truth.open(best.bench, fetched_home).values(
        BENCHMARKS.get(best.bench).architectures, best.data_set, best.column
    )
    n_digits = len(best.value.partition(".")[2])
    assert values.max() == pytest.approx(float(best.value), abs=0.5001 * 10**-n_digits)


@pytest.mark.parametrize(("name", "data_set"), PAIRS)
def test_truth_is_there_for_every_architecture_and_a_maximum_is_known(name, data_set, fetched_home):
    if not has_truth(name):
        pytest.skip(f"nothing brings truth of {name}")
    skip_what_is_not_imported(name, data_set, fetched_home)
    space, truth = BENCHMARKS.get(name), Truth.open(name, fetched_home)
    column = default_truth(truth, space, DATA_SETS.get(data_set))
    assert truth.n_known(data_set, column) == len(space.architectures)
    assert (name, data_set, column) in {(best.bench, best.data_set, best.column) for best in BEST}
    described = truth.column(data_set, column)
    assert described.split in ("test", "validation")
    prefix = {"test": "test", "validation": "val"}[described.split]
    assert described.name.startswith(prefix) or described.name == data_set  # a mean over the parts of a data set


@pytest.mark.parametrize("best", [best for best in BEST if best.oracle], ids=str)
def test_truth_follows_the_names_of_the_joined_and_checked_tables(best, fetched_home, truth_oracle):
    with np.load(truth_oracle / f"{best.bench}.npz", allow_pickle=False) as table:
        rows = np.random.default_rng(0).choice(len(table[best.oracle]), 200, replace=False)
        named = table["arch"] if "arch" in table else table["hash_md5"]
        archs = [row.tobytes().hex() if "hash_md5" in table else row.decode() for row in named[rows]]
        truth, wanted = Truth.open(best.bench, fetched_home), table[best.oracle][rows].astype(np.float64)
        values = truth.values(archs, best.data_set, best.column)
    rounded = np.array_equal(values, values.round(PERCENT_DECIMALS))  # on import
    if rounded and truth.column(best.data_set, best.column).unit == "%":
        spacing = float(np.spacing(np.float32(np.abs(wanted).max())))  # of the oracle, which is float32
        np.testing.assert_allclose(values, wanted, rtol=0, atol=0.5 * 10**-PERCENT_DECIMALS + spacing)
    else:
        np.testing.assert_array_equal(values.astype(np.float32), wanted.astype(np.float32))


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
