"""Titles and legends are within their figure, however narrow it is."""

import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from harness.report.style import Look, legend_below, style
from harness.tables import read_spec
from harness.tables.cell import Cell
from harness.tables.picture import FEWEST, picture
from harness.theory.validation_table import validation_figure

LABELS = ["rho", "published value within our interval", "published value outside", "100 best by meco_opt", "all"]


def within(figure: Figure) -> bool:
    """Whether nothing that is drawn around the panels is cut off at the left or right."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    drawn_by = canvas.get_renderer()
    parts = [*figure.legends, *figure.texts]
    ends = [part.get_window_extent(drawn_by) for part in parts]
    assert ends
    return all(end.x0 >= 0 and end.x1 <= figure.bbox.width for end in ends)


@pytest.mark.parametrize(("inches", "text"), [(2.9, 1), (3.4, 1), (5.5, 1), (5.5, 1.6), (10, 1.6), (16, 1)])
def test_a_legend_fits(inches, text):
    with style(Look(text=text)):
        figure = Figure(figsize=(inches, 6), layout="constrained")
        figure.subplots()
        legend_below(figure, [Line2D([], [], label=label) for label in LABELS], 8)
        assert within(figure)
        assert [text.get_text() for text in figure.legends[0].get_texts()] == LABELS


def test_a_wide_figure_has_one_line_of_legend():
    with style():
        figure = Figure(figsize=(12, 3), layout="constrained")
        figure.subplots()
        legend_below(figure, [Line2D([], [], label=label) for label in LABELS], 8)
        assert len(figure.legends) == 1
        assert figure.legends[0]._ncols == len(LABELS)


def test_a_table_of_one_panel_shows_all_of_its_title_and_legend():
    cell = Cell("nats_tss", "cifar10", "zico", "zico", "rho", "0.80", ours=0.8, low=0.7, high=0.9, inside="yes")
    with style():
        assert picture(read_spec("graf"), [cell] * (FEWEST - 1)) is None  # the table shows as much
        figure = picture(read_spec("graf"), [cell] * FEWEST)
        assert figure is not None
        assert within(figure)
        assert figure.get_suptitle() == read_spec("graf").title


def test_validation_on_one_data_set_shows_all_of_its_legend():
    first = ["(all)", "params", "flops", "(random)"]
    rows = [
        {
            "bench": "b",
            "dataset": "d",
            "correlation": 0.0,
            "first": name,
            "k": 100,
            "m": m,
            "regret": 1.0,
            "hoeffding": 9.0,
        }
        for name in first
        for m in (100, 1_000)
    ]
    with style():
        figure = validation_figure(pd.DataFrame(rows))
        assert within(figure)
        named = {text.get_text() for text in figure.legends[0].get_texts()}
    assert named == {
        "all networks",
        "Hoeffding's bound (loose)",
        "100 best by params",
        "100 best by flops",
        "100 at random",
    }
