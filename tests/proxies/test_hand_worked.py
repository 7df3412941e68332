"""Each proxy worked out by hand: on evidence given outright, and on small networks through the passes."""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.utils.weak import TensorWeakRef
from toy_networks import TwoLayers, TwoReaders, pixels, toy_scores

from harness.evidence import FirstBatchGradients, Layers, ReluCodes, SynflowSaliency, WeightGradients
from harness.evidence.base import ScoringContext
from harness.inputs import DATA_SETS, Batch
from harness.protocol import Protocol
from harness.proxy import PROXIES
from harness.scoring.engine import score
from harness.space import BENCHMARKS, Architecture, Layer
from proxies.grad_norm import GradNorm
from proxies.naswot import Naswot
from proxies.synflow import Synflow
from proxies.zico import ZiCo

LN3 = math.log(3)


# Counts.
# A NATS-TSS cell on CIFAR-10: three stages of 5 cells with 16, 32, 64 channels and 32, 16, 8 pixels a side. Weights,
# parameters (+ 2 per output channel for the normalisation), multiply-accumulates (weights times pixels):
#   stem 3-16           432        464       432 * 1024            =    442,368
#   16-32 3x3         4,608      4,672
#   32-32 3x3         9,216      9,280
#   16-32 1x1           512        512      14,336 * 256           =  3,670,016
#   32-64 3x3        18,432     18,560
#   64-64 3x3        36,864     36,992
#   32-64 1x1         2,048      2,048      57,344 * 64            =  3,670,016
#   classifier 64-10    640    640 + 10 bias + 128 of the last norm; 640 + 10 =  650
#   the skeleton                73,306                                7,783,050
# A 1x1 edge: 256, 1,024, 4,096 weights, 288, 1,088, 4,224 parameters: 5 * 5,600 = 28,000; each cell 262,144 MACs,
#   15 * 262,144 = 3,932,160.
# A 3x3 edge: 2,304, 9,216, 36,864 weights, 2,336, 9,280, 36,992 parameters: 5 * 48,608 = 243,040; 9 times the MACs,
#   35,389,440.
# Here the 1x1 joins input and output, the 3x3 leads nowhere.
ONE_LIVE_ONE_DEAD = Architecture("|nor_conv_3x3~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|")
DISCONNECTED = Architecture("|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|nor_conv_1x1~2|")
# Live log sizes in powers of 2, 3, 5: 432 = 2^4 3^3, 4,608 = 2^9 3^2, 9,216 = 2^10 3^2, 512 = 2^9, 18,432 = 2^11 3^2,
# 36,864 = 2^12 3^2, 2,048 = 2^11, 640 = 2^7 5, and five times 2^8, 2^10, 2^12:
# 2s: 4 + 9 + 10 + 9 + 11 + 12 + 11 + 7 + 150 = 223; 3s: 3 + 2 + 2 + 2 + 2 = 11; 5s: 1.
LOG_SIZES = 223 * math.log(2) + 11 * math.log(3) + math.log(5)


@pytest.mark.parametrize(
    ("arch", "name", "expected"),
    [
        (ONE_LIVE_ONE_DEAD, "params", 73_306 + 28_000 + 243_040),
        (ONE_LIVE_ONE_DEAD, "params_live", 73_306 + 28_000),
        (ONE_LIVE_ONE_DEAD, "flops", 7_783_050 + 3_932_160 + 35_389_440),
        (ONE_LIVE_ONE_DEAD, "flops_live", 7_783_050 + 3_932_160),
        (ONE_LIVE_ONE_DEAD, "sum_log_layer_size", LOG_SIZES),
        (DISCONNECTED, "params", 73_306 + 28_000 + 243_040),
        (DISCONNECTED, "params_live", 0),
        (DISCONNECTED, "flops", 7_783_050 + 3_932_160 + 35_389_440),
        (DISCONNECTED, "flops_live", 0),
        (DISCONNECTED, "sum_log_layer_size", 0),
    ],
)
def test_counts_of_a_cell(arch: Architecture, name: str, expected: float) -> None:
    context = ScoringContext(
        BENCHMARKS.get("nats_tss"), DATA_SETS.get("cifar10"), Protocol(), seed=0, batches=(), device=torch.device("cpu")
    )
    found = score(context, arch, "live", {name: PROXIES.get(name)()})[name]
    assert found.components[name] == pytest.approx(expected, rel=1e-12)


