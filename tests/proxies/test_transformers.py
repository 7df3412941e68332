"""Proxies for transformers: by hand, by their authors' code, and undefined with a reason elsewhere."""

import json
import math
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from toy_networks import ToyDataSet, pairs, value_of
from toy_transformers import CLASSES, VisionTransformer, images_of, scored

from harness.evidence.base import ScoringContext
from harness.evidence.transformer_features import HiddenState, _correlated, _variances
from harness.inputs import DATA_SETS, Batch, BatchRequest, DataSet, InputKind, draw_batches
from harness.protocol import Mode, Precision, Protocol
from harness.proxy import PROXIES, Proxy, Undefined
from harness.scoring.engine import score
from harness.space import BENCHMARKS, Architecture
from harness.store import OK, UNDEFINED, Score
from proxies._layer_totals import diversity, saliency
from proxies.hidden_covariance import HiddenCovariance, _score
from proxies.intrain import _evenness, _participation
from proxies.w_pca import n_components

ORACLES: dict[str, Any] = json.loads((Path(__file__).parents[1] / "oracles" / "transformers.json").read_text())
PIXELS = ToyDataSet("toy", CLASSES, (3, 8, 8), (0.0,) * 3, (1.0,) * 3, licence="", how_to_get="")
OF_ATTENTION = (
    "synaptic_diversity", "synaptic_saliency", "head_importance", "head_confidence", "head_confidence_coded",
    "softmax_confidence", "activation_distance", "hidden_covariance", "w_pca", "v_pca", "dss",
)  # fmt: skip
GLUE = DATA_SETS.get("glue")


def named(name: str, **options: Any) -> Proxy:
    return PROXIES.get(name)(**options)


def of_toy(name: str, make: type[nn.Module], **options: Any) -> Score:
    return scored(named(name, **options), make, PIXELS)


