"""NAS-Bench-BERT: three readings with the published numbers of parameters, operations by hand, equal networks."""

import math

import numpy as np
import pytest
import scipy.fft
import torch

from benchmarks.nasbench_bert.network import BertNetwork
from benchmarks.nasbench_bert.operations import Attention, DynamicConvolution, LinearTransform, Residual
from benchmarks.nasbench_bert.structure import LayerPlan, Plan, choices_of, read, structure_of, write
from harness.errors import UnknownNameError
from harness.inputs import DATA_SETS
from harness.space import BENCHMARKS, Architecture, ModelSpace

READINGS = {
    "nasbench_bert": ("params_measured", "measured_class", 457),
    "nasbench_bert_declared": ("params_declared", None, 491),
    "nasbench_bert_trained": ("params_trained_reading", "trained_class", 301),
}
GLUE = DATA_SETS.get("glue")
MEASURED, DECLARED, TRAINED = map(BENCHMARKS.get, READINGS)
SMALL = Architecture("128|LT-DFT:2:512x1|LT-DCT:4:512x3")


@pytest.fixture(scope="module")
def oracle(truth_oracle):
    with np.load(truth_oracle / "nasbench_bert.npz", allow_pickle=False) as table:
        return {name: table[name] for name in table}


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def ready(module):
    """A module in double precision whose dropout does nothing and whose weights are all drawn."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_()
    return module.double().eval()


def affine(layer, features):
    return features @ layer.weight.T + layer.bias


def normalised(features, norm):
    centred = features - features.mean(-1, keepdim=True)
    return centred / (centred.pow(2).mean(-1, keepdim=True) + 1e-12).sqrt() * norm.weight + norm.bias


@pytest.mark.parametrize("name", READINGS)
def test_strings_and_params_equal_the_published_ones_on_all_rows(name, oracle):
    space, (column, _, _) = BENCHMARKS.get(name), READINGS[name]
    declared = [arch.decode() for arch in oracle["arch"]]
    assert [arch.partition("~")[0] for arch in space.architectures] == declared
    assert sum("~2" in arch for arch in space.architectures) == 9
    params = np.array([space.params(arch, GLUE) for arch in space.architectures])
    assert (params == oracle[column]).sum() == 500


@pytest.mark.parametrize("name", READINGS)
def test_the_classes_of_equal_networks_are_those_of_the_joined_table(name, oracle):
    space, (_, column, n_classes) = BENCHMARKS.get(name), READINGS[name]
    forms = space.canonical_forms(space.architectures)
    assert len(set(forms)) == n_classes
    if column is not None:
        assert len(set(zip(forms, oracle[column].tolist(), strict=True))) == n_classes == len(set(oracle[column]))
    assert space.members("canonical").sum() == n_classes


def test_the_declared_numbers_equal_the_published_ones_on_38_rows(oracle):
    params = np.array([DECLARED.params(arch, GLUE) for arch in DECLARED.architectures])
    assert (params == oracle["params_measured"]).sum() == 38


def test_choices_round_trip_and_are_those_of_the_joined_table(oracle):
    for row, arch in enumerate(MEASURED.architectures):
        made = read(arch.partition("~")[0])
        assert write(made) == arch.partition("~")[0]
        assert structure_of(choices_of(made)) == made
        n = len(made.layers)
        assert (made.hidden, n) == (oracle["hidden_size"][row], oracle["num_layers"][row])
        assert [layer.heads for layer in made.layers] == oracle["heads"][row][:n].tolist()
        assert [layer.width for layer in made.layers] == oracle["ff_dim"][row][:n].tolist()
        assert [layer.n_feed_forward for layer in made.layers] == oracle["num_ff"][row][:n].tolist()
        assert [layer.operation for layer in made.layers] == oracle["op_names"][oracle["op"][row][:n]].tolist()


def test_params_by_hand():
    embeddings = 30_522 * 128 + 512 * 128 + 2 * 128 + 2 * 128
    transform = 128 * 128 + 128
    first = transform + (128 * 512 + 512) + (512 * 128 + 128) + 2 * 128
    second = first + 2 * (512 * 512 + 512)
    assert DECLARED.params(SMALL, GLUE) == embeddings + first + second
    attention = 4 * (128 * 128 + 128) + 2 * 128
    plain = attention + 2 * 512 * 128 + 512 + 128 + 2 * 128  # by chance 4 x 128 is the declared width
    assert TRAINED.params(SMALL, GLUE) == embeddings + 2 * plain + 2 * (512 * 512 + 512)


def test_one_name_is_three_networks():
    plans = [space.network(SMALL, GLUE).body for space in (MEASURED, DECLARED, TRAINED)]
    assert [type(plan.layers[0].operation).__name__ for plan in plans] == ["LinearTransform"] * 2 + ["Attention"]
    assert [plan.layers[0].feed_forward[0].out_features for plan in plans] == [1024, 512, 512]
    assert [plan.embeddings.words.weight.shape[1] for plan in plans] == [128] * 3
    assert [type(plan.embeddings.projection).__name__ for plan in plans] == ["Linear", "Identity", "Identity"]
    assert len({space.key for space in (MEASURED, DECLARED, TRAINED)}) == 3


@pytest.mark.parametrize("weighted", [False, True])
def test_attention_by_hand(weighted):
    attention, features = ready(Attention(4, 2, weighted=weighted)), random(1, 3, 4)
    query, key, value = (affine(layer, features) for layer in (attention.query, attention.key, attention.value))
    if weighted:
        query = query @ attention.weight.weight.T
    heads = []
    for at in (slice(0, 2), slice(2, 4)):
        scores = query[0, :, at] @ key[0, :, at].T / math.sqrt(2)
        heads.append(scores.softmax(1) @ value[0, :, at])
    output = affine(attention.output, torch.cat(heads, dim=1))
    expected = normalised(output + features, attention.residual.norm)
    torch.testing.assert_close(attention(features), expected)


@pytest.mark.parametrize("cosine", [False, True])
@pytest.mark.parametrize("length", [4, 5])
def test_transforms_equal_those_of_scipy_and_nothing_is_added(cosine, length):
    transform, features = ready(LinearTransform(6, 2, cosine=cosine)), random(1, length, 6)
    values = affine(transform.value, features).detach().numpy()[0]
    of_head = scipy.fft.dctn if cosine else lambda head: scipy.fft.fft2(head).real
    expected = np.concatenate([of_head(values[:, :3]), of_head(values[:, 3:])], axis=1)
    np.testing.assert_allclose(transform(features)[0].detach().numpy(), expected, atol=1e-12)
    assert not [module for module in transform.modules() if isinstance(module, torch.nn.LayerNorm)]


@pytest.mark.parametrize("heads", [2, 4])
def test_a_dynamic_convolution_by_hand(heads):
    hidden, kernel, length = 8, 5, 7
    module, features = ready(DynamicConvolution(hidden, heads, kernel)), random(1, length, hidden)
    x, n = features[0], heads // 2
    width = hidden // 2
    query, key, value, convolved = (
        affine(layer, x) for layer in (module.query, module.key, module.value, module.convolved)
    )
    padded = torch.cat([torch.zeros(2, hidden), x, torch.zeros(2, hidden)]).double()
    depthwise = torch.stack(
        [(padded[at : at + kernel] * module.depthwise.weight[:, 0].T).sum(0) for at in range(length)]
    )
    local = depthwise @ module.pointwise.weight[:, :, 0].T + module.bias[:, 0]
    kernels = affine(module.kernels, local * query).reshape(length, n, kernel).softmax(2)
    around = torch.cat([torch.zeros(2, width), convolved, torch.zeros(2, width)])
    mixed, attended = torch.zeros(length, width).double(), []
    for head in range(n):
        at = slice(head * width // n, (head + 1) * width // n)
        scores = query[:, at] @ key[:, at].T / math.sqrt(width // n)
        attended.append(scores.softmax(1) @ value[:, at])
        for place in range(length):
            mixed[place, at] = kernels[place, head] @ around[place : place + kernel, at]
    output = affine(module.output, torch.cat([*attended, mixed], dim=1))
    torch.testing.assert_close(module(features)[0], normalised(output + x, module.residual.norm))


def test_a_residual_is_normalised_after_the_sum():
    residual = Residual(4).double().eval()
    found = residual(random(2, 3, 4), random(2, 3, 4, seed=1))
    torch.testing.assert_close(found.mean(-1), torch.zeros(2, 3, dtype=torch.float64), atol=1e-12, rtol=0)
    torch.testing.assert_close(found.pow(2).mean(-1), torch.ones(2, 3, dtype=torch.float64))


def test_initial_weights_are_those_of_the_authors_code():
    network = MEASURED.network(MEASURED.architectures[0], GLUE).body
    assert network.embeddings.words.weight[0].abs().sum() == 0
    assert network.embeddings.words.weight[1:].std().item() == pytest.approx(0.02, rel=1e-2)
    linear = network.layers[0].feed_forward[0]
    assert linear.weight.std().item() == pytest.approx(0.02, rel=1e-2)
    assert linear.bias.abs().sum() == 0
    assert network.layers[0].residual.norm.weight.unique().tolist() == [1]
    assert network.layers[0].residual.norm.eps == 1e-12


def test_equal_networks_have_equal_weights_and_others_do_not():
    other = Architecture(SMALL.replace("512", "1024"))
    tokens = GLUE.noise_images(1, torch.Generator().manual_seed(0))
    first, second = (space.network(arch, GLUE).eval()(tokens) for arch in (SMALL, other) for space in [MEASURED])
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    assert MEASURED.canonical(SMALL) == MEASURED.canonical(other)
    assert DECLARED.canonical(SMALL) != DECLARED.canonical(other)
    assert not torch.equal(MEASURED.network(SMALL, GLUE, seed=1).eval()(tokens), first)


@pytest.mark.parametrize("name", ["nasbench_bert", "nasbench_bert_trained"])
def test_what_is_declared_equal_has_equal_digests(name):
    space = BENCHMARKS.get(name)
    arch = next(arch for arch in space.architectures if space.canonical(arch) != arch and len(read(arch).layers) == 2)
    one, form, other = (
        key.rpartition("#")[2] for key in ModelSpace.keyed(space, [arch, space.canonical(arch), SMALL], GLUE, 0)
    )
    assert one == form != other
    assert space.keyed([arch], GLUE, 0) == [arch]


def test_a_network_trained_again_is_the_network():
    again = next(arch for arch in DECLARED.architectures if "~" in arch)
    first = Architecture(again.partition("~")[0])
    assert DECLARED.canonical(again) == first
    assert DECLARED.index(again) > DECLARED.index(first)
    assert first in DECLARED
    assert f"{first}~3" not in DECLARED
    assert set(DECLARED.neighbours(again)) == set(DECLARED.neighbours(first))


def test_two_layers_are_near_to_the_same_twice():
    twice = Architecture(f"{SMALL}|{SMALL.partition('|')[2]}")
    assert twice in MEASURED.neighbours(SMALL)
    assert SMALL in MEASURED.neighbours(twice)
    # of each layer 5 operations, and the other of two heads, widths and numbers; the hidden size; the depth
    assert len(MEASURED.neighbours(SMALL)) == 2 * (5 + 3) + 1 + 1
    unlike = Architecture(twice.replace("LT-DCT", "DSC-5", 1))
    assert len(MEASURED.neighbours(unlike)) == 4 * (5 + 3) + 1


@pytest.mark.parametrize(
    "bad", ["64|LT-DFT:2:512x1|LT-DCT:4:512x3", SMALL[:-1] + "2", f"{SMALL}|SA-SDP:2:512x1", "128"]
)
def test_an_unknown_architecture_is_named(bad):
    with pytest.raises(UnknownNameError, match=r"is not an architecture of nasbench_bert; an example is '256\|SA-WMA"):
        MEASURED.check(bad)


def test_a_plan_of_any_kind_can_be_built():
    network = BertNetwork(Plan(128, (LayerPlan("SA-SDP", 2, (4,)), LayerPlan("DSC-9", 4, (4,)))), has_head=False)
    assert network(torch.zeros(1, 512, dtype=torch.int64)).shape == (1, 512, 128)
    assert network.cells == ("embeddings", "layers.0", "layers.1")
