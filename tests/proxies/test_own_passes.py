"""Proxies with passes of their own, worked out by hand on networks small enough for it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn
from toy_networks import ToyDataSet, ToySpace, pixels

from harness.engine import score
from harness.errors import OptionError
from harness.evidence import CellFeatures, ChannelCorrelations, PerImageGradients, TangentKernel, per_image
from harness.evidence.base import Setting, Subject
from harness.evidence.cells import CellStatistics
from harness.evidence.channels import OutputCorrelation, correlations
from harness.evidence.patterns import n_distinct
from harness.evidence.per_image import GradientSums
from harness.inputs import DATA_SETS, Batch, DataSet
from harness.protocol import Mode, Precision, Protocol
from harness.proxy import PROXIES, Proxy
from harness.space import BENCHMARKS, Architecture, ConcatenatingCell, Execute, Layer
from harness.store import OK, UNDEFINED, Score
from proxies.az_expressivity import AzExpressivity
from proxies.az_nas import AzNas
from proxies.az_progressivity import AzProgressivity
from proxies.az_trainability import AzTrainability
from proxies.gradsign import GradSign
from proxies.gradsign_mean import GradSignMean
from proxies.knas import Knas
from proxies.knas_sampled import KnasSampled
from proxies.linear_regions import LinearRegions
from proxies.meco import MeCo
from proxies.meco_opt import MeCoOpt
from proxies.ntk_cond import NtkCondition
from proxies.swap import Swap
from proxies.te_nas import TeNas
from proxies.zen import Zen


def setting(build: Callable[[], nn.Module], batches: Sequence[Batch], space: ToySpace | None = None) -> Setting:
    shape = tuple(batches[0].images.shape[1:])
    data_set = ToyDataSet("toy", 2, shape, (0.0,), (1.0,), licence="", how_to_get="")  # type: ignore[arg-type]
    protocol = Protocol(dtype=Precision.fp64)
    return Setting(space or ToySpace(build), data_set, protocol, 0, tuple(batches), torch.device("cpu"))


def scored(proxy: Proxy, build: Callable[[], nn.Module], *batches: Batch, space: ToySpace | None = None) -> Score:
    return score(setting(build, batches, space), ToySpace.only, "live", {"it": proxy})["it"]


def value(proxy: Proxy, build: Callable[[], nn.Module], *batches: Batch) -> float:
    found = scored(proxy, build, *batches)
    assert (found.status, found.reason) == (OK, "")
    return found.components["it"]


class Logits(nn.Module):
    """logits = (v x, 0) for images of one pixel."""

    def __init__(self, v: float) -> None:
        super().__init__()
        self.classifier = nn.Linear(1, 2, bias=False)
        with torch.no_grad():
            self.classifier.weight.copy_(torch.tensor([[v], [0.0]]))

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.classifier(images.flatten(1))
        return logits


class DenseSpace(ToySpace):
    """Two DenseNet-type cells, and a layer of two thousand parameters."""

    def layers(self, arch: Architecture, data_set: DataSet) -> Sequence[Layer]:
        return (Layer(n_weights=1_500, n_params=2_000, flops=0, live=True),)

    def concatenating_cells(self, arch: Architecture, data_set: DataSet) -> Sequence[ConcatenatingCell]:
        # 4 channels, 3 layers, and 24 links by concatenation: 4 + 24 / 12 = 6; 2 channels, 5 layers, none: 2.
        return (ConcatenatingCell(4, 3, 24), ConcatenatingCell(2, 5, 0))


# Gradients, image by image. With v = 0 both classes have probability 1/2. An image x of class 0 gives the gradients
# (-1/2 x, 1/2 x) of the two weights, one of class 1 gives (1/2 x, -1/2 x).
THREE = Batch(pixels(1, 2, -3), torch.tensor([0, 1, 0]))


def test_gradsign_counts_the_majority_of_signs() -> None:
    # First weight: -1/2, 1, 3/2: signs -, +, +: |1|. Second weight: turned, |-1|.
    assert value(GradSign(), lambda: Logits(0), THREE) == 2
    assert value(GradSignMean(), lambda: Logits(0), THREE) == 1


def test_gradsign_by_mean_divides_by_dead_weights_too() -> None:
    gradients = PerImageGradients(n_weights=10)
    gradients.layers = {"live": GradientSums(torch.zeros(2), torch.tensor([3.0, -2.0]))}
    assert GradSign().measure(gradients) == 5
    assert GradSignMean().measure(gradients) == 0.5


def test_knas_is_the_squared_norm_of_the_mean_gradient() -> None:
    # Means (-1/2 + 1 + 3/2) / 3 = 2/3 and -2/3: 8/9; one layer.
    assert value(Knas(), lambda: Logits(0), THREE) == pytest.approx(8 / 9)


def test_knas_is_the_mean_over_layers() -> None:
    gradients = PerImageGradients(n_weights=3)
    gradients.n_images = 2
    gradients.layers = {
        "one": GradientSums(torch.tensor([2.0, 4.0]), torch.zeros(2)),  # mean (1, 2): 5
        "other": GradientSums(torch.tensor([6.0]), torch.zeros(1)),  # mean 3: 9
    }
    assert Knas().measure(gradients) == 7
    gradients.layers = {}
    assert Knas().measure(gradients) == 0


class Wide(nn.Module):
    """logits = (0, sum of 50 weights, all 0, times the pixel)."""

    def __init__(self) -> None:
        super().__init__()
        self.few = nn.Parameter(torch.zeros(2))
        self.weights = nn.Parameter(torch.zeros(50))

    def forward(self, images: Tensor) -> Tensor:
        reading = images.flatten(1) * self.weights.sum() + self.few.sum()
        return torch.cat([torch.zeros_like(reading), reading], dim=1)


def test_knas_sampled_is_the_covariance_of_the_first_gradients_with_the_last() -> None:
    # Class 0: each of the 50 gradients is x / 2. In four mini-batches of one image x = 0, 2, 4, 8: gradients 0, 1 and
    # 2, 4; centred -1/2, 1/2 and -1, 1; product 1. Fifty weights, over 2,500. The parameter of two entries is left out.
    images = Batch(pixels(0, 2, 4, 8), torch.zeros(4, dtype=torch.int64))
    assert value(KnasSampled(n_batches=4), Wide, images) == pytest.approx(50 / 2500)
    found = scored(KnasSampled(), Wide, images)
    assert (found.status, found.reason) == (UNDEFINED, "50 batches need as many images; the protocol has 4")


class TwoFeatures(nn.Module):
    """output = (w . x, w . x) for images of two pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, (1, 2), bias=False)

    def forward(self, images: Tensor) -> Tensor:
        output: Tensor = self.conv(images).flatten(1)
        return output