# Three layers given outright: a live one, two equal dead ones, a live pair.
#   params 116 + 2 * 24 + 2 * 18 = 200, live 152; FLOPs 6,912 + 2 * 1,024 + 2 * 10 = 8,980, live 6,932;
#   log sizes log 108 + 2 log 8.
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("params", 200),
        ("params_live", 152),
        ("flops", 8_980),
        ("flops_live", 6_932),
        ("sum_log_layer_size", math.log(108) + 2 * math.log(8)),
    ],
)
def test_counts_of_repeated_layers(name: str, expected: float) -> None:
    layers = Layers.of(
        [
            Layer(n_weights=108, n_params=116, flops=6_912, live=True),
            Layer(n_weights=16, n_params=24, flops=1_024, live=False, repeats=2),
            Layer(n_weights=8, n_params=18, flops=10, live=True, repeats=2),
        ]
    )
    assert PROXIES.get(name)().measure(layers) == pytest.approx(expected, rel=1e-12)


# Evidence given outright.


def test_zico_takes_the_signed_deviation_and_drops_what_does_not_vary() -> None:
    evidence = WeightGradients()
    # varied, weight by weight: (1, 3): mean|g| 2, std 1, ratio 2; (2, -2): mean|g| 2, std 2, ratio 1 (the deviation of
    # |g|, as printed in Eq. 15, would be 0); (0, 0): dropped. log(2 + 1).
    # constant: nothing left, no term.
    # single: (-2, -6): mean|g| 4, std 2. log 2.
    evidence.add({"varied": Tensor([1, 2, 0]), "constant": Tensor([5, 0]), "single": Tensor([[-2]])})
    evidence.add({"varied": Tensor([3, -2, 0]), "constant": Tensor([5, 0]), "single": Tensor([[-6]])})
    assert ZiCo().measure(evidence) == pytest.approx(math.log(3) + math.log(2))


def test_zico_divides_by_the_deviation_of_the_population() -> None:
    evidence = WeightGradients()
    for gradient in (0.0, 0.0, 3.0):  # mean 1; squared deviations 1, 1, 4, over 3: std sqrt(2), ratio 1 / sqrt(2)
        evidence.add({"layer": Tensor([gradient])})
    assert ZiCo().measure(evidence) == pytest.approx(-math.log(2) / 2)


def test_zico_of_gradients_that_never_vary_is_zero() -> None:
    evidence = WeightGradients()
    evidence.add({"layer": torch.zeros(2, 2)})
    evidence.add({"layer": torch.zeros(2, 2)})
    assert ZiCo().measure(evidence) == 0


def test_grad_norm_sums_the_norms_of_layers() -> None:
    evidence = FirstBatchGradients()
    # sqrt(9 + 16) + sqrt(1 + 4 + 4) = 8, where the norm over all weights would be sqrt(34).
    evidence.add({"first": Tensor([[3], [-4]]), "second": Tensor([1, 2, -2])})
    assert GradNorm().measure(evidence) == pytest.approx(8)


def test_synflow_is_the_log_of_the_total_saliency() -> None:
    layers = {"first": torch.tensor([[1.0, 2.0]]).double(), "second": torch.tensor([4.0]).double()}
    assert Synflow().measure(SynflowSaliency(layers, seconds=0)) == pytest.approx(math.log(7))


def test_synflow_where_nothing_flows_is_minus_infinity() -> None:
    assert Synflow().measure(SynflowSaliency({}, seconds=0)) == -math.inf
    assert Synflow().measure(SynflowSaliency({"layer": torch.zeros(2).double()}, seconds=0)) == -math.inf


