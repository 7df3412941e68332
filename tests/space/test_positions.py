"""Positions of every benchmark, and parts of spaces: what is outside is neither listed, drawn nor mutated into."""

from collections import Counter
from random import Random

import numpy as np
import pytest

from harness.errors import OptionError
from harness.space import BENCHMARKS, SearchSpace
from harness.space.restricted import Part, restricted

TSS, MNASNET = BENCHMARKS.get("nats_tss"), BENCHMARKS.get("mnasnet")
LISTED = [name for name in BENCHMARKS if BENCHMARKS.get(name).enumerable and BENCHMARKS.get(name).positions]
CHOICES = ["nats_tss", "nats_sss", "nasbench_macro", "transnas_micro", "mnasnet", "nasbench_mr"]


def fixed(space: SearchSpace, **values: str) -> Part:
    """The part with one value at each of some positions; an underscore stands for a dash."""
    return Part(space, {name.strip("e").replace("_", "-"): frozenset([value]) for name, value in values.items()})


@pytest.mark.parametrize("bench", LISTED)
def test_each_position_holds_one_value_and_many_at_once_hold_what_each_does(bench):
    space = BENCHMARKS.get(bench)
    n_archs = len(space.architectures)
    archs = [space.architectures[row] for row in range(0, n_archs, n_archs // 150)]
    held = space.values_held(archs)
    for position, fast, slow in zip(space.positions, held, SearchSpace.values_held(space, archs), strict=True):
        assert np.array_equal(fast, slow)
        assert position.is_shared or (fast.sum(axis=1) == 1).all()
    assert len({position.name for position in space.positions}) == len(space.positions)


@pytest.mark.parametrize("bench", CHOICES)
def test_a_neighbour_differs_at_one_position(bench):
    space = BENCHMARKS.get(bench)
    arch = space.architectures[len(space.architectures) // 3]
    for other in space.neighbours(arch):
        both = zip(space.values_at(arch), space.values_at(other), strict=True)
        assert sum(one != two for one, two in both) == 1


def test_a_cell_of_nasbench101_counts_its_operations():
    space = BENCHMARKS.get("nasbench101")
    arch = space.find("00005c142e6f48ac74fdcf73e3439874")
    cell = space.cell(arch)
    named = dict(zip([position.name for position in space.positions], space.values_at(arch), strict=True))
    assert set(named["operations"]) == set(cell.operations)
    assert named["edges"] == (str(len(cell.edges)),)
    assert named["conv3x3-bn-relu"] == (str(cell.operations.count("conv3x3-bn-relu")),)
    without_pooling = Part(space, {"operations": frozenset(["conv3x3-bn-relu", "conv1x1-bn-relu"])})
    none_of_it = Part(space, {"maxpool3x3": frozenset(["0"])})
    assert np.array_equal(without_pooling.index, none_of_it.index)
    assert 0 < len(none_of_it.index) < len(space.architectures)


def test_a_part_is_searched_as_a_space_of_its_own():
    part = fixed(TSS, e0_3="skip_connect", e0_1="nor_conv_3x3")
    space, rng = restricted(part), Random(0)
    assert len(space.architectures) == 5**4
    assert part.inside(space.architectures).all()
    arch = space.architectures[100]
    assert len(space.neighbours(arch)) == 4 * 4  # two of the six edges are fixed
    assert set(space.neighbours(arch)) == set(TSS.neighbours(arch)) & set(space.architectures)
    mutated = Counter(space.mutate(arch, rng) for _ in range(1_600))
    assert set(mutated) == set(space.neighbours(arch))
    assert max(mutated.values()) < 2 * min(mutated.values())  # 100 of each expected, standard deviation 10
    assert space.random(rng) in space
    assert TSS.architectures[0] not in space
    assert space.canonical(arch) == TSS.canonical(arch)


def test_where_no_neighbour_is_inside_another_architecture_is_drawn():
    first, second = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|", TSS.architectures[11]
    space = restricted(Part(TSS, {}, (lambda archs: np.array([arch in (first, second) for arch in archs]),)))
    assert space.neighbours(TSS.check(first)) == ()
    assert {space.mutate(TSS.check(first), Random(seed)) for seed in range(20)} == {first, second}


def test_draws_from_a_space_of_choices_are_made_of_what_is_allowed():
    names = [position.name for position in MNASNET.positions if "kernel" in position.name or "layers" in position.name]
    values = {name: frozenset(["3" if "kernel" in name else "1"]) for name in names}
    space = restricted(Part(MNASNET, values))  # 1 in 5 million networks of the whole space
    drawn = [space.random(Random(seed)) for seed in range(20)]
    assert all("k3l1" in arch and "k5" not in arch for arch in drawn)
    assert len(set(drawn)) == 20


def test_a_space_too_large_to_list_says_when_nothing_inside_is_drawn():
    space = restricted(Part(BENCHMARKS.get("imagenet_mbv2"), {}, (lambda archs: np.zeros(len(archs), dtype=bool),)))
    with pytest.raises(OptionError, match=r"^None of 2,000 architectures drawn from imagenet_mbv2 is inside"):
        space.random(Random(0))
