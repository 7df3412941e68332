"""Proxies of 2024 to 2026 against their authors' code, on networks that execute every operation."""

import json
import os
import subprocess
import sys
from collections.abc import Collection
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from harness.evidence.base import ScoringContext, Subject
from harness.evidence.private import run
from harness.inputs import DATA_SETS, BatchRequest, InputKind, draw_batches
from harness.protocol import Precision, Protocol
from harness.proxy import PROXIES
from harness.scoring.engine import score
from harness.space import BENCHMARKS, Execute
from harness.space.initialise import Initialisation
from harness.store import UNDEFINED

ORACLES: dict[str, Any] = json.loads((Path(__file__).parents[1] / "oracles" / "newer.json").read_text())
ROWS = [(bench, row) for bench, of_bench in ORACLES["spaces"].items() for row in of_bench["values"]]
STEP = 4
EVERY = "HARNESS_ALL_ORACLES"
"""Set it to check all networks; every fourth is checked without, since all take two minutes."""
FEW = {
    "nats_sss": ("24:32:24:56:48", ()),
    "nasbench101": ("d59d66a804e27916657ec331965fa6f0", ("rcor", "wrcor", "rbflex", "tcet:norm", "eznas_a")),
    "transnas_micro": ("64-41414-1_21_210", ("near", "wrcor", "tcet_snip:log", "epsinas", "swap_regularised")),
}
"""A network of each space, and the proxies that are checked on it in `make check`; none named: all of them."""
OTHERWISE = {"wrcor:poolings": "d59d66a804e27916657ec331965fa6f0", "epsinas:logits": "8133b02fc230d7770a919a4edb533a7c"}
"""What two of the codes compute on NAS-Bench-101 and no option repeats, and the network that is checked by default."""

ROUNDED = "epsinas"
"""Rounding decides which of its features are exactly 0, and MKL rounds as the processor does."""


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
    """By the name in the fixture, `PROXY` or `PROXY:MODE`, our score and theirs, unless that is null."""
    of_bench = ORACLES["spaces"][bench]
    options = ORACLES["options"] | of_bench.get("options", {})
    names = [name for name in theirs if name != "arch"]
    proxies = {name: PROXIES.get(name.partition(":")[0])(**options.get(name, {})) for name in names}
    found = score(context(bench), theirs["arch"], "all", proxies)
    null = {name for name in names if theirs[name] is None}
    assert {name: row.status for name, row in found.items() if row.reason} == dict.fromkeys(null, UNDEFINED)
    numbers = {}
    for name in names:
        if name not in null:
            ours = float(proxies[name].combine(pd.DataFrame([found[name].components]))[0])
            numbers[name] = (ours, float(theirs[name]) - of_bench.get("added", {}).get(name, 0))
    return numbers


@cache
def on_all_processors(bench: str, arch: str) -> tuple[float, float]:
    """Our epsinas and theirs by MKL's code that rounds alike on all processors, from a process that uses it."""
    words = [sys.executable, __file__, bench, arch]
    environment = os.environ | {"MKL_CBWR": "COMPATIBLE", "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    ours, expected = json.loads(done.stdout)
    return ours, expected


def check(bench: str, theirs: dict[str, Any], names: Collection[str] = ()) -> None:
    """To single precision, in which parts of their code compute; the reason of a larger difference is in the README."""
    chosen = names or theirs.keys() - OTHERWISE.keys()
    theirs = {name: number for name, number in theirs.items() if name in ("arch", *chosen)}
    for name, (ours, expected) in compared(bench, theirs).items():
        if name == ROUNDED and ours != expected:
            ours, expected = on_all_processors(bench, theirs["arch"])
        assert ours == pytest.approx(expected, rel=ORACLES["differences"].get(name, 1e-6)), name


@pytest.mark.long
@pytest.mark.parametrize(
    "row", ROWS if os.environ.get(EVERY) else ROWS[::STEP], ids=lambda row: f"{row[0]}-{row[1]['arch']}"
)
def test_with_every_operation_executed_the_score_is_the_authors(row: tuple[str, dict[str, Any]]) -> None:
    check(*row)


@pytest.mark.parametrize("bench", FEW)
def test_on_a_network_of_each_space_the_score_is_the_authors(bench: str) -> None:
    arch, names = FEW[bench]
    (row,) = (row for of_bench, row in ROWS if (of_bench, row["arch"]) == (bench, arch))
    check(bench, row, names)


def otherwise(name: str) -> list[dict[str, Any]]:
    rows = [row for bench, row in ROWS if bench == "nasbench101"]
    return [row for row in rows if os.environ.get(EVERY) or row["arch"] == OTHERWISE[name]]


@pytest.mark.parametrize("row", otherwise("wrcor:poolings"), ids=lambda row: row["arch"])
def test_wrcor_of_the_authors_list_of_layers(row: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Their NAS-Bench-101 network lists the poolings between the stacks among its layers."""
    build = Subject.build

    def with_poolings(subject: Subject, *, init: Initialisation, seed: int, execute: Execute | None = None) -> Any:
        network: Any = build(subject, init=init, seed=seed, execute=execute)
        network.cells = ("stem", *(f"blocks.{place}" for place in range(len(network.blocks))))
        return network

    monkeypatch.setattr(Subject, "build", with_poolings)
    check("nasbench101", row, ["wrcor:poolings"])


@pytest.mark.parametrize("row", otherwise("epsinas:logits"), ids=lambda row: row["arch"])
def test_epsinas_of_logits(row: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Their NAS-Bench-101 network has one class and returns its logit first."""

    def logits(network: nn.Module, images: Tensor) -> Tensor:
        with torch.no_grad():
            return run(network, images)

    monkeypatch.setattr("proxies.epsinas.detached_features", logits)
    check("nasbench101", row, ["epsinas:logits"])


if __name__ == "__main__":
    BENCH, ARCH = sys.argv[1:]
    (ROW,) = (row for bench, row in ROWS if (bench, row["arch"]) == (BENCH, ARCH))
    print(json.dumps(compared(BENCH, {"arch": ARCH, ROUNDED: ROW[ROUNDED]})[ROUNDED]))
