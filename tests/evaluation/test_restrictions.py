"""Restriction files: what they leave, what an evaluation, a search and choosing make of them, and mistakes in them."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from torch import nn

from harness.choose.__main__ import _opened
from harness.errors import HarnessError
from harness.evaluation import evaluate
from harness.evaluation.marks import Mark, write_marks
from harness.evaluation.population import open_population, restricted_population
from harness.evaluation.restriction import Restriction, open_restriction
from harness.evaluation.restriction_file import read_restriction
from harness.inputs import DATA_SETS
from harness.score import main as score
from harness.search import SearchSettings, SearchSpec, search
from harness.settings import Settings
from harness.space import BENCHMARKS, ModelSpace
from harness.store import ScoreStore

TSS, DIGITS = BENCHMARKS.get("nats_tss"), DATA_SETS.get("digits")
SKIP_AND_CONV = "bench: nats_tss\nfix: {0-3: skip_connect, 0-1: nor_conv_3x3}\n"
SEARCHERS = ("random", "evolution", "aging_evolution", "local_search", "forbid_worst", "pareto")


def opened(tmp_path: Path, text: str, bench: str = "nats_tss", dataset: str = "digits") -> Restriction:
    """The restriction of a file with this text."""
    path = tmp_path / "space.yaml"
    path.write_text(text, encoding="utf-8")
    found = open_restriction(BENCHMARKS.get(bench), DATA_SETS.get(dataset), Settings(restrict=path))
    assert found is not None
    return found


def test_two_edges_leave_625_cells_whose_best_are_known(tmp_path, truth_oracle):
    restriction = opened(tmp_path, SKIP_AND_CONV)
    index = restriction.require_some()
    assert index.size == 625
    table = np.load(truth_oracle / "nats_tss.npz", allow_pickle=False)
    bests = [round(float(np.nanmax(table[f"test200_{name}"][index])), 2) for name in ("c10", "c100", "in16")]
    assert bests == [94.37, 73.51, 47.17]


@pytest.mark.parametrize(
    ("bench", "text", "n_left"),
    [
        ("nats_tss", "allow: {0-1: [none, skip_connect], 2-3: nor_conv_1x1}", 2 * 5**4),
        ("nats_tss", "allow: {0-1: [none, skip_connect]}\nfix: {0-1: none}", 5**5),
        ("nats_tss", "archs: [11, '|none~0|+|none~0|none~1|+|none~0|none~1|none~2|']", 2),
        ("nats_sss", "ranges: {width1: {min: 16, max: 32}, width5: {max: 8}}", 3 * 8**3),
        ("nats_sss", "archs: [8:16:24:32:40]", 1),  # a sexagesimal number in YAML 1.1
        ("nasbench_macro", "allow: {block1: [1, 2]}", 2 * 3**7),
        ("transnas_micro", "fix: {0-1: none}", 4**5),
        ("transnas_macro", "fix: {modules: 4}", 0 + sum(n * m for n in (4, 6, 4) for m in (4, 6, 4, 1))),
        ("transnas_macro", "allow: {module5: absent}", sum(n * m for n in (4, 6, 4) for m in (4, 6, 4, 1))),
        ("nats_tss", '{"bench": "nats_tss", "fix": {"0-1": "none"}, "note": "JSON is YAML"}', 5**5),
    ],
)
def test_what_is_left_is_as_counted_by_hand(bench, text, n_left, tmp_path):
    text = text if text.startswith("{") else f"bench: {bench}\n{text}"
    dataset = BENCHMARKS.get(bench).data_sets[0]
    assert opened(tmp_path, text, bench, dataset).require_some().size == n_left


def test_a_budget_leaves_what_costs_at_most_so_much(tmp_path):
    limit = TSS.params(TSS.architectures[11], DIGITS)
    restriction = opened(tmp_path, f"bench: nats_tss\nfix: {{0-3: none}}\nbudget: {{params: {limit}}}")
    inside = [TSS.architectures[row] for row in restriction.require_some()]
    assert max(TSS.params(arch, DIGITS) for arch in inside) == limit
    by_hand = [arch for arch in TSS.architectures if "|none~0|" in arch[-60:] and TSS.cell(arch)[3] == "none"]
    assert len(inside) == sum(TSS.params(arch, DIGITS) <= limit for arch in by_hand)


def test_a_canonical_form_is_inside_if_one_of_its_names_is(tmp_path):
    restriction = opened(tmp_path, "bench: nats_tss\nfix: {0-1: none, 0-2: nor_conv_1x1}")
    inside = {TSS.architectures[row] for row in restriction.require_some()}
    canonical = restricted_population(open_population(TSS, "canonical"), restriction)
    assert set(canonical.archs) == {TSS.canonical(arch) for arch in inside}
    outside_by_name = [arch for arch in canonical.archs if arch not in inside]
    assert outside_by_name
    assert not restriction.inside(outside_by_name).any()
    everything = restricted_population(open_population(TSS, "all"), restriction)
    assert set(everything.archs) == inside
    assert everything.name == "all within space.yaml"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("bench: nats_tss", "space.yaml restricts nothing: give one of allow, fix, ranges, budget, archs"),
        ("bench: nats_tss\nallow: {}", "restricts nothing"),
        ("fix: {0-1: none}", "The key of a restriction bench is missing"),
        ("bench: nats_tss\nallow: {0-1: []}", "allow.0-1 is empty, so that nothing is left"),
        ("bench: nats_tss\nfix: {0-1: }", "fix.0-1 is empty"),
        ("bench: nats_sss\nfix: {width1: 8}", "it restricts nats_sss, but bench=nats_tss is asked for"),
        ("bench: nats_tss\nfix: {0-4: none}", "No position of nats_tss is called '0-4'"),
        ("bench: nats_tss\nfix: {0-1: skip}", "No value of 0-1 is called 'skip'"),
        (
            "bench: nats_tss\nfix: {0-1: none}\nallow: {0-1: skip_connect}",
            "nothing is left at 0-1; its values are none",
        ),
        ("bench: nats_tss\nranges: {0-1: {min: 2}}", "ranges.0-1 is invalid: its values are no numbers"),
        ("bench: nats_tss\nbudget: {params: 10}", "budget.params=10 leaves no architecture of nats_tss: the smallest"),
        ("bench: nats_tss\nbudget: {zico: 10}", "zico cannot be a budget"),
        ("bench: nats_tss\nbudget: {params: -1}", "budget.params=-1 is invalid: it must be above 0"),
        ("bench: nats_tss\nbudget: {params: few}", "budget.params=few is invalid: it must be a number"),
        ("bench: nats_tss\narchs: [15625]", "nats_tss has no architecture 15625"),
        ("bench: nats_tss\narchs: [11]\nfix: {0-3: skip_connect}", "it leaves no architecture of nats_tss"),
        ("bench: nats_tss\nforbid: {0-1: none}", "No key of a restriction is called 'forbid'"),
        ("- nats_tss", "is no restriction: it must have keys"),
        ("bench: nats_tss\nfix: {0-1: none\n", "is no YAML of a restriction in line 3"),
        ("bench: nats_tss\nfix: {0-1: none, 0-1: none}", "the key 0-1 occurs twice"),
        ("bench: nats_tss\nallow: &a {0-1: *a}", "anchors are not allowed"),
        ("bench: nats_tss\nfix: !!python/name:os.system {0-1: none}", "tags are not allowed"),
    ],
)
def test_a_mistake_is_one_sentence(text, sentence, tmp_path):
    with pytest.raises(HarnessError) as raised:
        opened(tmp_path, text).require_some()
    assert sentence in str(raised.value)
    assert "space.yaml" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_range_and_a_space_without_positions_are_told(tmp_path):
    with pytest.raises(HarnessError, match=r"ranges\.width1 is invalid: min 32 is above max 8"):
        opened(tmp_path, "bench: nats_sss\nranges: {width1: {min: 32, max: 8}}", "nats_sss", "cifar10")
    with pytest.raises(HarnessError, match="nothing is left at width1; its values are 8, 16"):
        opened(tmp_path, "bench: nats_sss\nranges: {width1: {min: 65}}", "nats_sss", "cifar10")
    with pytest.raises(HarnessError, match=r"restrict=.*no\.yaml cannot be read"):
        read_restriction(tmp_path / "no.yaml")


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"#" * (2**20 + 1), "has 1,048,577 bytes; a restriction has at most 1,048,576."),
        (
            b"bench: nats_tss\nallow: " + b"[" * 1_000_000,
            "is no YAML of a restriction in line 2: lists and keys are nested more than 20 deep.",
        ),
        (
            b"bench: nats_tss\n" + b"".join(b" " * depth + b"a:\n" for depth in range(1_000)),
            "is no YAML of a restriction in line 22: lists and keys are nested more than 20 deep.",
        ),
        (b"bench: \xff", "is no text in UTF-8."),
        (b"bench: a\n---\nbench: b", "is no YAML of a restriction in line 2: but found another document."),
    ],
)
def test_a_file_that_is_no_restriction_is_told_in_one_sentence(data, sentence, tmp_path):
    path = tmp_path / "space.yaml"
    path.write_bytes(data)
    with pytest.raises(HarnessError) as raised:
        read_restriction(path)
    assert str(raised.value) == f"restrict={path} {sentence}"


class Small(ModelSpace):
    """Networks of a user's own, which name no positions."""

    name = "small"
    architectures = ("narrow", "wide", "deep")

    def build(self, arch: str) -> nn.Module:
        return nn.Linear(64, 10)


