"""The pictures of a report: what is drawn, that nothing covers anything else, and that names of any length fit."""

import dataclasses
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from report.made_up import N, tables_of

from harness import columns
from harness.agreement import agreement_table
from harness.report import EvaluationTables, scatter
from harness.report.cost import cost
from harness.report.forest import forest
from harness.report.heat_map import heat_map
from harness.report.names import name_points
from harness.report.style import png, style
from harness.report.top_k import top_k


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


@pytest.mark.long
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
