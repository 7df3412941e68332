"""ZiCo's ImageNet space: strings, counts, scores and mutations equal those of the authors' code."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from torch import nn

from benchmarks.imagenet_mbv2.mutation import _KIND_WEIGHTS, _KINDS, mutate, neighbours, scaled, split
from benchmarks.imagenet_mbv2.structure import WIDTHS, read, write
from harness.errors import MissingDataError, OptionError, UnknownNameError
from harness.evidence import WeightGradients
from harness.inputs import DATA_SETS, BatchRequest, InputKind, draw_batches
from harness.protocol import Precision, Protocol
from harness.proxy import PROXIES
from harness.scoring import ContextSpec
from harness.scoring.engine import score
from harness.space import BENCHMARKS, Architecture
from harness.truth import Truth

ORACLES: dict[str, Any] = json.loads((Path(__file__).parents[1] / "oracles" / "imagenet_mbv2.json").read_text())
PUBLISHED: dict[str, Any] = ORACLES["values"]
SMALLEST = Architecture(PUBLISHED["ZiCo_imagenet1k_flops450M_res224"]["structure"])
SPACE = BENCHMARKS.get("imagenet_mbv2")
IMAGENET = DATA_SETS.get("imagenet")
REDUCED = replace(IMAGENET, shape=(3, 64, 64))
BATCHES = draw_batches(REDUCED, BatchRequest(InputKind.noise, n_batches=2, batch_size=4, seed=0))
SCORED = [(name, options) for name, values in PUBLISHED.items() for options in values["zico"]]


def walk(n_steps: int, seed: int = 0) -> list[Architecture]:
    """Structures met by mutating the first one, which keep to the authors' layer limit."""
    found, rng = [SPACE.start], Random(seed)
    while len(found) <= n_steps:
        changed = SPACE.mutate(found[-1], rng)
        if SPACE.costs(changed, IMAGENET)["layers"] <= 14:
            found.append(changed)
    return found


@pytest.mark.parametrize("name", PUBLISHED)
def test_counts_at_224_equal_those_of_the_authors_code(name):
    values = PUBLISHED[name]
    costs = SPACE.costs(Architecture(values["structure"]), IMAGENET)
    assert costs == {
        "params": values["trained_params"],
        "flops": values["trained_macs"] + 1000,  # the project's counter adds the classifier's bias
        "layers": values["layers"],
        "search_params": values["search_params"],
        "search_flops": values["search_flops"],
    }


@pytest.mark.long
@pytest.mark.parametrize(("name", "options"), SCORED)
def test_zico_equals_the_authors_for_equal_weights_and_inputs(name, options):
    assert BATCHES.sha256 == ORACLES["inputs"]["sha256"]
    residuals, squeeze_excitation = (word.endswith("true") for word in options.split())
    space = SPACE.as_scored(residuals=residuals, squeeze_excitation=squeeze_excitation)
    network = space.network(PUBLISHED[name]["structure"], REDUCED, seed=0).double()
    weights = {n: m.weight for n, m in network.named_modules() if isinstance(m, nn.Conv2d | nn.Linear)}
    gradients = WeightGradients()
    for batch in BATCHES:
        loss = REDUCED.loss(network(batch.images.double()), batch.targets)
        gradients.add(dict(zip(weights, torch.autograd.grad(loss, list(weights.values())), strict=True)))
    # On one machine the two agree to 1e-12. Between processors float64 rounds differently, and without links these
    # gradients grow from end to end: weights changed by one bit in the last place move a score by up to 6e-6.
    assert PROXIES.get("zico")().measure(gradients) == pytest.approx(PUBLISHED[name]["zico"][options], rel=1e-4)


def test_the_protocol_chooses_what_is_scored_and_a_key_says_so():
    protocol = Protocol(batch_size=4, dtype=Precision.fp64)
    plain = replace(protocol, residuals=False)
    assert '"residuals":false' in plain.key
    assert "residuals" not in protocol.key
    assert plain.label == "paper(batch_size=4, dtype=fp64, residuals=False)"
    spec = ContextSpec("imagenet_mbv2", "imagenet", InputKind.noise, plain, seed=0, device="cpu")
    assert spec.make(with_batches=False).space == SPACE.as_scored(residuals=False, squeeze_excitation=False)
    context = replace(spec.make(with_batches=False), data_set=REDUCED, batches=BATCHES.batches)
    context = replace(context, space=SPACE.as_scored(residuals=True, squeeze_excitation=False))
    found = score(context, SMALLEST, "live", {"zico": PROXIES.get("zico")()})["zico"].components["zico"]
    # Through the engine, which runs in another memory layout.
    theirs = PUBLISHED["ZiCo_imagenet1k_flops450M_res224"]["zico"]
    assert found == pytest.approx(theirs["residuals=true squeeze_excitation=false"], rel=1e-6)


def test_only_a_space_that_has_the_choice_takes_it():
    with pytest.raises(OptionError, match=r"protocol.residuals=false is invalid for nats_tss"):
        BENCHMARKS.get("nats_tss").as_scored(residuals=False, squeeze_excitation=False)


@pytest.mark.parametrize("arch", [SPACE.start, *(values["structure"] for values in PUBLISHED.values())])
def test_a_string_is_read_and_written_back(arch):
    assert write(read(arch)) == arch == SPACE.canonical(arch)