def test_networks_of_ones_own_are_restricted_by_name(tmp_path):
    path = tmp_path / "space.yaml"
    path.write_text("bench: small\narchs: [deep, narrow]\n", encoding="utf-8")
    restriction = open_restriction(Small(), DIGITS, Settings(restrict=path))
    assert restriction.require_some().tolist() == [0, 2]
    path.write_text("bench: small\nfix: {width: 8}\n", encoding="utf-8")
    with pytest.raises(HarnessError, match="small names no positions, so that allow, fix and ranges say nothing about"):
        open_restriction(Small(), DIGITS, Settings(restrict=path))


def test_an_evaluation_is_about_what_is_inside_and_scores_do_not_depend_on_it(tmp_path, rough_intervals):
    path = tmp_path / "space.yaml"
    path.write_text(SKIP_AND_CONV, encoding="utf-8")
    settings = {"store": tmp_path / "scores.sqlite", "against": ("params",)}
    within = evaluate("depth", settings=Settings(sample=100, restrict=path, out=tmp_path / "within", **settings))
    (rows,) = within.scores.values()
    assert len(rows) == 100
    assert all(TSS.cell(arch)[3] == "skip_connect" and TSS.cell(arch)[0] == "nor_conv_3x3" for arch in rows["arch"])
    assert set(within.agreement["n_population"]) == {625}
    assert set(within.agreement["population"]) == {"all within space.yaml"}
    record = json.loads((tmp_path / "within" / "run.json").read_text(encoding="utf-8"))
    assert record["restriction"]["sha256"] == read_restriction(path).sha256
    assert record["restriction"]["wanted"]["fix"] == {"0-3": "skip_connect", "0-1": "nor_conv_3x3"}
    with ScoreStore(tmp_path / "scores.sqlite") as store:
        keys = set(store.score_keys())
    evaluate("depth", settings=Settings(sample=50, out=tmp_path / "whole", **settings))
    with ScoreStore(tmp_path / "scores.sqlite") as store:
        assert set(store.score_keys()) == keys