def pairs(*images: tuple[float, float]) -> Tensor:
    return torch.tensor(images, dtype=torch.float64).reshape(-1, 1, 1, 2)


def test_ntk_condition_of_two_images() -> None:
    # The summed outputs have the gradients (x, x), so the kernel is 2 X X^T. For (1, 0) and (1, 1): [[2, 2], [2, 4]],
    # eigenvalues 3 +- sqrt 5.
    batch = Batch(pairs((1, 0), (1, 1)), torch.tensor([0, 1]))
    expected = -(3 + math.sqrt(5)) / (3 - math.sqrt(5))
    assert value(NtkCondition(n_images=2), TwoFeatures, batch) == pytest.approx(expected)


def test_ntk_condition_takes_no_more_images_than_asked_for() -> None:
    batch = Batch(pairs((1, 0), (0, 2), (1, 1)), torch.tensor([0, 1, 0]))
    assert value(NtkCondition(n_images=2), TwoFeatures, batch) == pytest.approx(-4)  # [[2, 0], [0, 8]]


def test_ntk_condition_of_a_singular_kernel_is_minus_infinity() -> None:
    twice = Batch(pairs((1, 2), (1, 2)), torch.tensor([0, 1]))
    nothing = Batch(pairs((0, 0), (0, 0)), torch.tensor([0, 1]))
    assert value(NtkCondition(), TwoFeatures, twice) == -math.inf
    assert value(NtkCondition(), TwoFeatures, nothing) == -math.inf


