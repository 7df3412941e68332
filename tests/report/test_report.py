"""The report: what a reader is told, and that files are written whole or not at all."""

import dataclasses
import errno
import io
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from rich.console import Console

from harness import columns
from harness.agreement import (
    Plan,
    Row,
    RowKey,
    Sample,
    Variations,
    agreement_table,
    agreements,
    comparisons,
    selection_table,
    selections,
    verdict_table,
)
from harness.errors import HarnessError, OptionError
from harness.files import atomic
from harness.report import (
    TERMINAL_WIDTH,
    EvaluationTables,
    markdown_report,
    scatter,
    terminal_table,
    write_report,
)
from harness.report.cost import cost
from harness.report.forest import forest
from harness.report.heat_map import heat_map
from harness.report.names import name_points
from harness.report.style import png, style
from harness.report.tables import correlation_text, seconds_text
from harness.report.top_k import top_k

N = 200


def tables_of(scores: dict[str, np.ndarray], *, data_sets: tuple[str, ...] = ("digits",)) -> EvaluationTables:
    """An evaluation of made-up scores; the truth is 0, 1, ..., N-1."""
    truth = np.arange(N, dtype=float)
    sample = Sample(truth, [f"class{row // 2}" for row in range(N)], 1_000)
    rows, frames, compared, selected = [], {}, [], []
    plan = Variations.of(sample.classes, n_replicates=50)
    for data_set in data_sets:
        for name, found in agreements(scores, sample, variations=plan).items():
            row_key = RowKey("nats_tss", data_set, name, "1", "", "paper", "real", "test", "0")
            rows.append(Row(row_key, found, 0.25))
            compared += [(row_key, one) for one in comparisons(scores, sample, proxies=[name], paired=Plan(plan))]
            selected.append((row_key, selections({name: scores[name]}, sample, costs={"flops": truth // 20 + 1})[name]))
        archs = {columns.ARCH: [f"|a{row}|" for row in range(N)], columns.INDEX: range(N), columns.TRUTH: truth}
        frames["nats_tss", data_set] = pd.DataFrame(archs | scores)
    provenance = {"command": "python -m harness proxy=[good,params]", "versions": {"torch": "2.13.0"}}
    failures = {("nats_tss", "digits", "bad"): {"failed: ValueError: odd | pipe": 3}}
    return EvaluationTables(
        agreement_table(rows), frames, provenance, failures, verdict_table(compared), selection_table(selected)
    )


@pytest.fixture(scope="module")
def tables() -> EvaluationTables:
    rng = np.random.default_rng(0)
    bad = rng.normal(size=N)
    bad[:3], bad[3:8] = np.nan, -np.inf
    return tables_of({"good": np.arange(N) + rng.normal(0, 20, N), "bad": bad, "params": np.arange(N) // 10 * 1.0})


def printed(tables: EvaluationTables) -> str:
    console = Console(width=TERMINAL_WIDTH, file=io.StringIO())
    console.print(terminal_table(tables))
    return console.file.getvalue()


def test_the_terminal_table_fits_and_puts_the_best_first(tables):
    text = printed(tables)
    lines = text.splitlines()
    assert max(map(len, lines)) <= TERMINAL_WIDTH
    assert text.index("params*") < text.index("good") < text.index("bad")
    assert "n_nan 3 (no score or no truth: excluded), n_inf 5 (ranked first or last)" in text
    assert "250 ms" in text


def test_the_star_is_explained_only_where_there_is_one(tables):
    assert "* baseline" in printed(tables)
    assert "* baseline" not in printed(tables_of({"good": np.arange(N) * 1.0}))


def test_seeds_are_named_only_where_they_differ(tables):
    assert "seed 0" not in printed(tables).split("truth: ")[0]
    differing = tables.agreement.copy()
    differing.loc[0, columns.SEED], differing.loc[2, columns.SEED] = "1", "none"
    text = printed(dataclasses.replace(tables, agreement=differing)).split("truth: ")[0]
    assert "good seed 1" in text
    assert "bad seed 0" in text
    assert "params* seed" not in text


def test_the_report_shows_what_each_ranking_finds_over_cells_and_networks(tables):
    text = markdown_report(tables)
    rows = tables.selection.set_index("proxy")
    assert "| bench | data set | proxy | one vote per | precision@10 | precision@100 | nDCG@10 |" in text
    good = rows.loc["good"]
    for votes, suffix in (("cells", ""), ("networks", "_networks")):
        found = f"| nats_tss | digits | good | {votes} | {correlation_text(good['weighted_tau' + suffix])} |"
        assert found in text
        at_equal = correlation_text(good[f"tau_equal_flops{suffix}"])
        assert f"| {at_equal} | - |" in text
    # Classes are pairs of neighbours, so 100 networks: the best tenth by truth is the last 20 cells.
    assert good["precision10"] == np.mean(np.argsort(tables.scores["nats_tss", "digits"]["good"])[-10:] >= 180)
    single = dataclasses.replace(
        tables,
        selection=tables.selection.assign(**{f"{name}_networks": tables.selection[name] for name in columns.FOUND}),
    )
    section = markdown_report(single).split("## Top-k selection")[1].split("## Figures")[0]
    assert "| networks |" not in section


def test_the_report_says_what_was_asked_found_left_out_and_where_it_comes_from(tables):
    text = markdown_report(tables)
    assert "python -m harness proxy=[good,params]" in text
    row = tables.verdicts[tables.verdicts["proxy"] == "good"].iloc[0]
    # params is the truth in steps of ten: the proxy, the truth with noise, falls behind it.
    assert f"good beats #Params: no, delta tau {correlation_text(row['delta'])} [" in text
    assert "| nats_tss | digits | bad | params | cells | 197 |" in text
    assert "`bad` on nats_tss / digits: n_nan 3" in text
    assert "most often (3) with: failed: ValueError: odd | pipe" in text
    assert "| versions.torch | 2.13.0 |" in text
    assert "![Ground truth against the score of each proxy](scatter.png)" in text
    assert "cost.png" not in text
    assert "](cost.png)" in markdown_report(tables, pictures=["scatter.png", "cost.png"])


@pytest.mark.parametrize(
    ("value", "text"), [(0.5777, ".578"), (-0.0349, "-.035"), (1.0, "1.000"), (-0.0001, ".000"), (float("nan"), "-")]
)
def test_correlations_are_printed_as_the_field_prints_them(value, text):
    assert correlation_text(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.9999, "1 s"), (0.0123, "12 ms"), (4.4e-6, "4.4 us"), (1e-9, "<1 us")])
def test_seconds_have_a_readable_unit(value, text):
    assert seconds_text(value) == text


def test_every_proxy_gets_a_panel_and_constants_and_infinities_are_drawn(tables):
    odd = tables_of({"constant": np.ones(N), "infinite": np.full(N, np.inf), "wild": np.exp(np.arange(N) / 3.0)})
    with style():
        for found in (tables, odd):
            titles = [axes.get_title(loc="left") for axes in scatter(found).axes if axes.axison]
            assert sorted(titles) == sorted(found.agreement["proxy"])


def test_networks_that_learned_nothing_stand_on_the_margin_and_are_counted(tables):
    truth = np.arange(N) * 1.0
    truth[:3] = -10_000  # 1.5 times the range of the middle 80 % below it is about -200
    frame = tables.scores["nats_tss", "digits"].assign(truth=truth)
    with style():
        panel = scatter(dataclasses.replace(tables, scores={("nats_tss", "digits"): frame})).axes[0]
    assert panel.get_ylim()[0] > -20
    assert "3 below 3" in [text.get_text() for text in panel.texts]


def test_names_of_points_at_one_place_do_not_overlap():
    figure = Figure(figsize=(4, 4))
    axes = figure.subplots()
    axes.set(xscale="log", xlim=(1e-3, 1e3), ylim=(0, 1))
    name_points(axes, [(f"proxy {k}", 1.0, 0.5) for k in range(12)], height=3)
    FigureCanvasAgg(figure).draw()
    names = sorted(Text.get_window_extent(text).extents[[1, 3]].tolist() for text in axes.texts)
    assert len(names) == 12
    assert all(lower[1] <= upper[0] for lower, upper in pairwise(names))


def test_files_are_written_and_equal_results_are_equal_bytes(tables, tmp_path):
    for name in ("one", "two"):
        write_report(tmp_path / name, tables)
    for file in (
        "agreement.csv",
        "verdict.csv",
        "selection.csv",
        "scores.parquet",
        "report.md",
        "scatter.png",
        "run.json",
    ):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    pd.testing.assert_frame_equal(columns.read_agreement(tmp_path / "one/agreement.csv"), tables.agreement)
    assert json.loads((tmp_path / "one/run.json").read_text())["versions"] == {"torch": "2.13.0"}
    assert list(pd.read_parquet(tmp_path / "one/scores.parquet").columns) == [*columns.SCORES, "good", "bad", "params"]


def test_several_data_sets_are_told_apart_in_one_file(tmp_path):
    write_report(tmp_path, tables_of({"good": np.arange(N) * 1.0}, data_sets=("digits", "cifar10")))
    scores = pd.read_parquet(tmp_path / "scores.parquet")
    assert list(scores.columns) == ["bench", "dataset", "arch", "index", "truth", "good"]
    assert scores["dataset"].value_counts().to_dict() == {"digits": N, "cifar10": N}


def test_a_full_disk_leaves_the_old_file_and_says_that_scores_are_kept(tables, tmp_path, monkeypatch):
    write_report(tmp_path, tables)
    before = (tmp_path / "agreement.csv").read_bytes()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(HarnessError, match=r"The disk of .* is full .*scores are in the store"):
        write_report(tmp_path, tables)
    assert (tmp_path / "agreement.csv").read_bytes() == before
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {
        "agreement.csv", "verdict.csv", "selection.csv", "scores.parquet", "report.md", "scatter.png",
        "forest.png", "topk.png", "cost.png", "run.json",
    }  # fmt: skip


def test_a_folder_that_cannot_be_made_is_one_sentence(tables, tmp_path):
    Path(tmp_path, "file").write_text("")
    with pytest.raises(OptionError, match=r"The results cannot be written into .*out=FOLDER"):
        write_report(tmp_path / "file" / "folder", tables)


def test_pictures_are_drawn_of_what_there_is_and_none_of_what_there_is_not(tables):
    several = tables_of({"good": np.arange(N) * 1.0, "params": -np.arange(N) * 1.0}, data_sets=("digits", "cifar10"))
    empty = EvaluationTables(agreement_table([]), {})
    with style():
        for draw in (forest, heat_map, top_k, cost):
            assert draw(empty) is None
        assert heat_map(tables) is None
        texts = [text.get_text() for text in heat_map(several).axes[0].texts]
        assert sorted(texts) == ["-1.00", "-1.00", "1.00", "1.00"]
        titles = [axes.get_title(loc="left") for axes in forest(several).axes]
        assert titles == ["nats_tss / digits\nminus #Params", "nats_tss / cifar10\nminus #Params"]
        # A perfect proxy has no regret at any k; its negative has most of it at k = 1.
        lines = {line.get_label(): line.get_ydata() for line in top_k(several).axes[0].lines}
        assert max(lines["good"]) == 0
        assert max(lines["params*"]) == lines["params*"][0] == N - 1
        assert len(cost(several).axes) == 2


def test_every_text_says_what_the_truth_is_and_where_its_meaning_differs():
    """Validation is never called test: the name of a column alone says too little."""
    half = {"metric": "accuracy", "unit": "%", "split": "validation", "epochs": 90, "note": "trained on half"}
    whole = half | {"note": ""}
    two = tables_of({"good": np.arange(N) * 1.0}, data_sets=("digits", "cifar10"))
    provenance = {"truth": {"nats_tss/digits": half, "nats_tss/cifar10": whole}}
    described = dataclasses.replace(two, provenance=provenance)
    text = " ".join(printed(described).split())
    assert "truth: test on nats_tss / digits (validation accuracy after 90 epochs, %; trained on half)" in text
    assert "truth: test on nats_tss / cifar10 (validation accuracy after 90 epochs, %)" in text
    assert "- truth: test on nats_tss / cifar10 (validation accuracy after 90 epochs, %)." in markdown_report(described)
    unitless = {"metric": "ssim", "unit": "", "split": "test", "epochs": None, "note": "after the last epoch"}
    provenance = {"truth": {"nats_tss/digits": unitless, "nats_tss/cifar10": unitless}}
    assert "truth: test (test ssim; after the last epoch)" in printed(dataclasses.replace(two, provenance=provenance))


def test_exponents_of_numeric_axes_are_formulas_and_names_are_text():
    with style():
        figure = Figure()
        axes = figure.subplots()
        axes.plot([1, 10], [1e-5, 1e3])
        axes.set_yscale("log")
        axes.set_xticks([1, 10], [r"$\mathdefault{x}$", "b"])
        png(figure)
    exponents = [tick.label1 for tick in axes.yaxis.get_major_ticks() if "mathdefault" in tick.label1.get_text()]
    assert exponents
    assert all(text.get_parse_math() for text in exponents)
    assert not any(tick.label1.get_parse_math() for tick in axes.xaxis.get_major_ticks())


def test_names_of_any_length_leave_room_for_the_panels(tables):
    """Names of columns, proxies and data sets are those of users' files, and options name paths."""
    long = dict.fromkeys(tables.scores[next(iter(tables.scores))].columns.drop(columns.TRUTH))
    long = {name: f"{name}{'_of_every_layer' * 13}" for name in long}

    def renamed(rows: pd.DataFrame) -> pd.DataFrame:
        options = {columns.OPTIONS: f"scores=/{'deep/' * 50}mine.csv"} if columns.OPTIONS in rows else {}
        return rows.assign(**{columns.PROXY: rows[columns.PROXY].replace(long)}, **options)

    changed = dataclasses.replace(
        tables,
        agreement=renamed(tables.agreement),
        verdicts=renamed(tables.verdicts),
        scores={place: scores.rename(columns=long) for place, scores in tables.scores.items()},
    )
    with style():
        figures = [figure for make in (scatter, forest, top_k, heat_map, cost) if (figure := make(changed)) is not None]
        assert len(figures) >= 3
        for figure in figures:
            png(figure)
            texts = [text.get_text() for axes in figure.axes for text in axes.findobj(Text)]
            assert max(len(line) for text in texts for line in text.split("\n")) <= 60