class Set(nn.Module):
    """One encoder layer of PyTorch on four tokens of four numbers, all weights 0, and a head that is not."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, activation="gelu", batch_first=True)
        self.head = nn.Linear(4, CLASSES)
        with torch.no_grad():
            for name, one in self.layer.named_parameters():
                if "norm" not in name:
                    one.zero_()
            self.layer.linear1.bias.copy_(torch.tensor([1.0, 1, 1, -1, -1, -1, -1, -1]))
            self.head.weight.copy_(torch.linspace(-1, 1, CLASSES)[:, None].expand(-1, 4))

    def forward(self, images: Tensor) -> Tensor:
        tokens = images.flatten(2)[..., :4] + 0.0  # three channels are tokens
        found: Tensor = self.head(self.layer(torch.cat([tokens, tokens.sum(1, keepdim=True)], dim=1)).mean(dim=1))
        return found


class Peaked(Set):
    """Every query gives all its weight to the key that is like it, and values are the tokens times ten."""

    def __init__(self) -> None:
        super().__init__()
        with torch.no_grad():
            self.layer.self_attn.in_proj_weight.copy_(torch.cat([1e3 * torch.eye(4)] * 2 + [10 * torch.eye(4)]))


def test_uniform_attention_gives_each_of_four_keys_a_quarter() -> None:
    for name in ("head_confidence", "softmax_confidence", "softmax_confidence_per_layer"):
        assert of_toy(name, Set).components["it"] == pytest.approx(0.25)
    # Queries, keys and values are all 0.
    assert of_toy("head_confidence_coded", Set).components["it"] == 0


def test_attention_to_one_key_is_full_confidence() -> None:
    assert of_toy("head_confidence", Peaked).components["it"] == pytest.approx(1, abs=1e-3)
    tokens = images_of(4).double().flatten(2)[..., :4]
    highest = torch.cat([tokens, tokens.sum(1, keepdim=True)], dim=1).amax(dim=1).mean()
    found = of_toy("head_confidence_coded", Peaked).components["it"]
    assert found == pytest.approx(float((1e3 + 1e3 + 10) * highest))
    per_layer = of_toy("head_confidence_coded_per_layer", Peaked).components["it"]
    assert per_layer == pytest.approx(found / 3)


def test_tokens_that_activate_alike_agree_at_every_unit() -> None:
    # Four tokens, eight units: 4^2 ordered pairs at each.
    assert of_toy("activation_distance", Set).components["it"] == 16 * 8
    found = of_toy("v_pca", Set)
    assert (found.status, found.reason) == (UNDEFINED, "what an activation reads does not vary over tokens")


def test_components_are_counted_until_their_share_is_exceeded() -> None:
    variances = torch.tensor([4.0, 3, 2, 1])  # shares .4, .7, .9, 1
    assert [n_components(variances, share) for share in (0.3, 0.5, 0.7, 0.95)] == [1, 2, 3, 4]
    with pytest.raises(Undefined, match="does not vary over tokens"):
        n_components(torch.zeros(3), 0.99)


def test_components_are_as_many_as_by_the_authors_code() -> None:
    drawn = torch.Generator().manual_seed(3)
    for n_rows, n_columns, rank, counts in ORACLES["w_pca"]["counts"]:
        left = torch.randn(n_rows, rank, generator=drawn, dtype=torch.float64)
        left *= torch.linspace(1, 0.01, rank, dtype=torch.float64)
        rows = left @ torch.randn(rank, n_columns, generator=drawn, dtype=torch.float64)
        assert [n_components(_variances(rows), share) for share in (0.5, 0.9, 0.99)] == counts


@pytest.mark.parametrize("shape", [(300, 40), (30, 40)])
def test_variances_are_those_of_the_covariance(shape: tuple[int, int]) -> None:
    rows = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = torch.linalg.eigvalsh(torch.cov(rows.T)).flip(0)
    assert torch.allclose(_variances(rows), expected, atol=1e-12)


def test_hidden_covariance_by_hand() -> None:
    # Independent units: eigenvalues 1, 1; units that are one another: 0, 2.
    rows = torch.tensor([[1.0, 1], [1, -1], [-1, 1], [-1, -1]])
    alike = _correlated(rows[[0, 3]])
    assert alike is not None
    assert alike.tolist() == pytest.approx([0, 2])
    k = 1e-5
    independent = -2 * (math.log1p(k) + 1 / (1 + k))
    assert _score(HiddenState("it", 4, _correlated(rows))) == pytest.approx(independent)
    expected = -(math.log(k) + 1 / k + math.log(2 + k) + 1 / (2 + k))
    assert _score(HiddenState("it", 2, alike)) == pytest.approx(expected)
    with pytest.raises(Undefined, match="a unit of the hidden state of it is constant"):
        _score(HiddenState("it", 4, _correlated(torch.ones(4, 2))))


def test_layers_of_hidden_covariance_add_up() -> None:
    def value(**options: Any) -> float:
        return of_toy("hidden_covariance", VisionTransformer, **options).components["it"]

    assert value() == pytest.approx(value(layer=1) + value(layer=2))
    assert value(layer=-1) == value(layer=2) != value(layer=1)
    assert value(per_layer=True) == pytest.approx(value() / 2)
    found = scored(HiddenCovariance(layer=3), VisionTransformer, PIXELS)
    assert (found.status, found.reason) == (UNDEFINED, "layer=3 is asked for, and the network has 2")


def test_nuclear_norms_and_saliencies_by_hand() -> None:
    weight, gradient = torch.diag(torch.tensor([3.0, -4])), torch.diag(torch.tensor([1.0, 2]))
    assert diversity(weight.double(), gradient.double()) == pytest.approx(7 * 3)
    assert saliency(weight, gradient) == 3 + 8


def test_which_layers_count() -> None:
    """With 12 units, 1 head output layer and 2 blocks: head importance is without the output, diversity with it."""
    for name, n_layers in [("synaptic_diversity", 4), ("head_importance", 2), ("synaptic_saliency", 4)]:
        total = of_toy(name, VisionTransformer).components["it"]
        assert of_toy(f"{name}_per_layer", VisionTransformer).components["it"] == pytest.approx(total / n_layers)
    found = of_toy("head_importance", VisionTransformer, as_coded=True)
    assert (found.status, found.reason) == (
        UNDEFINED,
        "the loss depends on no trained weight of attention that is as wide",
    )


def test_w_pca_is_v_pca_times_the_parameters() -> None:
    n_parameters = sum(one.numel() for one in VisionTransformer().parameters())
    components = of_toy("v_pca", VisionTransformer).components["it"]
    assert of_toy("w_pca", VisionTransformer).components["it"] == n_parameters * components
    # The smaller of 12 inputs and 24 outputs divides each of the two layers.
    assert of_toy("v_pca", VisionTransformer, normalised=True).components["it"] == pytest.approx(components / 12)


def test_dss_is_its_authors_formula_on_each_layer() -> None:
    found = of_toy("dss", VisionTransformer).components["it"]
    assert found == pytest.approx(ORACLES["dss"]["value"], rel=1e-12)


class Ramp(type(GLUE)):  # type: ignore[misc]
    """The tokens of GLUE; the loss is of the hidden state times 0 to 1 along its units, whose gradient is no noise."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs * torch.linspace(0, 1, outputs.shape[-1], dtype=outputs.dtype)).sum()


def of_bert(bench: str, arch: str, data_set: DataSet, proxies: dict[str, Proxy], *, training: bool) -> dict[str, Score]:
    batches = draw_batches(data_set, BatchRequest(InputKind.noise, 1, 2, 0)).batches
    mode = Mode.train if training else Mode.eval
    protocol = Protocol(batch_size=2, n_batches=1, mode=mode, dtype=Precision.fp64)
    space = BENCHMARKS.get(bench)
    context = ScoringContext(space, data_set, protocol, 0, batches, torch.device("cpu"))
    return score(context, space.canonical(Architecture(arch)), "live", proxies)


