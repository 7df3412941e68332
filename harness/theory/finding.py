"""What an experiment found: points, trends, pictures, and sentences that say what they are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pandas as pd
from matplotlib.figure import Figure

from harness.theory.trends import Trend


@dataclass(frozen=True, eq=False)
class Finding:
    """One experiment's result.

    Attributes:
        name: of the experiment; its files are called so.
        title: of its page.
        source: which images, as declared in every picture.
        points: one row per draw, network or cell: all that is plotted and correlated.
        trends: rank correlations of columns of `points`.
        pictures: by name of the file without ending; made within `style()`.
        notes: sentences with measured values.
    """

    name: str
    title: str
    source: str
    points: pd.DataFrame
    trends: tuple[Trend, ...]
    pictures: Mapping[str, Callable[[], Figure]]
    notes: tuple[str, ...] = field(default=())
