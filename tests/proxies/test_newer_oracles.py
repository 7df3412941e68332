"""Proxies of 2024 to 2026 against their authors' code, on networks that execute every operation."""

import json
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
from harness.space import BENCHMARKS

ORACLES: dict[str, Any] = json.loads((Path(__file__).parents[1] / "oracles" / "newer.json").read_text())
ROWS = [(bench, row) for bench, of_bench in ORACLES["spaces"].items() for row in of_bench["values"]]
STEP = 4  # every fourth network; all of them are compared in the table of tests/oracles/README.md


@cache
def context(bench: str) -> ScoringContext:
    of_bench = ORACLES["spaces"][bench]
    data_set = replace(DATA_SETS.get(of_bench["data_set"]), shape=tuple(of_bench["shape"]))
    batch_size = ORACLES["batch_size"]
    drawn = draw_batches(data_set, BatchRequest(InputKind.noise, 2, batch_size, 0))
    assert drawn.sha256 == of_bench["sha256"]
    protocol = Protocol(batch_size=batch_size, dtype=Precision.fp64)
    return ScoringContext(BENCHMARKS.get(bench), data_set, protocol, 0, drawn.batches, torch.device("cpu"))


def compared(bench: str, theirs: dict[str, Any]) -> dict[str, tuple[float, float]]:
    """By the name in the fixture, `PROXY` or `PROXY:MODE`, our score and theirs."""
    names = [name for name in theirs if name != "arch"]
    proxies = {name: PROXIES.get(name.partition(":")[0])(**ORACLES["options"].get(name, {})) for name in names}
    found = score(context(bench), theirs["arch"], "all", proxies)
    assert {name: row.reason for name, row in found.items() if row.reason} == {}
    ours = {name: float(proxies[name].combine(pd.DataFrame([row.components]))[0]) for name, row in found.items()}
    return {name: (ours[name], float(theirs[name])) for name in names}


@pytest.mark.long
@pytest.mark.parametrize("row", ROWS[::STEP], ids=lambda row: f"{row[0]}-{row[1]['arch']}")
def test_with_every_operation_executed_the_score_is_the_authors(row: tuple[str, dict[str, Any]]) -> None:
    """To single precision, in which parts of their code compute; the reason of a larger difference is in the README."""
    for name, (ours, theirs) in compared(*row).items():
        assert ours == pytest.approx(theirs, rel=ORACLES["differences"].get(name, 1e-6)), name
