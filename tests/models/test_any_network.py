"""Proxies on networks of every kind: what they count, what they see, and that the known networks keep their values."""

import numpy as np
import pytest
import torch
from network_kinds import IMAGE_NETWORKS
from spaces import Kinds, OfNatsTss, context_of, scored
from torch import nn
from torch.nn import functional as F

from harness.evidence.coverage import Coverage, least
from harness.evidence.elementwise import ElementwiseReader, by_sample
from harness.inputs import DATA_SETS
from harness.protocol import Precision
from harness.proxy import PROXIES
from harness.scoring.engine import score
from harness.space import BENCHMARKS, Architecture, ModelSpace
from harness.store import OK, UNDEFINED

CELLS = (
    "|nor_conv_3x3~0|+|nor_conv_1x1~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|",
    "|nor_conv_3x3~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|",  # with a dead convolution
)
SAME = (
    "zico", "grad_norm", "grad_norm_global", "snip", "plain", "grasp", "fisher", "synflow", "logsynflow", "naswot",
    "jacob_cov", "gradsign", "knas", "zico_bc", "ntk_cond",
)  # fmt: skip


@pytest.mark.parametrize("cell", CELLS)
def test_a_known_network_has_the_same_scores_as_one_of_the_users_own(cell):
    """The general passes are other code than those of the benchmarks; in float64 both give the same numbers."""
    own = OfNatsTss([cell])
    context = context_of(own, dtype=Precision.fp64)
    known = context_of(BENCHMARKS.get("nats_tss"), dtype=Precision.fp64)
    proxies = {name: PROXIES.get(name)() for name in SAME}
    found, expected = (score(one, Architecture(cell), "live", proxies) for one in (context, known))
    for name in SAME:
        assert found[name].status == expected[name].status == OK, (name, found[name].reason)
        for component, value in expected[name].components.items():
            assert found[name].components[component] == pytest.approx(value, rel=1e-6), (name, component)


@pytest.mark.parametrize("cell", CELLS)
def test_traced_counts_are_the_analytic_ones(cell):
    """Of the linear layer torch counts no bias, the counter of NATS-Bench one per output: 10."""
    space, digits = BENCHMARKS.get("nats_tss"), DATA_SETS.get("digits")
    traced = OfNatsTss([cell])
    assert traced.params(Architecture(cell), digits, live=True) == space.params(Architecture(cell), digits, live=True)
    assert (
        traced.flops(Architecture(cell), digits, live=True) == space.flops(Architecture(cell), digits, live=True) - 10
    )
    assert traced.params(Architecture(cell), digits) == space.params(Architecture(cell), digits)
    assert traced.depth(Architecture(cell), digits) == space.depth(Architecture(cell), digits)


class Small(ModelSpace):
    """A network that is counted by hand."""

    name = "small"
    architectures = ("mlp",)

    def build(self, arch):
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.GELU(), nn.Linear(8, 10, bias=False))


def test_counts_by_hand():
    """64*8 + 8 parameters and 8*10 of the second layer; as many multiplications as weights; two layers on the path."""
    found = scored(Small(), "mlp", ["params", "params_live", "flops", "depth", "n_convs_live", "sum_log_layer_size"])
    values = {name: one.components[name] for name, one in found.items()}
    assert values == {
        "params": 600, "params_live": 600, "flops": 592, "depth": 2, "n_convs_live": 0,
        "sum_log_layer_size": pytest.approx(np.log(512) + np.log(80)),
    }  # fmt: skip


@pytest.mark.parametrize("arch", IMAGE_NETWORKS)
def test_every_kind_of_network_is_scored(arch):
    found = scored(
        Kinds(), arch, ["zico", "grad_norm", "snip", "grasp", "naswot", "l2_norm", "synflow", "params", "swap"]
    )
    assert {name: one.reason for name, one in found.items() if one.status != OK} == {}
    expected = sum(one.numel() for one in IMAGE_NETWORKS[arch]().parameters() if one.requires_grad)
    assert found["params"].components["params"] == expected
    assert Coverage.parse(found["naswot"].reason) == Coverage(activations=1.0)


