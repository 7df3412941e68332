"""Figures for papers and slides, beside those of a report: file format, size of text, width."""

from dataclasses import dataclass
from enum import Enum

from harness.errors import OptionError

# Inches. Of a column, by the styles of the conferences: one column of ICLR and NeurIPS, one of two of ICML and CVPR.
WIDTHS = {"iclr": 5.5, "neurips": 5.5, "two_column": 3.25, "both_columns": 6.75, "slide": 12.0}
_LEAST_INCHES, _MOST_INCHES = 2.5, 40.0


class FigureFormat(Enum):
    """Files that figures are written as."""

    pdf = "pdf"
    svg = "svg"
    png = "png"


class FigureStyle(Enum):
    """For what figures are drawn: text of about 7 points on paper, of about 14 on slides."""

    paper = "paper"
    slides = "slides"


@dataclass(frozen=True)
class FigureOptions:
    """Which figures are written beside those of the report.

    Attributes:
        file_format: of the files.
        style: of the figures.
        column: a name of `WIDTHS` or inches; None: that of ICLR on paper, that of a slide on slides.

    Raises:
        OptionError: for a column that there is not.
    """

    file_format: FigureFormat
    style: FigureStyle = FigureStyle.paper
    column: str | float | None = None

    def __post_init__(self) -> None:
        _ = self.inches

    @property
    def inches(self) -> float:
        """The width of a figure."""
        if self.column is None:
            return WIDTHS["iclr" if self.style is FigureStyle.paper else "slide"]
        if self.column in WIDTHS:
            return WIDTHS[str(self.column)]
        try:
            inches = float(self.column)
        except ValueError:
            inches = 0.0
        if not _LEAST_INCHES <= inches <= _MOST_INCHES:
            raise OptionError(
                f"column={self.column} is invalid: it must be {', '.join(WIDTHS)}, or inches from {_LEAST_INCHES:g} to "
                f"{_MOST_INCHES:g}."
            )
        return inches