@pytest.mark.long
@pytest.mark.parametrize("row", ORACLES["rows"], ids=lambda row: row["arch"])
def test_on_nasbench_bert_scores_are_those_of_the_authors_code(row: dict[str, Any]) -> None:
    data_set = Ramp(**{field.name: getattr(GLUE, field.name) for field in fields(GLUE)})
    proxies = {
        name: named(name, **({"as_coded": True} if name.startswith("head_importance") else {}))
        for name in row
        if name != "arch"
    }
    found = of_bert("nasbench_bert", row["arch"], data_set, proxies, training=False)
    for name, one in found.items():
        assert one.status == OK, f"{name}: {one.reason}"
        assert one.components[name] == pytest.approx(row[name], rel=1e-6), name


SHORT = replace(GLUE, shape=(8,), parts=(replace(GLUE.parts[0], shape=(8,)),))
LAYERS = "128|SA-WMA:2:512x1|DSC-5:2:512x1"


@pytest.mark.parametrize("bench", ["nasbench_bert", "nasbench_bert_declared", "nasbench_bert_trained"])
def test_all_readings_of_nasbench_bert_have_the_evidence(bench: str) -> None:
    proxies = {name: named(name) for name in OF_ATTENTION}
    found = of_bert(bench, LAYERS, SHORT, proxies, training=True)
    dss = found.pop("dss")
    assert (dss.status, dss.reason) == (UNDEFINED, "the inputs are indices, and an input of ones is none")
    for name, one in found.items():
        assert one.status == OK, f"{name}: {one.reason}"
        alone = of_bert(bench, LAYERS, SHORT, {name: proxies[name]}, training=True)[name]
        assert alone.components == one.components, name


def test_a_transform_has_no_attention_but_the_softmax_that_its_authors_discard() -> None:
    proxies = {name: named(name) for name in ("head_confidence", "softmax_confidence", "head_confidence_coded")}
    found = of_bert("nasbench_bert", "256|LT-DFT:4:1024x1|LT-DCT:2:1024x1", SHORT, proxies, training=False)
    assert found["head_confidence"].reason == "no softmax of queries and keys ran in the network"
    assert 0 < found["softmax_confidence"].components["softmax_confidence"] < 2
    assert found["head_confidence_coded"].status == OK


def test_without_attention_the_proxies_are_undefined_with_a_reason() -> None:
    class Convolutional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.head = nn.Conv2d(3, 4, 3), nn.Linear(4, CLASSES)

        def forward(self, images: Tensor) -> Tensor:
            found: Tensor = self.head(self.conv(images).relu().mean(dim=(2, 3)))
            return found

    for name in OF_ATTENTION:
        found = of_toy(name, Convolutional)
        assert found.status == UNDEFINED, name
        assert found.reason.startswith("the network has no attention: no nn.MultiheadAttention, and no module"), name
    assert of_toy("apd", VisionTransformer).reason == "the network has no batch normalisation that runs"


class Normalised(nn.Module):
    """A convolution with weights 1 and -1 of the pixels' two columns, batch normalisation, a head."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.head = nn.Conv2d(1, 1, (1, 2), bias=False), nn.BatchNorm2d(1), nn.Linear(1, 2)
        with torch.no_grad():
            self.conv.weight.copy_(torch.tensor([1.0, -1]).reshape(1, 1, 1, 2))

    def forward(self, images: Tensor) -> Tensor:
        found: Tensor = self.head(self.norm(self.conv(images)).flatten(1))
        return found


def test_apd_by_hand() -> None:
    # One channel has stable rank 1; |W|_1 / |W|_2 = 2 / sqrt(2).
    batch = Batch(pairs((1, 2), (3, 1), (0, 5)), torch.tensor([0, 1, 0]))
    assert value_of(named("apd"), Normalised, batch) == pytest.approx(math.sqrt(2))


def test_intrain_by_hand() -> None:
    # Two uncorrelated units of equal variance take part fully, one constant unit takes none.
    rows = torch.tensor([[1.0, 1, 5], [1, -1, 5], [-1, 1, 5], [-1, -1, 5]])
    assert _participation(rows) == pytest.approx(2)
    assert _evenness(torch.tensor([1.0, -1])) == 1  # sd sqrt(2), largest 1
    assert _evenness(torch.tensor([2.0, 2])) == 0
    assert _evenness(torch.tensor([0.0, 4])) == pytest.approx(math.sqrt(8) / 4)
    assert _evenness(torch.zeros(3)) == 0
    assert of_toy("intrain", VisionTransformer).status == OK
