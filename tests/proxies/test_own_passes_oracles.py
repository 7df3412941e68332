"""Proxies with passes of their own against their authors' code, on networks that execute every operation."""

import json
import math
import os
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from harness.evidence.base import ScoringContext
from harness.inputs import DATA_SETS, BatchRequest, InputKind, draw_batches
from harness.protocol import Precision, Protocol
from harness.proxy import PROXIES
from harness.scoring.engine import score
from harness.space import BENCHMARKS, Architecture

ORACLES: dict[str, Any] = json.loads((Path(__file__).parents[1] / "oracles" / "own_passes.json").read_text())
ROWS = [(bench, row) for bench, of_bench in ORACLES["spaces"].items() for row in of_bench["values"]]
OF_NO_KERNEL = -100_000  # what their code makes of 0 / 0
SAMPLED = "knas_sampled"  # fifty passes of one image
EVERY = "HARNESS_ALL_ORACLES"
"""Set it to check all networks; a part is checked without, since all take a minute and a half."""


def _part(rows: list[tuple[str, dict[str, Any]]], step: int) -> list[tuple[str, dict[str, Any]]]:
    return rows if os.environ.get(EVERY) else rows[::step]


@cache
def context(bench: str, batch_size: int) -> ScoringContext:
    of_bench = ORACLES["spaces"][bench]
    data_set = replace(DATA_SETS.get(of_bench["data_set"]), shape=tuple(of_bench["shape"]))
    drawn = draw_batches(data_set, BatchRequest(InputKind.noise, 2, batch_size, 0))
    if batch_size == ORACLES["batch_size"]:
        assert drawn.sha256 == of_bench["sha256"]
    protocol = Protocol(batch_size=batch_size, dtype=Precision.fp64)
    return ScoringContext(BENCHMARKS.get(bench), data_set, protocol, 0, drawn.batches, torch.device("cpu"))


def ours(bench: str, arch: Architecture, names: list[str], batch_size: int) -> dict[str, float]:
    """Scores in float64 on the network that executes every operation, with the options of the fixture."""
    options = ORACLES["options"] | (ORACLES["options_of_transnas"] if bench.startswith("transnas") else {})
    proxies = {name: PROXIES.get(name)(**options.get(name, {})) for name in names}
    found = score(context(bench, batch_size), arch, "all", proxies)
    assert {name: row.reason for name, row in found.items() if row.reason} == {}
    return {name: float(proxies[name].combine(pd.DataFrame([row.components]))[0]) for name, row in found.items()}


@pytest.mark.long
@pytest.mark.parametrize("row", _part(ROWS, 3), ids=lambda row: f"{row[0]}-{row[1]['arch']}")
def test_with_every_operation_executed_the_score_is_the_authors(row: tuple[str, dict[str, Any]]) -> None:
    bench, theirs = row
    names = [name for name in theirs if name not in ("arch", SAMPLED)]
    found = ours(bench, theirs["arch"], names, ORACLES["batch_size"])
    expected = {name: float(theirs[name]) for name in names}
    if expected["ntk_cond"] == OF_NO_KERNEL:
        expected["ntk_cond"] = -math.inf
    assert found == {name: pytest.approx(number, rel=_tolerance(bench, name)) for name, number in expected.items()}


def _tolerance(bench: str, name: str) -> float:
    """What rounding leaves.

    The mean over pixels of what a normalisation by one image's statistics gives is constant, and TransNAS pools just
    that: the gradients of its backbones are 0 but for rounding, whose signs are counted.
    """
    return 1e-2 if bench.startswith("transnas") and name.startswith("gradsign") else 1e-4


@pytest.mark.parametrize("row", _part(ROWS, 13), ids=lambda row: f"{row[0]}-{row[1]['arch']}")
def test_the_authors_sample_of_knas(row: tuple[str, dict[str, Any]]) -> None:
    bench, theirs = row
    found = ours(bench, theirs["arch"], [SAMPLED], ORACLES["batch_size_of_knas_sampled"])
    assert found[SAMPLED] == pytest.approx(theirs[SAMPLED], rel=1e-4, abs=1e-20)