def test_frozen_weights_lower_the_coverage_and_unused_ones_do_not():
    """Frozen 64*32, trained and reached 32*32 + 32*10; the layer that is never called counts for neither."""
    found = scored(Kinds(), "frozen", ["zico", "params", "params_live"])
    coverage = Coverage.parse(found["zico"].reason)
    assert coverage is not None
    assert coverage.weights == pytest.approx(1344 / 3392, abs=1e-6)
    trained = 32 * 32 + 32 + 32 * 10 + 10
    assert found["params_live"].components["params_live"] == trained
    assert found["params"].components["params"] == trained + 64 * 64 + 64


def test_weights_packed_in_an_attention_are_seen_or_said_to_be_missing():
    """Of 2,464 weights, channels miss the packed 48*16 and the 16*16 of its output, and the 8*16 positions."""
    found = scored(Kinds(), "transformer", ["zico", "fisher"])
    assert Coverage.parse(found["zico"].reason) == Coverage(weights=1.0)
    assert Coverage.parse(found["fisher"].reason).weights == pytest.approx(1 - (768 + 256 + 128) / 2464, abs=1e-6)


def test_a_shared_layer_is_one_weight():
    found = scored(Kinds(), "shared", ["n_weights", "depth"])
    assert found["n_weights"].components["n_weights"] == 64 * 16 + 16 * 16 + 16 * 10
    assert found["depth"].components["depth"] == 5


def test_what_runs_beside_a_network_with_dropout_changes_nothing():
    names = ["zico", "naswot", "synflow", "linear_regions", "swap"]
    together = scored(Kinds(), "transformer", names)
    for name in names:
        assert scored(Kinds(), "transformer", [name])[name].components == together[name].components


def test_undefined_evidence_has_a_reason():
    found = scored(Kinds(), "transformer", ["naswot_original", "az_trainability", "zen", "meco"])
    assert {one.status for one in found.values()} == {UNDEFINED}
    assert found["naswot_original"].reason == (
        "no module has ReLU in its class's name, and the published code looks for no others"
    )


class Squares(ModelSpace):
    """Products of activations, as gates compute them, again and again."""

    name = "squares"
    architectures = ("squares",)

    def build(self, arch):
        class Square(nn.Module):
            def forward(self, x):
                return x * x

        return nn.Sequential(nn.Flatten(), nn.Linear(64, 8), *(Square() for _ in range(12)), nn.Linear(8, 10))


def test_a_flow_beyond_float64_has_no_rank():
    found = scored(Squares(), "squares", ["synflow", "logsynflow"])
    assert {one.status for one in found.values()} == {UNDEFINED}
    assert found["synflow"].reason.startswith("the flow exceeds float64")


def test_activations_are_read_however_they_are_written():
    seen = []
    features = torch.tensor([[-1.0, 2.0], [3.0, -4.0]])
    for activate in (F.relu, torch.relu, torch.Tensor.relu, F.gelu, nn.SiLU(), nn.Hardswish(), nn.ReLU6(), torch.tanh):
        with ElementwiseReader(2, seen.append) as reader:
            activate(features.clone())
        assert reader.n_read == 2, activate
        assert (seen.pop() > 0).tolist() == [[False, True], [True, False]]
    with ElementwiseReader(2, seen.append) as reader:
        torch.where(features > 0, features, 0.1 * features)
    assert (reader.n_read, reader.n_unread) == (0, 2)


def test_samples_are_found_on_the_first_or_second_axis_or_as_windows():
    assert by_sample(torch.zeros(4, 3, 2), 4).shape == (4, 6)
    assert by_sample(torch.arange(12).reshape(3, 4), 4)[1].tolist() == [1, 5, 9]
    assert by_sample(torch.arange(8).reshape(8, 1), 4)[1].tolist() == [2, 3]
    assert by_sample(torch.zeros(5, 3), 4) is None


def test_coverage_survives_the_store():
    for coverage in (Coverage(0.25, None), Coverage(None, 1.0), Coverage(0.123456, 0.5)):
        assert Coverage.parse(coverage.text) == coverage
    assert Coverage.parse("") is None
    assert least([Coverage(0.5, None), None, Coverage(0.7, 0.9)]) == Coverage(0.5, 0.9)
