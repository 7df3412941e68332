"""Proxies of weights, gradients and Jacobians, worked out by hand."""

import math
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn
from toy_networks import TwoLayers, TwoReaders, pixels, toy_scores

from benchmarks.nats_blocks import ActConvNorm
from harness.evidence import (
    ChannelSensitivities,
    FirstBatchGradients,
    InputGradients,
    OutputSizes,
    ParameterGradients,
    SynflowGradients,
    WeightCurvature,
    WeightGradients,
    Weights,
)
from harness.inputs import DATA_SETS, Batch
from harness.proxy import Undefined
from proxies.epe_nas import EpeNas
from proxies.fisher import Fisher
from proxies.grad_norm_global import GradNormGlobal
from proxies.grasp import Grasp
from proxies.jacob_cov import JacobCov
from proxies.l2_norm import L2Norm
from proxies.logsynflow import LogSynflow
from proxies.naswot_nb201 import NaswotNb201
from proxies.naswot_original import NaswotOriginal
from proxies.plain import Plain
from proxies.snip import Snip
from proxies.zico_bc import ZiCoBc
from proxies.zico_paper import ZiCoPaper

LN2, LN3 = math.log(2), math.log(3)
OFFSET = 1e-5


# Evidence given outright.


def gradients(**layers: Tensor) -> FirstBatchGradients:
    evidence = FirstBatchGradients()
    evidence.add(layers)
    return evidence


WEIGHTS = Weights({"first": Tensor([[3], [-4]]), "second": Tensor([1, 2, -2]), "dead": Tensor([5, 12])})


def test_l2_norm_sums_the_norms_of_all_layers() -> None:
    assert L2Norm().measure(WEIGHTS) == pytest.approx(5 + 3 + 13)


def test_snip_and_plain_differ_in_the_sign() -> None:
    # Products of live weights: (3 * 2, -4 * 1) and (0, 2 * -1, -2 * -3) = 6, -4, 0, -2, 6.
    found = gradients(first=Tensor([[2], [1]]), second=Tensor([0, -1, -3]))
    assert Snip().measure(WEIGHTS, found) == pytest.approx(6 + 4 + 2 + 6)
    assert Plain().measure(WEIGHTS, found) == pytest.approx(6 - 4 - 2 + 6)


def test_plain_keeps_what_float32_would_lose() -> None:
    # 2**30 + 1 - 2**30: in float32 the 1 is lost.
    weights = Weights({"layer": Tensor([2**15, 1, -(2**15)])})
    assert Plain().measure(weights, gradients(layer=Tensor([2**15, 1, 2**15]))) == 1


def test_grasp_is_minus_gradient_times_curvature() -> None:
    evidence = WeightCurvature()
    evidence.layers = {"first": Tensor([[1], [2]]), "second": Tensor([1, 1, 1])}
    # 3 * 1 - 4 * 2 + 1 + 2 - 2 = -4
    found = gradients(first=Tensor([[3], [-4]]), second=Tensor([1, 2, -2]))
    assert Grasp().measure(found, evidence) == pytest.approx(4)


def test_the_global_norm_is_one_norm_over_everything() -> None:
    evidence = ParameterGradients()
    evidence.parameters = {"layer": Tensor([[1], [-4]]), "norm.bias": Tensor([2, 2])}
    assert GradNormGlobal().measure(evidence) == pytest.approx(5)


def test_fisher_counts_a_channel_once_for_each_of_its_weights() -> None:
    evidence = ChannelSensitivities()
    evidence.layers, evidence.weights_per_channel = (
        {"conv": Tensor([1, 2]), "classifier": Tensor([4])},
        {
            "conv": 9,
            "classifier": 2,
        },
    )
    assert Fisher().measure(evidence) == pytest.approx(3 * 9 + 4 * 2)


def test_logsynflow_damps_each_gradient() -> None:
    evidence = SynflowGradients({"layer": Tensor([1, 0]).double()}, 0, {"layer": Tensor([3, 7]).double()})
    assert LogSynflow().measure(evidence) == pytest.approx(3 * LN2)


def test_zico_of_the_paper_takes_the_deviation_of_magnitudes() -> None:
    evidence = WeightGradients()
    # (1, 3): mean|g| 2, std|g| 1, ratio 2; (1, -3): the same, where the signed deviation is 2 and the ratio 1;
    # (2, -2): |g| does not vary and is left out, where the signed ratio is 1. log(2 + 2).
    evidence.add({"layer": Tensor([1, 1, 2])})
    evidence.add({"layer": Tensor([3, -3, -2])})
    assert ZiCoPaper().measure(evidence) == pytest.approx(math.log(4))


