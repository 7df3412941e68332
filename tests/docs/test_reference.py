"""The reference is generated from the code, so whatever is registered has its entry."""

import importlib
import math
import sys
from pathlib import Path

import pytest

from harness import column_meanings, columns
from harness.evidence import EVIDENCE
from harness.inputs import DATA_SETS
from harness.proxy import PROXIES
from harness.result_tables import read_agreement
from harness.space import BENCHMARKS
from harness.truth.sources import TRUTH_SOURCES

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[str, str]:
    """The generated pages by name, made where there is no data home."""
    folder = tmp_path_factory.mktemp("reference") / "reference"
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "docs"))
        patch.setenv("HARNESS_DATA", str(folder / "none"))
        patch.delenv("HARNESS_MIRROR", raising=False)
        path = list(sys.path)
        importlib.import_module("generate").write_reference(folder)
        sys.path[:] = path
    return {page.stem: page.read_text(encoding="utf-8") for page in folder.glob("*.md")}


def headings(page: str) -> set[str]:
    return {line.lstrip("# ") for line in page.splitlines() if line.startswith("#")}


def test_every_plug_in_has_its_entry(pages):
    assert set(PROXIES) <= headings(pages["proxies"])
    assert set(BENCHMARKS) <= headings(pages["benchmarks"])
    assert {EVIDENCE.get(name).__name__ for name in EVIDENCE} <= headings(pages["evidence"])
    assert all(f"| `{name}` |" in pages["benchmarks"] for name in DATA_SETS)
    for name in BENCHMARKS:
        entry = pages["benchmarks"].split(f"\n## {name}\n")[1].split("\n## ")[0]
        assert all(f"| `{notation}` | " in entry for notation in BENCHMARKS.get(name).notations)


def test_every_benchmark_with_a_truth_is_cited_and_the_card_of_timm_has_its_reference(pages):
    cited = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    notes = " ".join(line for line in cited.splitlines() if "notes:" in line)
    assert [name for name in {TRUTH_SOURCES.get(key).benchmark for key in TRUTH_SOURCES} if name not in notes] == []
    card = pages["benchmarks"].split("\n## timm\n")[1].split("\n## ")[0]
    assert "doi:10.5281/zenodo.4414861" in card
    assert "doi: 10.5281/zenodo.4414861" in cited


def test_every_command_has_its_entry_and_its_words(pages):
    files = [*(ROOT / "harness").glob("*/__main__.py"), *(ROOT / "harness").glob("*.py")]
    runs = [file for file in files if '__name__ == "__main__"' in file.read_text()]
    words = {"harness" if f.parent == ROOT / "harness" and f.stem == "__main__" else
             f"harness.{f.parent.name if f.stem == '__main__' else f.stem}" for f in runs}  # fmt: skip
    assert {f"python -m {word}" for word in words} <= headings(pages["commands"])
    assert "sample_seed=0 " in pages["commands"]
    assert "usage: python -m harness.store merge" in pages["commands"]


def test_every_column_has_its_meaning(pages):
    tables = (columns.AGREEMENT, columns.VERDICT, columns.SELECTION, columns.SEEDS, columns.RELIABILITY)
    for name in {column for table in (*tables, columns.REFERENCE, columns.SCORES) for column in table}:
        assert f"| `{name}` | {column_meanings.MEANINGS[name]}" in pages["files"]


def test_a_card_states_the_measured_value_with_its_interval_and_the_published_one(pages):
    card = pages["proxies"].split("\n## zico\n")[1].split("\n## ")[0]
    whole = read_agreement(ROOT / "results/whole_space/cifar10/agreement.csv")
    row = whole[whole["proxy"] == "zico"].iloc[0]
    assert math.isnan(row["tau_low"])  # fewer than five effective classes: no interval over classes, and none is shown
    assert f"| {row['tau']:.3f} |" in card
    assert "[0." in card  # other rows have one
    assert "nan" not in card
    assert "(https://arxiv.org/abs/2301.11300)" in card
    assert ".61" in card


def test_a_column_of_a_score_file_is_not_the_proxy_that_it_is_called_as(pages):
    external = read_agreement(ROOT / "results/nasbench_mr/agreement.csv")
    assert set(external["version"]) >= {"external"}
    assert "zico" in set(external[external["version"] == "external"]["proxy"])
    assert "| external |" not in pages["proxies"]
    assert "| nan |" not in pages["proxies"]


def test_truth_that_is_not_here_is_said_not_to_be(pages):
    part = pages["benchmarks"].split("\n## nasbench101\n")[1].split("\n## ")[0]
    assert "not known before they are fetched" in part
    assert "python -m harness.data fetch nasbench101" in part


def test_evidence_states_its_fields(pages):
    part = pages["evidence"].split("\n## ChannelSensitivities\n")[1].split("\n## ")[0]
    assert "| `layers` | `dict[str, Tensor]` |" in part
    assert "_on_tensors" not in part
