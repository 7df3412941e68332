"""How a user names an architecture: index, official string, or the beginning of one that no other shares."""

from random import Random

import pytest

from harness.errors import OptionError, UnknownNameError
from harness.search import SearchSettings, SearchSpec, search
from harness.settings import Settings
from harness.space import BENCHMARKS


@pytest.mark.parametrize("bench", [name for name in BENCHMARKS if BENCHMARKS.get(name).enumerable])
def test_an_architecture_is_found_by_index_string_and_beginning(bench):
    space = BENCHMARKS.get(bench)
    for row in (0, 17, len(space.architectures) - 1):
        arch = space.architectures[row]
        assert space.find(str(row)) == space.find(arch) == arch
        assert space.label(arch) == str(row)
    arch = space.architectures[17]
    alone = next(n for n in range(1, len(arch) + 1) if len(space.beginning_with(arch[:n])) == 1)
    assert tuple(space.beginning_with(arch[:alone])) == (arch,)
    assert space.find(arch[:alone]) == arch


def test_a_beginning_of_several_says_how_many_and_names_two():
    with pytest.raises(OptionError, match=r"'64-41414-3' is the beginning of 1,024 architectures of "):
        BENCHMARKS.get("transnas_micro").find("64-41414-3")
    # 5 operations on each of the five other edges
    with pytest.raises(OptionError, match=r"'\|none' is the beginning of 3,125 architectures of nats_tss"):
        BENCHMARKS.get("nats_tss").find("|none")


def test_the_beginning_of_a_hash_is_found_among_sorted_names():
    space = BENCHMARKS.get("nasbench101")
    assert space.find("00005c14") == "00005c142e6f48ac74fdcf73e3439874"
    last = [arch for arch in space.architectures[-40:] if arch.startswith("ffff7")]
    assert list(space.beginning_with("ffff7")) == last


@pytest.mark.parametrize(
    ("bench", "word", "error", "sentence"),
    [
        ("nats_tss", "15625", OptionError, "nats_tss has no architecture 15625; its indices are 0 to 15624, and"),
        ("nats_tss", "|conv", UnknownNameError, "'|conv' is not an architecture of nats_tss; an example is"),
        ("nats_sss", "", UnknownNameError, "'' is not an architecture of nats_sss"),
        ("imagenet_mbv2", "0", UnknownNameError, "'0' is not an architecture of imagenet_mbv2"),
    ],
)
def test_what_is_not_there_is_said(bench, word, error, sentence):
    with pytest.raises(error) as raised:
        BENCHMARKS.get(bench).find(word)
    assert sentence in str(raised.value)


def test_a_space_without_numbers_labels_by_hash():
    space = BENCHMARKS.get("imagenet_mbv2")
    labels = {space.label(arch) for arch in (space.start, space.mutate(space.start, Random(0)))}
    assert {len(label) for label in labels} == {8}
    assert len(labels) == 2


def test_a_mutation_is_one_of_the_neighbours_drawn_uniformly():
    space = BENCHMARKS.get("transnas_micro")
    neighbours = space.neighbours(space.start)
    drawn = [space.mutate(space.start, Random(seed)) for seed in range(900)]
    assert set(drawn) == set(neighbours)
    # 18 neighbours, 50 expected of each; 20 and 90 are more than four standard deviations away
    assert all(20 < drawn.count(arch) < 90 for arch in neighbours)


def test_a_search_starts_at_an_index(tmp_path):
    base = Settings(truth="none", store=tmp_path / "s.sqlite", out=tmp_path / "out", workers=1)
    settings = SearchSettings(base=base, steps=4, population=2, start="11")
    found = search(SearchSpec(searchers=("evolution",), proxies=("params",)), settings)
    assert found.tables.candidates["arch"].iloc[0] == BENCHMARKS.get("nats_tss").architectures[11]
