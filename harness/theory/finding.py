"""The result of an experiment: points, trends, figures and notes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pandas as pd
from matplotlib.figure import Figure

from harness.theory.trends import Trend


@dataclass(frozen=True, eq=False)
class Listing:
    """A table of a finding that is not one of trends.

    Attributes:
        frame: all of it, for NAME.csv.
        heading: of its section on the page.
        shown: what the page shows of it, as text.
        legend: what its columns are, in sentences.
        name: of a further listing, whose file is FINDING_NAME.csv.
    """

    frame: pd.DataFrame
    heading: str
    shown: pd.DataFrame
    legend: tuple[str, ...]
    name: str = ""


@dataclass(frozen=True, eq=False)
class Finding:
    """One experiment's result.

    Attributes:
        name: of the experiment and of its files.
        title: of its page.
        source: of the images, as stated in every figure.
        points: one row per draw, network or cell: all data that are plotted and correlated.
        trends: rank correlations of columns of `points`.
        pictures: by file name without extension; created within `style()`.
        notes: sentences with measured values.
        listing: the table of an experiment without trends.
        data: what `source` describes.
        further: listings after the first one, each with a name.
    """

    name: str
    title: str
    source: str
    points: pd.DataFrame
    trends: tuple[Trend, ...]
    pictures: Mapping[str, Callable[[], Figure]]
    notes: tuple[str, ...] = field(default=())
    listing: Listing | None = None
    data: str = "Images"
    further: tuple[Listing, ...] = field(default=())
