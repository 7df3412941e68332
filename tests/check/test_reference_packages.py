"""`python -m harness.check BENCHMARK`: a benchmark beside the package of its authors, or the port in use."""

import dataclasses

import pytest
import torch
from torch import nn

from benchmarks.cell_graph import SKIP
from benchmarks.nasbench101.layers import layer_table as real_layer_table
from benchmarks.nasbench101.network import ConvNormAct
from benchmarks.nats_tss.network import Cell
from harness.check import CheckResult
from harness.check.__main__ import main
from harness.check.reference import check_reference
from harness.errors import UnknownNameError
from harness.space import BENCHMARKS

pytestmark = pytest.mark.long


def results(bench: str) -> dict[str, CheckResult]:
    return {finding.check: finding.result for finding in check_reference(bench)}


@pytest.mark.parametrize("bench", ["nats_tss", "nasbench101"])
def test_a_benchmark_agrees_with_its_reference_package(bench, capsys):
    assert main([bench]) == 0
    out = capsys.readouterr().out
    assert f"{bench} passes " in out
    assert {line.split()[0] for line in out.splitlines() if line.startswith("  ") and line[2] != " "} == {
        "pass",
        "note",
    }
    assert "outputs" in out


def test_what_was_published_is_what_the_package_finds(capsys):
    main(["nats_tss"])
    out = capsys.readouterr().out
    assert "15,625 names are read and written as nats_bench does" in out
    assert "6,466 different topologies" in out  # arXiv:2009.00437


@pytest.mark.long
def test_other_counts_networks_and_names_are_found_out(monkeypatch):
    """Each comparison fails for its own fault, the others still pass."""

    def with_one_more(codes, data_set):
        table = real_layer_table(codes, data_set)
        return dataclasses.replace(table, n_params=table.n_params + (table.repeats > 0))

    with monkeypatch.context() as counted_wrong:
        counted_wrong.setattr("benchmarks.nasbench101.space.layer_table", with_one_more)
        wrong = {check for check, result in results("nasbench101").items() if result is CheckResult.failed}
        assert wrong == {"parameters"}
    with monkeypatch.context() as run_wrong:
        run_wrong.setattr(ConvNormAct, "forward", lambda self, features: torch.tanh(self.norm(self.conv(features))))
        wrong = {check for check, result in results("nasbench101").items() if result is CheckResult.failed}
        assert wrong == {"outputs"}


@pytest.mark.long
def test_another_meaning_of_a_name_is_found_out(monkeypatch):
    space = BENCHMARKS.get("nats_tss")
    cells = {arch: (SKIP, *cell[1:]) if arch == space.architectures[5] else cell for arch, cell in space._cells.items()}
    assert cells != space._cells
    monkeypatch.setitem(vars(space), "_cells", cells)
    found = {finding.check: finding for finding in check_reference("nats_tss")}
    assert found["names"].result is CheckResult.failed
    assert found["names"].text == f"nats_bench differs for 1 cells, the first being {space.architectures[5]}"
    assert found["operations"].result is CheckResult.passed


@pytest.mark.long
@pytest.mark.parametrize("module", ["Zero", "AveragePool"])
def test_an_operation_that_is_not_what_it_is_called_is_found_out(module, monkeypatch):
    monkeypatch.setattr(f"benchmarks.nats_tss.network.{module}", nn.Identity)
    wrong = {check for check, result in results("nats_tss").items() if result is CheckResult.failed}
    assert wrong == {"outputs"}


@pytest.mark.long
def test_a_cell_that_sums_otherwise_is_found_out(monkeypatch):
    first = Cell.forward
    monkeypatch.setattr(Cell, "forward", lambda self, features: first(self, features) + features)
    wrong = {check for check, result in results("nats_tss").items() if result is CheckResult.failed}
    assert wrong == {"outputs"}


def test_a_benchmark_without_a_reference_says_so(capsys):
    assert main(["transnas_micro"]) == 0
    assert "transnas_micro names no reference package to be compared with" in capsys.readouterr().out


def test_a_package_that_is_missing_is_named(monkeypatch):
    def missing(self):
        raise ModuleNotFoundError("No module named 'nats_bench'", name="nats_bench")
        yield

    monkeypatch.setattr(type(BENCHMARKS.get("nats_tss")), "reference_checks", missing)
    (finding,) = check_reference("nats_tss")
    assert finding.result is CheckResult.failed
    assert finding.text == "No module named 'nats_bench'. Install it: pip install nats_bench."


def test_a_name_of_neither_is_a_mistake(capsys):
    assert main(["nats_ts"]) == 2
    assert "No proxy is called 'nats_ts'" in capsys.readouterr().err
    with pytest.raises(UnknownNameError, match=r"No benchmark is called 'nats_ts'. Did you mean 'nats_tss'"):
        list(check_reference("nats_ts"))