def test_te_nas_adds_ranks() -> None:
    table = pd.DataFrame({"ntk_cond": [-9.0, -2.0, -math.inf, np.nan], "linear_regions": [5.0, 7.0, 7.0, 1.0]})
    # ranks 2, 3, 1 and 2, 3.5, 3.5 (the last row's 1 is lowest)
    assert TeNas().combine(table).tolist()[:3] == [4.0, 6.5, 4.5]
    assert math.isnan(TeNas().combine(table)[3])


# Patterns.


def test_equal_rows_count_once() -> None:
    rows = np.array([[1, 0, 1], [1, 0, 1], [0, 0, 0], [1, 0, 0]], dtype=bool)
    assert n_distinct(rows) == 3
    assert n_distinct(np.repeat(rows, 40, axis=1)) == 3
    assert n_distinct(rows[:0]) == 0


class Copies(nn.Module):
    """A ReLU over the image and one over its negative, for images of two pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.act = nn.ReLU()

    def forward(self, images: Tensor) -> Tensor:
        total: Tensor = self.act(images) + self.act(-images)
        return total.flatten(1)


def test_swap_counts_the_patterns_of_units_over_images() -> None:
    # Units x1, x2, -x1, -x2 over the images (1, 1), (1, -1), (1, 1): 111, 101, 000, 010: four.
    batch = Batch(pairs((1, 1), (1, -1), (1, 1)), torch.tensor([0, 1, 0]))
    assert value(Swap(n_images=3, n_repeats=2), Copies, batch) == 4
    # Over the first image alone: 1, 1, 0, 0: two.
    assert value(Swap(n_images=1, n_repeats=2), Copies, batch) == 2


def test_regularised_swap_prefers_a_size() -> None:
    batch = Batch(pairs((1, 1), (1, -1), (1, 1)), torch.tensor([0, 1, 0]))
    # Two thousand parameters where four are wanted: exp(-(2 - 4)^2 / 8) = exp(-1/2).
    proxy = Swap(n_images=3, n_repeats=1, regularised=True, mu=4, sigma=8)
    found = scored(proxy, Copies, batch, space=DenseSpace(Copies))
    assert found.components["it"] == pytest.approx(4 * math.exp(-0.5))
    with pytest.raises(OptionError, match=r"regularised=True needs mu and sigma"):
        Swap(regularised=True)


def test_linear_regions_of_two_pixels_are_the_quadrants() -> None:
    # The signs of two pixels: 64 N(0,1) images fall into all four quadrants.
    batch = Batch(pairs((1, 1)), torch.tensor([0]))
    assert value(LinearRegions(), Copies, batch) == 4
    assert value(LinearRegions(n_images=1), Copies, batch) == 1


# Zen.


class Scaled(nn.Module):
    """Features s x of each pixel, pooled; a normalisation beside reads 2 x + 1."""

    def __init__(self, scale: float, norm: bool = True) -> None:
        super().__init__()
        self.scale = scale
        self.norm = nn.BatchNorm2d(1) if norm else nn.Identity()
        self.pool = nn.AdaptiveAvgPool2d(1)

    def forward(self, images: Tensor) -> Tensor:
        self.norm(2 * images + 1)
        output: Tensor = self.pool(self.scale * images).flatten(1)
        return output


def test_zen_adds_the_log_response_and_the_log_scale_of_normalisation() -> None:
    # An image of n pixels of N(0,1) answers gamma z with gamma s sum |z|; E |z| = sqrt(2 / pi). The running variance
    # starts at 1 and takes a tenth of 4 var(x) twice: .81 + .19 * 4 = 1.57 with var(x) = 1.
    n_pixels = 4096
    wide = Batch(torch.zeros(1, 1, 64, 64), torch.tensor([0]))
    expected = math.log(0.01 * 3 * n_pixels * math.sqrt(2 / math.pi)) + math.log(1.57) / 2
    assert value(Zen(), lambda: Scaled(3), wide) == pytest.approx(expected, abs=0.01)
    assert value(Zen(n_repeats=3), lambda: Scaled(3), wide) == pytest.approx(expected, abs=0.01)


def test_zen_of_features_that_do_not_respond_is_minus_infinity() -> None:
    assert value(Zen(), lambda: Scaled(0), THREE) == -math.inf


def test_zen_is_undefined_without_normalisation_and_without_pooling() -> None:
    assert scored(Zen(), lambda: Scaled(1, norm=False), THREE).reason == "the network has no batch normalisation"
    found = scored(Zen(), lambda: nn.Sequential(nn.BatchNorm2d(1)), THREE)
    assert found.status == UNDEFINED
    assert found.reason.startswith("the network has no global average pooling")


# MeCo.


def test_correlations_with_a_constant_channel_are_zero() -> None:
    features = torch.tensor([[1.0, 2, 3], [2, 4, 6], [3, 2, 1], [7, 7, 7]])
    one = torch.tensor([[1.0, 1, -1, 0], [1, 1, -1, 0], [-1, -1, 1, 0], [0, 0, 0, 0]])
    assert torch.allclose(correlations(features), one)
    assert torch.equal(correlations(torch.ones(2, 1)), torch.zeros(2, 2))


def channels_of(*outputs: OutputCorrelation) -> ChannelCorrelations:
    channels = ChannelCorrelations(Subject(setting(nn.Identity, [THREE]), Architecture("only"), "all"))
    channels._found[64] = list(outputs)
    return channels


def test_meco_counts_a_tensor_once_for_each_module_that_gave_it() -> None:
    # [[1, r], [r, 1]] has the eigenvalues 1 +- r: least 1/2 for r = 1/2, given by two modules of which one is a leaf,
    # and 1/4 for r = 3/4, handed on by a container alone.
    half = OutputCorrelation(torch.tensor([[1, 0.5], [0.5, 1]]), n_modules=2, n_leaves=1)
    quarter = OutputCorrelation(torch.tensor([[1, 0.75], [0.75, 1]]), n_modules=1, n_leaves=0)
    channels = channels_of(half, quarter)
    assert MeCo().measure(channels) == pytest.approx(2 * 0.5 + 0.25)
    assert MeCo(containers=False).measure(channels) == pytest.approx(0.5)
    # All pairs of equal channels: with one channel drawn the least eigenvalue is 1, times 2 / 1 for each module.
    assert MeCoOpt(n_channels=1).measure(channels) == pytest.approx(6)
    assert MeCoOpt().measure(channels) == pytest.approx(2 * 0.5 + 0.25)  # fewer than eight are taken whole


def test_meco_of_modules_in_modules() -> None:
    # The image passes three identities; the innermost and the two around it give one tensor of one channel: r = 1.
    # The output of the network is it too.
    build = lambda: nn.Sequential(nn.Sequential(nn.Identity()))  # noqa: E731
    assert value(MeCo(), build, THREE) == pytest.approx(3)
    assert value(MeCo(containers=False), build, THREE) == pytest.approx(1)


# AZ-NAS.


def cells_of(entropies: tuple[float, ...], gains: tuple[float, ...]) -> CellFeatures:
    cells = CellFeatures(Subject(setting(nn.Identity, [THREE]), Architecture("only"), "live"))
    cells._statistics[64] = CellStatistics(entropies, gains)
    return cells


def test_the_parts_of_az_nas() -> None:
    cells = cells_of((1.0, 1.5, 1.25), (1.0, 2.0))
    assert AzExpressivity().measure(cells) == 3.75
    assert AzProgressivity().measure(cells) == -0.25
    # 2 - 1 - 1 = 0 and 2 - 2 - 1/2 = -1/2.
    assert AzTrainability().measure(cells) == pytest.approx(-0.25, abs=1e-6)


def test_az_nas_of_constant_features_and_of_identities_is_minus_infinity() -> None:
    constant = cells_of((1.0, math.nan), (0.0,))
    assert AzExpressivity().measure(constant) == -math.inf
    assert AzProgressivity().measure(constant) == -math.inf
    assert AzTrainability().measure(constant) == pytest.approx(2 - 1e6)
    assert AzTrainability().measure(cells_of((1.0, 1.0), (1.0, math.inf))) == -math.inf


def test_az_nas_adds_the_logs_of_ranks() -> None:
    columns = ("expressivity", "progressivity", "trainability", "complexity")
    table = pd.DataFrame([[1.0, 5, -math.inf, 7], [2, 4, 0, 7], [3, 6, 1, 9], [np.nan] * 4], columns=list(columns))
    # ranks of the three: 1 2 1 1.5; 2 1 2 1.5; 3 3 3 3
    expected = [math.log(1 * 2 * 1 * 1.5 / 81), math.log(2 * 1 * 2 * 1.5 / 81), 0]
    assert AzNas().combine(table)[:3].tolist() == pytest.approx(expected)
    assert math.isnan(AzNas().combine(table)[3])


class Chain(nn.Module):
    """Stem, a cell that multiplies by a, and one that hands on what it gets."""

    def __init__(self, a: float) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 2, 1, bias=False)
        self.scale = nn.Conv2d(2, 2, 1, bias=False)
        self.same = nn.Identity()
        self.cells = ("stem", "scale") if a else ("stem", "same")
        with torch.no_grad():
            self.stem.weight.copy_(torch.tensor([1.0, 2.0]).reshape(2, 1, 1, 1))
            self.scale.weight.copy_(a * torch.eye(2).reshape(2, 2, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        output: Tensor = self.same(self.scale(self.stem(images))).mean(dim=(2, 3))
        return output


def test_the_gain_of_a_cell_is_the_factor_of_its_gradients() -> None:
    # g_in = a g_out, so E[g_in g_out^T] = a E[g g^T], which is a I up to the correlation r of the two channels' random
    # signs: singular values a (1 +- r), r about 1 / sqrt(64 * 1024).
    batch = Batch(torch.zeros(1, 1, 32, 32), torch.tensor([0]))
    found = CellFeatures(Subject(setting(lambda: Chain(3), [batch]), Architecture("only"), "live")).statistics(64)
    assert found.gains == pytest.approx((3,), rel=0.02)
    # Both channels are multiples of the image: one principal component, no entropy.
    assert found.entropies == pytest.approx((0, 0), abs=1e-6)


def test_a_cell_that_hands_on_what_it_gets_has_no_trainability() -> None:
    class Skipping(Chain):
        def __init__(self) -> None:
            super().__init__(1)
            self.cells = ("scale", "same")

    assert value(AzTrainability(), Skipping, THREE) == -math.inf


def test_az_nas_needs_the_names_of_cells() -> None:
    found = scored(AzExpressivity(), lambda: Logits(0), THREE)
    assert (found.status, found.reason[:38]) == (UNDEFINED, "the network does not name the cells af")


# NN-Degree and latency.


def test_nn_degree_counts_the_links_of_a_channel() -> None:
    proxy = PROXIES.get("nn_degree")()
    assert scored(proxy, nn.Identity, THREE, space=DenseSpace(nn.Identity)).components == {"it": 8}
    found = scored(proxy, nn.Identity, THREE)
    assert found.status == UNDEFINED
    assert found.reason == "toy has no cells whose layers read concatenations of earlier ones"


def test_latency_is_negative_and_names_the_machine() -> None:
    proxy = PROXIES.get("latency")()
    assert value(proxy, lambda: Logits(0), THREE) < 0
    assert proxy.machine  # type: ignore[attr-defined]
    assert not proxy.deterministic


@pytest.mark.parametrize("name", ["zen", "az_nas", "meco", "swap", "ntk_cond", "linear_regions", "te_nas", "latency"])
def test_options_that_cannot_work_are_refused(name: str) -> None:
    proxy = PROXIES.get(name)
    option = next(option for option in vars(proxy()) if option.startswith("n_images") or option == "size")
    with pytest.raises(OptionError, match=f"{proxy.__name__} with {option}=0 cannot work"):
        proxy(**{option: 0})


# On the benchmark's own networks.

SPACE = BENCHMARKS.get("nats_tss")
SMALL = replace(DATA_SETS.get("cifar10"), shape=(3, 8, 8))
ALL_NONE = Architecture("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|")
CONVOLUTIONS = Architecture("|nor_conv_3x3~0|+|nor_conv_1x1~0|nor_conv_3x3~1|+|skip_connect~0|none~1|nor_conv_1x1~2|")
OWN_PASSES = ("zen", "az_nas", "meco", "meco_opt", "swap", "ntk_cond", "linear_regions", "te_nas", "gradsign")
OWN_PASSES += ("gradsign_mean", "knas", "knas_sampled")


def on_cells(*images: Tensor, dtype: Precision = Precision.fp64, mode: Mode = Mode.train) -> Setting:
    batches = tuple(Batch(batch, torch.arange(len(batch)) % 10) for batch in images)
    return Setting(SPACE, SMALL, Protocol(dtype=dtype, mode=mode), 0, batches, torch.device("cpu"))


def some_images(n: int, size: int = 8) -> Tensor:
    return torch.randn(n, 3, size, size, generator=torch.Generator().manual_seed(0))


def few(name: str) -> Proxy:
    proxy = PROXIES.get(name)
    small = {"n_images": 4, "n_images_tangent": 4, "n_images_regions": 4, "n_repeats": 2, "n_batches": 4}
    small |= {"size": 16} if name.startswith("meco") else {}
    options = [field.name for field in fields(proxy)]
    return proxy(**{option: small[option] for option in options if option in small})


@pytest.mark.parametrize("mode", list(Mode))
def test_gradients_of_a_batch_are_those_of_one_backward_pass_for_each_image(mode: Mode) -> None:
    # 33 images: more than one micro-batch.
    made = on_cells(some_images(33), mode=mode)
    (batch,) = made.batches
    subject = Subject(made, CONVOLUTIONS, "all")
    (found,) = PerImageGradients.collect_all(subject, [PerImageGradients])
    network = subject.build(init=made.protocol.init, seed=0)
    layers = {name: module for name, module in network.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)}
    alone = []
    for image, target in zip(batch.images.double().split(1), batch.targets.split(1), strict=True):
        loss = SMALL.loss(network(image), target)
        alone.append(torch.autograd.grad(loss, [layer.weight for layer in layers.values()]))
    assert found.n_images == 33
    assert found.layers.keys() == layers.keys()
    for name, gradients in zip(layers, zip(*alone, strict=True), strict=True):
        one_by_one = torch.stack(gradients).flatten(1)
        together = found.layers[name]
        difference = together.gradients - one_by_one.sum(dim=0)
        assert difference.norm() <= 1e-9 * one_by_one.norm(), name
        # Of gradients that are rounding's, so are the signs: none of these cells has many.
        assert (together.signs != one_by_one.sign().sum(dim=0)).double().mean() < 1e-3, name


def test_the_tangent_kernel_is_that_of_one_backward_pass_for_each_image() -> None:
    made = on_cells(some_images(5))
    subject = Subject(made, CONVOLUTIONS, "live")
    network = subject.build(init=made.protocol.init, seed=0).eval()
    weights = [parameter for name, parameter in network.named_parameters() if name.endswith("weight")]
    outputs = network(made.batches[0].images.double())
    rows = [torch.autograd.grad(output.sum(), weights, retain_graph=True) for output in outputs]
    gradients = torch.stack([torch.cat([piece.flatten() for piece in row]) for row in rows])
    assert torch.allclose(TangentKernel(subject).kernel(5), gradients @ gradients.T, rtol=1e-9)


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
    made = Setting(space, task, Protocol(), 0, (images,), torch.device("cpu"))
    found = score(made, Architecture("64-41414-1_11_111"), "live", {"zen": Zen(n_images=2), "ntk_cond": NtkCondition()})
    assert {row.status for row in found.values()} == {UNDEFINED}
    assert found["ntk_cond"].reason.startswith("the sum of the outputs is that of an image")