def test_zico_bc_takes_off_a_penalty_for_each_layer_that_has_a_term() -> None:
    evidence, sizes = WeightGradients(), OutputSizes()
    evidence.add({"conv": Tensor([1, 2]), "still": Tensor([1])})
    evidence.add({"conv": Tensor([3, -2]), "still": Tensor([1])})
    sizes.channels, sizes.pixels = {"conv": 16, "still": 1, "dead": 1}, {"conv": 64, "still": 100, "dead": 100}
    # ZiCo log(2 + 1); H W / sqrt(C) = 64 / 4 = 16.
    assert ZiCoBc().measure(evidence, sizes) == pytest.approx(LN3 - 4 * LN2)
    assert ZiCoBc(beta=2).measure(evidence, sizes) == pytest.approx(LN3 - 8 * LN2)


def jacobian(*rows: list[float], classes: list[int] | None = None, n_classes: int = 10) -> InputGradients:
    evidence = InputGradients()
    evidence.rows = torch.tensor(rows, dtype=torch.float64)
    evidence.classes, evidence.n_classes = None if classes is None else torch.tensor(classes), n_classes
    return evidence


def eigen_term(value: float) -> float:
    return math.log(value + OFFSET) + 1 / (value + OFFSET)


def test_jacob_cov_of_uncorrelated_and_of_equal_rows() -> None:
    # Correlation 0: eigenvalues 1, 1. Correlation 1: 2, 0.
    apart = JacobCov().measure(jacobian([1, -1, 0, 0], [0, 0, 1, -1]))
    assert apart == pytest.approx(-2 * eigen_term(1))
    equal = JacobCov().measure(jacobian([1, -1, 0, 0], [3, 1, 2, 2]))
    assert equal == pytest.approx(-eigen_term(2) - eigen_term(0), rel=1e-9)


def test_a_constant_row_correlates_with_none() -> None:
    with pytest.raises(Undefined, match="is constant"):
        JacobCov().measure(jacobian([1, 2], [0, 0]))
    with pytest.raises(Undefined, match="is constant"):
        EpeNas().measure(jacobian([1, 2], [0, 0], classes=[4, 4]))


# Rows 0 and 1 have correlation 0, rows 2 and 3 have 1/2: (1, -1, 0) and (1, 0, -1), products 1, squares 2 and 2.
ROWS = ([1, -1, 0, 0, 0], [0, 0, 1, -1, 0], [1, -1, 0, 0, 0], [1, 0, -1, 0, 0])
UNCORRELATED = 2 * math.log(1 + OFFSET) + 2 * math.log(OFFSET)
HALF = 2 * math.log(1 + OFFSET) + 2 * math.log(0.5 + OFFSET)


def test_epe_nas_sums_classes_up_to_a_hundred_and_compares_them_above() -> None:
    few = EpeNas().measure(jacobian(*ROWS, [0, 0, 0, 0, 1], classes=[7, 7, 2, 2, 5]))
    # A class of one image adds |log(1 + 1e-5)|.
    assert few == pytest.approx(-UNCORRELATED - HALF + math.log(1 + OFFSET))
    many = EpeNas().measure(jacobian(*ROWS, [0, 0, 0, 0, 1], classes=[7, 7, 2, 2, 5], n_classes=101))
    # Two classes of two images; both orders of the pair, over two classes: |s_7 - s_2| with s halved.
    assert many == pytest.approx(abs(UNCORRELATED - HALF) / 2)


def test_epe_nas_needs_classes_and_says_so() -> None:
    with pytest.raises(Undefined, match="the task has no classes"):
        EpeNas().measure(jacobian(*ROWS))
    with pytest.raises(Undefined, match="no class has two images"):
        EpeNas().measure(jacobian(*ROWS, classes=[0, 1, 2, 3], n_classes=101))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cifar10", [3, 0, 2]),
        ("class_scene", [3, 0, 2]),
        ("jigsaw", [3, 0, 2]),
        ("room_layout", None),
        ("segmentsemantic", None),
        ("normal", None),
        ("autoencoder", None),
    ],
)
def test_data_sets_know_their_classes(name: str, expected: list[int] | None) -> None:
    data_set = DATA_SETS.get(name)
    targets = torch.tensor([3, 0, 2])
    if name == "class_scene":
        targets = torch.eye(5)[targets]
    elif expected is None:
        targets = data_set.random_targets(1, torch.Generator())
    found = data_set.classes(targets)
    assert (None if found is None else found.tolist()) == expected


def test_two_ways_to_count_relus() -> None:
    codes = SimpleNamespace(codes=[torch.tensor([[True], [False]])], n_relus=[3], official_n_relus=[5])
    # K = 3 I and 5 I.
    assert NaswotNb201().measure(codes) == pytest.approx(2 * LN3)
    assert NaswotOriginal().measure(codes) == pytest.approx(2 * math.log(5))


# Networks, through the passes.

