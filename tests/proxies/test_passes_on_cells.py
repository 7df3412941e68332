"""Passes of their own on NATS-Bench cells: exact, and with a reason where there is no value."""

import math
from dataclasses import fields, replace

import pytest
import torch
from torch import Tensor, nn

from harness.evidence import PerImageGradients, PrivateNetwork, TangentKernel, per_image
from harness.evidence.base import ScoringContext, Subject
from harness.evidence.patterns import n_regions, n_unit_patterns
from harness.evidence.private import hooked
from harness.inputs import DATA_SETS, Batch
from harness.protocol import Mode, Precision, Protocol
from harness.proxy import PROXIES, Proxy
from harness.scoring.engine import score
from harness.space import BENCHMARKS, Architecture, Execute
from harness.space.initialise import Initialisation
from harness.store import OK, UNDEFINED
from proxies.meco import MeCo
from proxies.ntk_cond import NtkCondition
from proxies.zen import Zen

# On the benchmark's own networks.

SPACE = BENCHMARKS.get("nats_tss")
SMALL = replace(DATA_SETS.get("cifar10"), shape=(3, 8, 8))
ALL_NONE = Architecture("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|")
DEAD_CONVOLUTIONS = Architecture("|nor_conv_3x3~0|+|nor_conv_1x1~0|none~1|+|skip_connect~0|none~1|none~2|")
CONVOLUTIONS = Architecture("|nor_conv_3x3~0|+|nor_conv_1x1~0|nor_conv_3x3~1|+|skip_connect~0|none~1|nor_conv_1x1~2|")
OWN_PASSES = ("zen", "az_nas", "meco", "meco_opt", "swap", "ntk_cond", "linear_regions", "te_nas", "gradsign")
OWN_PASSES += ("gradsign_mean", "knas", "knas_sampled")


def on_cells(*images: Tensor, dtype: Precision = Precision.fp64, mode: Mode = Mode.train) -> ScoringContext:
    batches = tuple(Batch(batch, torch.arange(len(batch)) % 10) for batch in images)
    return ScoringContext(SPACE, SMALL, Protocol(dtype=dtype, mode=mode), 0, batches, torch.device("cpu"))


def some_images(n: int, size: int = 8) -> Tensor:
    return torch.randn(n, 3, size, size, generator=torch.Generator().manual_seed(0))


def few(name: str) -> Proxy:
    proxy = PROXIES.get(name)
    small = {"n_images": 4, "n_images_tangent": 4, "n_images_regions": 4, "n_repeats": 2, "n_batches": 4}
    small |= {"size": 16} if name.startswith("meco") else {}
    options = [field.name for field in fields(proxy)]
    return proxy(**{option: small[option] for option in options if option in small})


@pytest.mark.parametrize("arch", [CONVOLUTIONS, DEAD_CONVOLUTIONS])
@pytest.mark.parametrize("mode", list(Mode))
def test_gradients_of_a_batch_are_those_of_one_backward_pass_for_each_image(mode: Mode, arch: Architecture) -> None:
    # 33 images: more than one micro-batch.
    made = on_cells(some_images(33), mode=mode)
    (batch,) = made.batches
    subject = Subject(made, arch, "all")
    (found,) = PerImageGradients.collect_all(subject, [PerImageGradients])
    network = subject.build(init=made.protocol.init, seed=0)
    layers = {name: module for name, module in network.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)}
    alone = []
    for image, target in zip(batch.images.double().split(1), batch.targets.split(1), strict=True):
        loss = SMALL.loss(network(image), target)
        weights = [layer.weight for layer in layers.values()]
        alone.append(torch.autograd.grad(loss, weights, materialize_grads=True))
    assert found.n_images == 33
    each = zip(layers, zip(*alone, strict=True), strict=True)
    of_layers = {name: torch.stack(gradients).flatten(1) for name, gradients in each}
    live = {name: gradients for name, gradients in of_layers.items() if gradients.any()}
    assert found.layers.keys() == live.keys()
    assert (live.keys() == layers.keys()) == (arch == CONVOLUTIONS)  # all of whose layers are live
    for name, one_by_one in live.items():
        together = found.layers[name]
        difference = together.gradients - one_by_one.sum(dim=0)
        assert difference.norm() <= 1e-9 * one_by_one.norm(), name
        # Of gradients that are rounding's, so are the signs: none of these cells has many.
        assert (together.signs != one_by_one.sign().sum(dim=0)).double().mean() < 1e-3, name


@pytest.mark.parametrize("train_mode", [False, True])
@pytest.mark.parametrize(("arch", "execute"), [(CONVOLUTIONS, "live"), (DEAD_CONVOLUTIONS, "all")])
def test_the_tangent_kernel_is_that_of_one_backward_pass_for_each_image(
    arch: Architecture, execute: Execute, train_mode: bool
) -> None:
    made = on_cells(some_images(5))
    subject = Subject(made, arch, execute)
    network = subject.build(init=made.protocol.init, seed=0).train(train_mode)
    weights = [parameter for name, parameter in network.named_parameters() if name.endswith("weight")]
    outputs = network(made.batches[0].images.double())
    rows = [torch.autograd.grad(output.sum(), weights, retain_graph=True, materialize_grads=True) for output in outputs]
    gradients = torch.stack([torch.cat([piece.flatten() for piece in row]) for row in rows])
    found = TangentKernel(subject).kernel(5, train_mode=train_mode)
    assert torch.allclose(found, gradients @ gradients.T, rtol=1e-9)