def test_an_exhaustive_search_within_equals_the_filter(tmp_path):
    path = tmp_path / "space.yaml"
    path.write_text(SKIP_AND_CONV, encoding="utf-8")
    base = Settings(restrict=path, out=tmp_path / "out", store=tmp_path / "scores.sqlite")
    found = search(SearchSpec(("exhaustive",), ("flops_live",)), SearchSettings(base)).tables
    assert "only inside space.yaml" in (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    part = open_restriction(TSS, DIGITS, base).part
    inside = [TSS.architectures[row] for row in part.index]
    assert found.candidates["arch"].tolist() == inside
    best = max(inside, key=lambda arch: TSS.flops(arch, DIGITS, live=True))
    assert found.found["arch"].tolist() == [best]
    assert found.found["n_ranked"].tolist() == [625]
    assert found.found["regret"].item() == pytest.approx(
        found.candidates["accuracy"].max() - found.found["accuracy"].item()
    )
    record = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert record["restriction"]["sha256"] == read_restriction(path).sha256


def test_no_searcher_proposes_what_is_outside(tmp_path):
    path = tmp_path / "space.yaml"
    limit = TSS.params(TSS.architectures[11], DIGITS)
    path.write_text(f"{SKIP_AND_CONV}budget: {{params: {limit}}}", encoding="utf-8")
    base = Settings(restrict=path, out=tmp_path / "out", store=tmp_path / "scores.sqlite")
    settings = SearchSettings(base, steps=120, population=10)
    found = search(SearchSpec(SEARCHERS, ("params", "depth")), settings).tables.candidates
    restriction = open_restriction(TSS, DIGITS, base)
    assert set(found["search"]) == set(SEARCHERS)
    assert restriction.inside(list(found["arch"])).all()
    assert "infeasible" not in set(found["status"])


@pytest.mark.parametrize(
    ("bench", "dataset", "text", "mark"),
    [
        ("imagenet_mbv2", "imagenet", "fix: {kernel: 3}\nranges: {width: {max: 256}}\nbudget: {layers: 18}", "K3("),
        (
            "mnasnet",
            "imagenet",
            "fix: {stage1_kernel: 5}\nranges: {stage3_expansion: {min: 4}}",
            "k5",
        ),
    ],
)
def test_spaces_too_large_to_list_are_searched_inside(bench, dataset, text, mark, tmp_path):
    path = tmp_path / "space.yaml"
    path.write_text(f"bench: {bench}\n{text}\n", encoding="utf-8")
    base = Settings(restrict=path, out=tmp_path / "out", store=tmp_path / "scores.sqlite", truth="none")
    spec = SearchSpec(("evolution", "random"), ("params",), (bench,), (dataset,))
    found = search(spec, SearchSettings(base, steps=40, population=10)).tables.candidates
    restriction = open_restriction(BENCHMARKS.get(bench), DATA_SETS.get(dataset), base)
    assert restriction.inside(list(found["arch"])).all()
    assert "infeasible" not in set(found["status"])
    assert found["arch"].str.contains(mark, regex=False).all()
    assert found["arch"].nunique() > 30


def test_a_start_outside_is_refused(tmp_path):
    path = tmp_path / "space.yaml"
    path.write_text(SKIP_AND_CONV, encoding="utf-8")
    base = Settings(restrict=path, out=tmp_path / "out", store=tmp_path / "scores.sqlite")
    with pytest.raises(HarnessError, match=r"start=11 is outside restrict=.*: its 0-3 is none"):
        search(SearchSpec(proxies=("params",)), SearchSettings(base, steps=20, start="11"))


def test_choosing_proposes_inside_and_keeps_what_was_trained_outside(tmp_path):
    path, trained = tmp_path / "space.yaml", tmp_path / "accuracies.csv"
    path.write_text(SKIP_AND_CONV, encoding="utf-8")
    pd.DataFrame({"arch": TSS.architectures[:20], "accuracy": np.linspace(50, 60, 20)}).to_csv(trained, index=False)
    word = f"{trained}:accuracy"
    evaluated = _opened(TSS, DIGITS, Settings(restrict=path, truth=word, sample=200), word)
    is_trained = np.isfinite(evaluated.values)
    assert is_trained.sum() == 20
    candidates = [arch for arch, known in zip(evaluated.archs, is_trained, strict=True) if not known]
    assert 195 <= len(candidates) <= 200  # some of the first twenty may be inside
    assert open_restriction(TSS, DIGITS, Settings(restrict=path)).inside(candidates).all()


def test_choosing_among_marks_keeps_what_was_trained_outside_of_them(tmp_path):
    marked, trained = tmp_path / "marked.csv", tmp_path / "accuracies.csv"
    write_marks(marked, TSS, [Mark(TSS.architectures[at], "promising") for at in (500, 400)])
    pd.DataFrame({"arch": TSS.architectures[:20], "accuracy": np.linspace(50, 60, 20)}).to_csv(trained, index=False)
    word = f"{trained}:accuracy"
    evaluated = _opened(TSS, DIGITS, Settings(population=str(marked), truth=word), word)
    assert evaluated.index.tolist() == [*range(20), 400, 500]


def test_score_leaves_out_rows_outside(tmp_path, capsys):
    path, file, out = tmp_path / "space.yaml", tmp_path / "archs.csv", tmp_path / "out.csv"
    path.write_text("bench: nats_tss\nfix: {0-3: none}\n", encoding="utf-8")
    pd.DataFrame({"arch": [TSS.architectures[at] for at in (11, 12)], "note": ["a", "b"]}).to_csv(file, index=False)
    inside = TSS.cell(TSS.architectures[12])[3] == "none"
    words = ["nats_tss", str(file), "--proxy", "params", "--store", str(tmp_path / "s.sqlite"), "--out", str(out)]
    assert score([*words, "--restrict", str(path)]) == 0
    assert pd.read_csv(out)["note"].tolist() == (["a", "b"] if inside else ["a"])
    path.write_text("bench: nats_tss\narchs: [500]\n", encoding="utf-8")
    assert score([*words, "--restrict", str(path)]) == 2
    assert "none of the 2 rows" in capsys.readouterr().err