# logits = v relu(w x), w = 1, v = (1, 0). The image ln 3 has logits (ln 3, 0) and probabilities (3/4, 1/4); for class 1
# the gradients of the logits are (3/4, -3/4). The image -1 is stopped by the ReLU: logits (0, 0), for class 0 gradients
# (-1/2, 1/2). Halved for the mean: dL/dw = 3/8 ln 3, dL/dv = (3/8, -3/8) ln 3. The second batch has twice that.
BATCHES = (Batch(pixels(LN3, -1), torch.tensor([1, 0])), Batch(pixels(LN3, LN3), torch.tensor([1, 1])))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # |w| + |dead| + |v| = 1 + 2 + 1
        ("l2_norm", 4),
        # |1 * 3/8 ln 3| + |1 * 3/8 ln 3| + 0
        ("snip", 3 / 4 * LN3),
        ("plain", 3 / 4 * LN3),
        # 3/8 ln 3 times sqrt(1 + 1 + 1)
        ("grad_norm_global", 3 / 8 * LN3 * math.sqrt(3)),
        # Convolution: a * dL/da = (3/8 ln 3, 0) for the two images; half the mean square is 9/256 (ln 3)^2, one weight.
        # Classifier: first output the same, second output 0.
        ("fisher", 9 / 128 * LN3**2),
        # log 18, see test_hand_worked; both layers have one pixel, the classifier two channels: - log(1 / sqrt 2).
        ("zico_bc", math.log(18) + LN2 / 2),
        ("zico_paper", math.log(18)),
    ],
)
def test_two_layers(name: str, expected: float) -> None:
    found = toy_scores(lambda: TwoLayers(1, (1, 0)), BATCHES, [name])
    assert found[name] == pytest.approx(expected, rel=1e-5)


def test_logsynflow_of_two_layers() -> None:
    # |w| = 2, dR/dw = 3 + 4; |v| = (3, 4), dR/dv = 2.
    found = toy_scores(lambda: TwoLayers(-2, (3, -4), norm=True), BATCHES, ["logsynflow"])
    assert found["logsynflow"] == pytest.approx(2 * math.log(8) + 7 * LN3)


class OneLayer(nn.Module):
    """logits = v x, with two entries of v."""

    def __init__(self, v: tuple[float, float]) -> None:
        super().__init__()
        self.classifier = nn.Linear(1, 2, bias=False)
        with torch.no_grad():
            self.classifier.weight.copy_(torch.tensor(v).reshape(2, 1))

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.classifier(images.flatten(1))
        return logits


def test_grasp_of_one_layer() -> None:
    # Probabilities p = (3/4, 1/4): g = ln 3 (3/4, -3/4); H = (ln 3)^2 (diag p - p p^T) has 3/16 (ln 3)^2 on the
    # diagonal and the same negative beside it; H g = (ln 3)^3 9/32 (1, -1). Minus (1, 0) . H g.
    found = toy_scores(lambda: OneLayer((1, 0)), [Batch(pixels(LN3, LN3), torch.tensor([1, 1]))], ["grasp"])
    assert found["grasp"] == pytest.approx(-9 / 32 * LN3**3)


# The Jacobian of TwoReaders is (2, 4, 8) where the image is positive: (2, 4, 0) and (2, 0, 8). Centred (0, 2, -2) and
# (-4, -10, 14) / 3: product -48 / 3, squares 8 and 312 / 9.
TWO_IMAGES = Batch(torch.tensor([[1.0, 1, -1], [1, -1, 1]]).reshape(2, 1, 1, 3), torch.tensor([1, 1]))
CORRELATION = -16 / math.sqrt(8 * 312 / 9)


def test_the_jacobian_of_two_readers() -> None:
    found = toy_scores(TwoReaders, [TWO_IMAGES], ["jacob_cov", "epe_nas"])
    assert found["jacob_cov"] == pytest.approx(-eigen_term(1 + CORRELATION) - eigen_term(1 - CORRELATION), rel=1e-5)
    pairs = 2 * math.log(1 + OFFSET) + 2 * math.log(-CORRELATION + OFFSET)
    assert found["epe_nas"] == pytest.approx(abs(pairs), rel=1e-5)


class Block(nn.Module):
    """A block that the official code calls ReLUConvBN, and a LeakyReLU that reads the same images."""

    def __init__(self) -> None:
        super().__init__()
        self.block, self.leaky = ActConvNorm(1, 1, 1), nn.LeakyReLU()
        self.classifier = nn.Linear(1, 2)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.classifier((self.block(images) + self.leaky(images)).flatten(1))
        return logits


def test_relus_are_found_by_name() -> None:
    # Images 1 and -1 have unlike codes. One ReLU; with the LeakyReLU two readers; with the block's name three: K = n I.
    found = toy_scores(
        Block, [Batch(pixels(1, -1), torch.tensor([0, 1]))], ["naswot", "naswot_nb201", "naswot_original"]
    )
    assert found == pytest.approx({"naswot": 0, "naswot_nb201": 2 * LN2, "naswot_original": 2 * LN3})
