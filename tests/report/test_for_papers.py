"""Figures and tables for papers: their widths, their files, their LaTeX."""

import re
from functools import partial
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from report.made_up import N, tables_of

from harness.errors import OptionError
from harness.figure_options import FigureFormat, FigureOptions, FigureStyle
from harness.report import write_report
from harness.report.for_papers import drawn, escaped, latex_tables
from harness.report.forest import forest
from harness.report.scatter import scatter
from harness.report.style import style, text_size

PDF = FigureOptions(FigureFormat.pdf)


@pytest.mark.parametrize(
    ("column", "inches"),
    [(None, 5.5), ("neurips", 5.5), ("two_column", 3.25), ("both_columns", 6.75), ("4", 4.0), (2.5, 2.5)],
)
def test_a_figure_is_as_wide_as_the_column(tables, column, inches):
    options = FigureOptions(FigureFormat.png, FigureStyle.paper, column)
    (picture,) = drawn({"scatter": partial(scatter, tables)}, options).values()
    assert Image.open(BytesIO(picture)).width == pytest.approx(inches * 320, abs=1)


def test_a_pdf_has_the_width_in_points_and_is_equal_each_time(tables):
    first, again = (drawn({"forest": partial(scatter, tables)}, PDF) for _ in range(2))
    assert first == again
    assert re.search(rb"/MediaBox \[ ?0 0 396(\.0*)? ", first["forest.pdf"])  # 5.5 inches of 72 points


def test_svg_keeps_its_text_and_nothing_is_drawn_of_what_there_is_not(tables):
    files = drawn({"scatter": partial(scatter, tables), "none": lambda: None}, FigureOptions(FigureFormat.svg))
    assert list(files) == ["scatter.svg"]
    assert b">good</text>" in files["scatter.svg"]


def test_text_is_smaller_on_paper_never_below_six_points_and_as_before_afterwards():
    with style():
        assert text_size(5.0) == 5.0
    sizes = []
    drawn({"one": lambda: sizes.extend([text_size(9.0), text_size(6.5)])}, PDF)
    assert sizes == [pytest.approx(7.02), 6.0]
    assert text_size(9.0) == 9.0


@pytest.mark.parametrize("column", ["wide", "0", "1000", "nan"])
def test_a_column_that_there_is_not_is_one_sentence(column):
    with pytest.raises(
        OptionError, match=rf"^column={column} is invalid: it must be iclr, neurips, .* from 2.5 to 40\.$"
    ):
        FigureOptions(FigureFormat.pdf, FigureStyle.paper, column)


def test_a_report_writes_them_into_a_folder_of_the_style(tables, tmp_path):
    write_report(tmp_path, tables, FigureOptions(FigureFormat.svg, FigureStyle.slides))
    assert {"scatter.svg", "agreement.tex"} <= {path.name for path in (tmp_path / "slides").iterdir()}
    assert (tmp_path / "scatter.png").is_file()


def test_latex_has_a_row_for_each_proxy_and_escapes_what_latex_reads():
    tables = tables_of({"my_proxy": np.arange(N) * 1.0, "params": -np.arange(N) * 1.0})
    text = latex_tables(tables)["agreement.tex"].decode()
    rows = [line for line in text.splitlines() if line.endswith(rf"& {N} \\")]
    assert [row.partition(" ")[0] for row in rows] == [r"my\_proxy", "params*"]
    assert "$1.000$" in rows[0]
    assert escaped(r"a_b%c&d#e$f{g}~^\x") == (
        r"a\_b\%c\&d\#e\$f\{g\}\textasciitilde{}\textasciicircum{}\textbackslash{}x"
    )


def test_the_legend_of_the_forest_names_only_the_verdicts_that_are_drawn():
    tables = tables_of({"good": np.arange(N) * 1.0, "params": -np.arange(N) * 1.0})
    with style():
        figure = forest(tables)
    assert figure is not None
    given = set(tables.verdicts["beats"]) | set(tables.verdicts["beats_networks"])
    named = {text.get_text().removeprefix("beats the baseline: ") for text in figure.legends[0].get_texts()}
    assert {name for name in named if not name.startswith("one vote")} <= given
