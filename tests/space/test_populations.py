"""Populations: their sizes, what they hold, their samples, and what cannot be one."""

from pathlib import Path

import numpy as np
import pytest

from harness.errors import HarnessError
from harness.evaluation.population import open_population
from harness.evaluation.sampling import sample_index
from harness.settings import Settings
from harness.space import BENCHMARKS

TSS = BENCHMARKS.get("nats_tss")


def cell(*operations: str) -> str:
    """The NATS-TSS string of the operations on the edges 0-1, 0-2, 1-2, 0-3, 1-3, 2-3."""
    a, b, c, d, e, f = operations
    return f"|{a}~0|+|{b}~0|{c}~1|+|{d}~0|{e}~1|{f}~2|"


@pytest.mark.parametrize(
    ("bench", "name", "size"),
    [
        # arXiv:2404.16551 and 2502.04975 evaluate on the 9,445 cells and the 2,128 without unreachable operations.
        ("nats_tss", "all", 15_625),
        ("nats_tss", "connected", 15_284),
        ("nats_tss", "reachable", 9_445),
        ("nats_tss", "canonical", 5_425),
        ("transnas_micro", "reachable", 2_128),
        ("nats_sss", "canonical", 32_768),
    ],
)
def test_sizes(bench: str, name: str, size: int) -> None:
    assert len(open_population(BENCHMARKS.get(bench), name).index) == size


def test_what_is_reachable_and_connected() -> None:
    reachable, connected = (set(open_population(TSS, name).archs) for name in ("reachable", "connected"))
    none, conv = "none", "nor_conv_3x3"
    empty = cell(*[none] * 6)
    dead = cell(conv, none, none, conv, none, none)  # node 1 leads nowhere
    live = cell(none, none, none, conv, none, none)
    assert empty in reachable
    assert empty not in connected
    assert dead in connected - reachable
    assert live in reachable & connected


def test_reachable_cells_stand_for_every_network() -> None:
    assert len(open_population(TSS, "reachable").class_size) == len(open_population(TSS, "canonical").index)
    assert max(open_population(TSS, "all").class_size.values()) == 460


def test_a_sample_of_a_population_is_nested_and_within_it() -> None:
    population = open_population(TSS, "reachable")
    small, large = (sample_index(TSS, Settings(sample=n), population) for n in (100, 1000))
    assert np.array_equal(large[:100], small)
    assert np.isin(large, population.index).all()
    whole = sample_index(TSS, Settings(sample=2000))
    assert np.array_equal(whole[np.isin(whole, population.index)][:1000], large)
    with pytest.raises(HarnessError, match="sample=9446 is larger than the population reachable of nats_tss"):
        sample_index(TSS, Settings(sample=9446), population)


def test_a_file_of_architectures(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("\n".join(["arch", TSS.architectures[7], TSS.architectures[3], TSS.architectures[7]]))
    found = open_population(TSS, str(file))
    assert found.index.tolist() == [3, 7]
    assert found.words == "the 2 architectures of mine.csv"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("arch\n", "has no rows; each is an architecture"),
        ("cell\nx\n", "has the columns cell; it needs arch"),
        ("arch\nx\n", "'x' is not an architecture of nats_tss"),
        ("", "has no columns; it needs arch"),
    ],
)
def test_a_file_that_is_no_population(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "mine.csv"
    file.write_text(text)
    with pytest.raises(HarnessError, match=sentence):
        open_population(TSS, str(file))


def test_unknown_populations_are_named() -> None:
    with pytest.raises(
        HarnessError, match=r"No population of nats_tss is called 'reachabel'. Did you mean 'reachable'"
    ):
        open_population(TSS, "reachabel")
    with pytest.raises(HarnessError, match=r"There is no file 'absent\.csv'; population= takes"):
        open_population(TSS, "absent.csv")
