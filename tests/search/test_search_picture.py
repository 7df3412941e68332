"""regret.png shows the whole of every curve."""

import pandas as pd

from harness.report.style import style
from harness.search.picture import regret_figure
from harness.search.tables import SearchTables


def test_no_curve_leaves_its_panel():
    """The panels of a row share their axis: the second score's regret, 40, is four times as high as the first's."""
    curves = pd.DataFrame(
        {
            "bench": "nats_tss",
            "dataset": "digits",
            "search": "random",
            "objective": ["params"] * 3 + ["depth"] * 3,
            "seed": 0,
            "evaluations": [1, 10, 100] * 2,
            "seconds": [1.0, 10.0, 100.0] * 2,
            "regret": [10.0, 1.0, 0.5, 40.0, 2.0, 0.0],
        }
    )
    nothing = pd.DataFrame()
    units = {("nats_tss", "digits"): "%"}
    tables = SearchTables(nothing, nothing, curves, nothing, (), nothing, units, {})
    with style():
        figure = regret_figure(tables)
    assert len(figure.axes) == 4
    for axes in figure.axes:
        (line,) = axes.lines
        low, high = axes.get_ylim()
        assert low == 0
        assert max(line.get_ydata()) < high