def test_large_layers_are_taken_in_blocks_with_the_same_result(monkeypatch: pytest.MonkeyPatch) -> None:
    made = on_cells(some_images(5))
    subject = Subject(made, CONVOLUTIONS, "live")
    whole = TangentKernel(subject).kernel(5)
    monkeypatch.setattr(per_image, "_MOST_ENTRIES", 1_000)
    assert torch.allclose(TangentKernel(subject).kernel(5), whole, rtol=1e-12)


@pytest.mark.parametrize(
    ("arch", "execute", "dtype"),
    [
        (ALL_NONE, "live", Precision.bf16),
        (ALL_NONE, "all", Precision.fp32),
        (CONVOLUTIONS, "live", Precision.fp32),
        (CONVOLUTIONS, "all", Precision.bf16),
    ],
)
def test_dead_cells_equal_images_and_any_arithmetic_give_a_number(
    arch: Architecture, execute: Execute, dtype: Precision
) -> None:
    equal = some_images(1).expand(5, -1, -1, -1).clone()
    found = score(on_cells(equal, equal, dtype=dtype), arch, execute, {name: few(name) for name in OWN_PASSES})
    assert {name: (row.status, row.reason) for name, row in found.items()} == dict.fromkeys(OWN_PASSES, (OK, ""))
    assert all(-math.inf <= number <= math.inf for row in found.values() for number in row.components.values())
    if arch == ALL_NONE:
        assert found["ntk_cond"].components["ntk_cond"] == -math.inf
        assert found["zen"].components["zen"] == -math.inf
        assert found["gradsign"].components["gradsign"] == 0


def test_normalisation_of_single_pixels_is_undefined_where_an_image_is_a_batch() -> None:
    made = replace(on_cells(some_images(6, 4)), data_set=replace(SMALL, shape=(3, 4, 4)))  # 4, 2 and 1 pixels a side
    found = score(made, CONVOLUTIONS, "live", {name: few(name) for name in OWN_PASSES} | {"meco": MeCo(size=4)})
    undefined = {name for name, row in found.items() if row.status != OK}
    assert undefined == {"gradsign", "gradsign_mean", "knas", "knas_sampled", "meco"}
    assert {found[name].status for name in undefined} == {UNDEFINED}
    assert found["gradsign"].reason == "batch normalisation of one image with one pixel has no variance"


def test_networks_of_several_draws_are_those_made_one_by_one() -> None:
    made = on_cells(some_images(5), dtype=Precision.bf16)
    private = PrivateNetwork(Subject(made, CONVOLUTIONS, "all"))
    for draw, network in enumerate(private.networks(3, init=Initialisation.normal)):
        alone = private.network(init=Initialisation.normal, draw=draw).state_dict()
        assert all(torch.equal(tensor, alone[name]) for name, tensor in network.state_dict().items())
        network(private.noise(5))  # leaves running statistics behind


@pytest.mark.parametrize("dtype", [Precision.fp32, Precision.bf16])
@pytest.mark.parametrize("n_images", [1, 3, 16, 17, 40])
def test_patterns_are_counted_as_rows_and_columns_of_one_table(n_images: int, dtype: Precision) -> None:
    private = PrivateNetwork(Subject(on_cells(some_images(2), dtype=dtype), CONVOLUTIONS, "all"))
    network, images = private.network(), private.noise(n_images)
    active = []
    with (
        hooked(
            [module for module in network.modules() if isinstance(module, nn.ReLU)],
            lambda _, __, output: active.append((output > 0).flatten(1)),
        ),
        torch.no_grad(),
    ):
        network(images)
    table = torch.cat(active, dim=1)
    assert n_unit_patterns(network, images) == len(table.unique(dim=1).T)
    assert n_regions(network, images) == len(table.unique(dim=0))
    twice = images[[0, *range(n_images)]]
    assert n_regions(network.eval(), twice) == n_regions(network, images)


def test_own_passes_change_neither_the_shared_network_nor_the_generators() -> None:
    made = on_cells(some_images(5), some_images(5))
    subject = Subject(made, CONVOLUTIONS, "all")
    before = {name: tensor.clone() for name, tensor in subject.network.state_dict().items()}
    state = torch.get_rng_state()
    for kind in {kind for name in OWN_PASSES for kind in PROXIES.get(name).evidence().values()}:
        (evidence,) = kind.collect_all(subject, [kind])
        for name in OWN_PASSES:
            if list(PROXIES.get(name).evidence().values()) == [kind]:
                few(name).measure(evidence)
    assert all(torch.equal(tensor, before[name]) for name, tensor in subject.network.state_dict().items())
    assert not any(module._forward_hooks for module in subject.network.modules())
    assert torch.equal(torch.get_rng_state(), state)


def test_what_needs_vectors_or_pooling_says_so_where_outputs_are_images() -> None:
    task = replace(DATA_SETS.get("segmentsemantic"), shape=(3, 32, 32))
    images = Batch(some_images(2, 32), torch.zeros(2, 32, 32, dtype=torch.int64))
    space = BENCHMARKS.get("transnas_micro")
    made = ScoringContext(space, task, Protocol(), 0, (images,), torch.device("cpu"))
    found = score(made, Architecture("64-41414-1_11_111"), "live", {"zen": Zen(n_images=2), "ntk_cond": NtkCondition()})
    assert {row.status for row in found.values()} == {UNDEFINED}
    assert found["ntk_cond"].reason.startswith("the sum of the outputs is that of an image")