def test_naswot_adds_the_kernels_of_all_readers() -> None:
    evidence = ReluCodes()
    # Two ReLUs read codes 110 and 100: an image agrees with itself on 3 units, with the other on 2, so
    # 2 * [[3, 2], [2, 3]].
    # One ReLU reads 1 and 0: [[1, 0], [0, 1]]. Together [[7, 4], [4, 7]], determinant 49 - 16 = 33.
    evidence.codes = [torch.tensor([[True, True, False], [True, False, False]]), torch.tensor([[True], [False]])]
    evidence.n_relus = [2, 1]
    assert Naswot().measure(evidence) == pytest.approx(math.log(33))


def test_naswot_of_two_images_with_equal_codes_is_minus_infinity() -> None:
    evidence = ReluCodes()
    evidence.codes, evidence.n_relus = [torch.tensor([[True, False], [True, False]])], [1]  # [[2, 2], [2, 2]]
    assert Naswot().measure(evidence) == -math.inf


# Networks of a toy space, through the passes.


# w = 1, v = (1, 0). The image ln 3 has logits (ln 3, 0), so probabilities (3/4, 1/4), and for class 1 the gradients of
# the logits are (3/4, -3/4): dL/dv = (3/4, -3/4) ln 3, dL/dw = (3/4 * 1 - 3/4 * 0) ln 3. The image -1 is stopped by the
# ReLU and gives none. The loss is the mean over the batch.
#   batch 0 (ln 3, -1): dL/dw = 3/8 ln 3, dL/dv = (3/8, -3/8) ln 3
#   batch 1 (ln 3, ln 3): twice that
GRADIENT_BATCHES = (Batch(pixels(LN3, -1), torch.tensor([1, 0])), Batch(pixels(LN3, LN3), torch.tensor([1, 1])))


def test_gradient_proxies_of_two_layers() -> None:
    found = toy_scores(lambda: TwoLayers(1, (1, 0)), GRADIENT_BATCHES, ["grad_norm", "zico"])
    # Norms of the first batch: 3/8 ln 3 (1 + sqrt 2).
    assert found["grad_norm"] == pytest.approx(3 / 8 * LN3 * (1 + math.sqrt(2)))
    # Each weight: mean|g| (3/8 + 6/8) / 2 = 9/16, std (6/8 - 3/8) / 2 = 3/16, ratio 3. log 3 + log(3 + 3) = log 18.
    assert found["zico"] == pytest.approx(math.log(18), rel=1e-5)


def test_naswot_of_one_unit_that_two_images_differ_on() -> None:
    # Codes 1 and 0: the kernel is the identity.
    assert toy_scores(lambda: TwoLayers(1, (1, 0)), GRADIENT_BATCHES, ["naswot"])["naswot"] == pytest.approx(0)


@pytest.mark.parametrize("norm", [False, True])
def test_synflow_of_two_layers_bypasses_the_normalisation(norm: bool) -> None:
    # |w| = 2, |v| = (3, 4): R = 2 * (3 + 4) = 14. w dR/dw = 2 * 7; v dR/dv = 3 * 2 + 4 * 2: 28 together.
    found = toy_scores(lambda: TwoLayers(-2, (3, -4), norm=norm), GRADIENT_BATCHES, ["synflow"])
    assert found["synflow"] == pytest.approx(math.log(28))


def test_codes_keep_no_tensor_that_a_relu_reads() -> None:
    evidence, relu = ReluCodes(), nn.ReLU()
    evidence.hook(relu)
    features = torch.randn(2, 3)
    read = TensorWeakRef(features)
    relu(features), relu(features)
    assert evidence.n_relus == [2]
    del features
    assert read() is None
    relu(torch.randn(2, 3))
    assert evidence.n_relus == [2, 1]


def test_naswot_counts_two_relus_that_read_one_tensor_twice() -> None:
    images = torch.tensor([[1.0, 2.0, 0.0], [1.0, -1.0, -3.0]]).reshape(2, 1, 1, 3)
    # Codes 110 (zero is not above zero) and 100; 2 * [[3, 2], [2, 3]], determinant 36 - 16 = 20.
    found = toy_scores(TwoReaders, [Batch(images, torch.tensor([0, 1]))], ["naswot"])
    assert found["naswot"] == pytest.approx(math.log(20))