def test_drawn_and_mutated_structures_are_read_and_written_back_and_stay_within_the_space():
    rng = Random(0)
    for arch in [*walk(40), *(SPACE.random(rng) for _ in range(40))]:
        assert arch in SPACE
        assert write(read(arch)) == arch


def test_counts_equal_what_the_built_network_holds():
    for arch in (SPACE.start, SPACE.random(Random(4)), walk(12)[-1]):
        network = SPACE.network(arch, REDUCED)
        assert SPACE.params(arch, IMAGENET) == sum(parameter.numel() for parameter in network.parameters())
        sizes = Counter(m.weight.numel() for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear))
        layers = SPACE.layers(arch, IMAGENET)
        assert Counter(layer.n_weights for layer in layers for _ in range(layer.repeats)) == sizes
        table = SPACE.layer_table([arch], IMAGENET)
        assert (table.flops * table.repeats).sum() == SPACE.flops(arch, IMAGENET)


def test_the_stem_and_the_first_bottleneck_by_hand():
    # 3 -> 8 channels, 3x3, to 112 x 112: 216 weights and 16 of the normalisation, 216 x 112^2 operations. Then 8 -> 48
    # (E6, bottleneck 8), 3x3 in depth to 56 x 56, squeezed to 12, 48 -> 8, and the link 8 -> 8 with a bias.
    layers = SPACE.layers(SPACE.start, IMAGENET)[:7]
    assert [layer.n_weights for layer in layers] == [216, 384, 432, 576, 576, 384, 64]
    assert [layer.n_params for layer in layers] == [232, 480, 528, 600, 672, 400, 88]
    assert [layer.flops for layer in layers] == [2709504, 4816896, 1354752, 576, 576, 1204224, 200704]


def test_kinds_widths_and_splits_of_mutations_are_the_authors():
    theirs = ORACLES["mutation"]
    names = [f"SuperResIDWE{expansion}K{kernel}" for expansion, kernel in _KINDS]
    assert dict(zip(names, _KIND_WEIGHTS, strict=True)) == theirs["times_in_list"]
    for width, widths in theirs["widths"].items():
        assert list(scaled(int(width))) == [found for found in widths if found in WIDTHS]
    for long, short in theirs["split"].items():
        assert write(split(read(long))) == short


def test_neighbours_are_the_authors_candidates():
    theirs = ORACLES["mutation"]
    structure = read(theirs["of"])
    changed = {s.stages[theirs["place"] - 1] for s in neighbours(structure) if len(s.stages) == len(structure.stages)}
    assert len(changed - set(structure.stages)) == 12 * theirs["candidates_of_each_kind"] - 1
    assert theirs["of"] not in SPACE.neighbours(theirs["of"])


def test_mutations_follow_the_authors_weights():
    structure, rng = read(SMALLEST), Random(0)
    kinds: Counter[tuple[int, int]] = Counter()
    for _ in range(1500):
        changed = mutate(structure, rng)
        assert changed != structure
        kinds.update((s.expansion, s.kernel) for s in changed.stages if s not in structure.stages)
    total, weight = sum(kinds.values()), sum(_KIND_WEIGHTS)
    for kind, expected in zip(_KINDS, _KIND_WEIGHTS, strict=True):
        share = expected / weight
        assert (
            abs(kinds[kind] / total - share) < 5 * (share / total) ** 0.5 + 0.005
        )  # a stage that stays is not counted


WRONG = {
    "unknown block": (
        ("SuperResIDWE4K7", "SuperResIDWE3K7"),
        "No block of imagenet_mbv2 is called 'SuperResIDWE3K7'. ",
    ),
    "width": (("(16,40,2,40,1)", "(16,44,2,40,1)"), "SuperResIDWE1K7 has 44 channels; it must be a multiple of 8"),
    "too wide": (("(96,224,2,224,5)", "(96,224,2,1032,5)"), "bottleneck has 1032 channels; it must be a multiple of 8"),
    "chain": (("(40,80,2,64,1)", "(48,80,2,64,1)"), "has 48 input channels, but the previous block has 40"),
    "stride": (("(80,96,2,96,5)", "(80,96,1,96,5)"), "3 stages have stride 2; it must be 4"),
    "no layer": (("(80,96,2,96,5)", "(80,96,2,96,0)"), "stride 2 and 0 layers"),
    "numbers": (("(80,96,2,96,5)", "(80,96,2,5)"), "must have 5 whole numbers"),
    "head": (("(224,2048,1,1)", "(224,1024,1,1)"), "the last block must be SuperConvK1BNRELU(224,2048,1,1)"),
    "stem": (("(3,16,2,1)", "(3,16,1,1)"), "the first block must be SuperConvK3BNRELU(3,WIDTH,2,1)"),
    "rest": (("(224,2048,1,1)", "(224,2048,1,1"), "is not a block NAME(NUMBERS)"),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_a_wrong_string_is_told_in_one_sentence(mistake):
    (right, wrong), sentence = WRONG[mistake]
    text = SMALLEST.replace(right, wrong)
    assert text not in SPACE
    with pytest.raises(UnknownNameError) as told:
        SPACE.check(text)
    assert sentence in str(told.value)


def test_the_space_has_neither_a_list_nor_truth():
    assert not SPACE.enumerable
    with pytest.raises(OptionError, match="too many architectures to list"):
        _ = SPACE.architectures
    with pytest.raises(MissingDataError, match=r"has no ground truth: .* searched instead: `python -m harness.search"):
        Truth.open("imagenet_mbv2")
