"""The style of all figures: sizes for slides, colour-blind-safe colours."""

import io
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FixedFormatter, FuncFormatter, LogFormatter, ScalarFormatter
from PIL import Image

# Okabe & Ito's palette (Wong, Nature Methods 8, 2011).
BLUE: Final = "#0072B2"
ORANGE: Final = "#D55E00"
GREEN: Final = "#009E73"
GREY: Final = "#6E6E6E"
# Lines differ in colour and marker.
LINES: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#6E6E6E")
MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X", "*")
DIVERGING: Final = "PuOr_r"
SEQUENTIAL: Final = "Purples"
LIGHT: Final = "#E6E6E6"
DENSITY: Final = "cividis_r"
DPI: Final = 120  # pictures of a report, which are committed
PRINT_DPI: Final = 320
MOST_PIXELS: Final = 1_280  # of the width: more than a page resolves
_MOST_BESIDE: Final = 40  # characters of a label beside a panel, where they take half of a narrow figure
_MOST_ABOVE: Final = 60  # of a line above a panel or in it


@dataclass(frozen=True)
class Look:
    """How large a figure and its text are.

    Attributes:
        text: multiple of the sizes of text that a report has.
        panel: multiple of the least width of a panel that a report has.
        inches: width of the figure; None: as wide as its panels are in a report.
    """

    text: float = 1.0
    panel: float = 1.0
    inches: float | None = None


LEAST_POINTS: Final = 6.0  # smaller text cannot be read in print
_REPORT: Final = Look()
_LOOK: ContextVar[Look] = ContextVar("look", default=_REPORT)
_SIZES: Final = ("font.size", "axes.titlesize", "axes.labelsize", "xtick.labelsize", "ytick.labelsize")
_SETTINGS: Final = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: pictures are equal on all machines
    "text.parse_math": False,  # a dollar sign in a proxy's name is a dollar sign
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.labelsize": 9.0,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.8,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": LIGHT,
    "grid.linewidth": 0.6,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": "black",
    "ytick.labelcolor": "black",
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


@contextmanager
def style(look: Look | None = None, *, own_text: bool = False) -> Iterator[None]:
    """Matplotlib's settings while a figure is created and saved; the caller's are restored afterwards.

    Args:
        look: sizes; None for those of a report.
        own_text: whether all text is the harness's own, so that what stands between dollar signs is a formula.
    """
    before = _LOOK.set(look or _REPORT)
    sizes = {name: text_size(float(str(_SETTINGS[name]))) for name in _SIZES}
    try:
        with mpl.rc_context(_SETTINGS | sizes | {"text.parse_math": own_text}):  # type: ignore[arg-type]  # as literals
            yield
    finally:
        _LOOK.reset(before)


def text_size(size: float) -> float:
    """A size of text in points, from that of a report."""
    look = _LOOK.get()
    return size if look.text == 1 else max(LEAST_POINTS, size * look.text)


def grid_of(
    n_panels: int, inches: tuple[float, float], most_columns: int, least_width: float = 0.0
) -> tuple[int, int, tuple[float, float]]:
    """Rows, columns and size in inches of a figure of equal panels, with as few empty places as its width allows.

    Args:
        n_panels: at least 1.
        inches: width and height of a panel in a report.
        most_columns: in a report; a narrow figure has fewer.
        least_width: of the figure in a report, in inches.
    """
    look = _LOOK.get()
    if look.inches is not None:
        most_columns = max(1, min(most_columns, int(look.inches / (inches[0] * look.panel))))
    n_rows = math.ceil(n_panels / most_columns)
    n_columns = math.ceil(n_panels / n_rows)
    width, height = inches[0] * n_columns, inches[1] * n_rows
    if look.inches is None:
        return n_rows, n_columns, (max(width, least_width), height)
    return n_rows, n_columns, (look.inches, height * max(look.inches / width, look.text))  # its text needs room


def fitted(width: float, height: float) -> tuple[float, float]:
    """The size in inches of a figure of rows of text that has this one in a report: its height goes with the text."""
    look = _LOOK.get()
    return (width, height) if look.inches is None else (look.inches, height * look.text)


def legend_below(figure: Figure, handles: Sequence[Artist], size: float) -> None:
    """A legend under the panels, as many of its entries beside one another as the figure is wide for.

    Args:
        figure: of constrained layout.
        handles: labelled.
        size: of its text in points, in a report.
    """
    for n_columns in range(len(handles), 0, -1):
        legend = figure.legend(
            handles=handles, loc="outside lower center", ncols=n_columns, frameon=False, fontsize=text_size(size)
        )
        if n_columns == 1 or legend.get_window_extent().width <= figure.bbox.width:
            return
        legend.remove()


def vector(figure: Figure, file_format: str) -> bytes:
    """The figure as PDF or SVG, with its text as text; equal results are equal bytes."""
    drawn = io.BytesIO()
    _shorten(figure)
    _numbers_with_exponents(figure)
    when = {"pdf": {"CreationDate": None, "Producer": None, "Creator": None}, "svg": {"Date": None, "Creator": None}}
    with mpl.rc_context({"svg.hashsalt": "harness", "svg.fonttype": "none", "pdf.fonttype": 42}):
        figure.savefig(drawn, format=file_format, dpi=PRINT_DPI, metadata=when[file_format])
    return drawn.getvalue()


def png(figure: Figure, *, n_colours: int = 256, print_dpi: bool = False) -> bytes:
    """The figure as a PNG with a reduced palette and at most `MOST_PIXELS` wide, without visible loss.

    With `print_dpi` it has `PRINT_DPI` pixels per inch, however many that makes.

    A palette of 256 colours takes a third of the bytes of full colour, one of 32 (enough for points in one colour) two
    thirds of that. The version of matplotlib is not recorded in it, so that equal results are equal bytes.
    """
    drawn, packed = io.BytesIO(), io.BytesIO()
    dpi = PRINT_DPI if print_dpi else min(DPI, int(MOST_PIXELS / figure.get_figwidth()))
    _shorten(figure)
    _numbers_with_exponents(figure)
    figure.savefig(drawn, format="png", dpi=dpi, metadata={"Software": None})
    every = Image.open(drawn).convert("RGB")
    # Rare colours count as much as frequent ones, so that the ends of a colour bar are preserved.
    colours = every.quantize(n_colours, Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE)
    colours.save(packed, format="PNG", dpi=(dpi, dpi), optimize=True)
    return packed.getvalue()


def _shorten(figure: Figure) -> None:
    """Cut the middle out of names so long that no room would be left for the panels; names come from users' files."""
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if isinstance(axis.get_major_formatter(), FuncFormatter | FixedFormatter):
                labels = [text.get_text() for text in axis.get_ticklabels()]
                if max(map(len, labels), default=0) > _MOST_BESIDE:
                    axis.set_ticklabels([_shortened(label, _MOST_BESIDE) for label in labels])
        for text in axes.findobj(Text):
            if len(text.get_text()) > _MOST_ABOVE:
                text.set_text("\n".join(_shortened(line, _MOST_ABOVE) for line in text.get_text().split("\n")))


def _shortened(line: str, most: int) -> str:
    half = most // 2
    return line if len(line) <= most else f"{line[:half]}\N{HORIZONTAL ELLIPSIS}{line[1 - half :]}"


def _numbers_with_exponents(figure: Figure) -> None:
    """Have matplotlib's own labels of numeric axes, such as 10 to the power of -3, drawn as the formulas that they are.

    All other text is taken literally, since names of proxies come from others.
    """
    axes = [axis for one in figure.axes for axis in (one.xaxis, one.yaxis)]
    numeric = [axis for axis in axes if isinstance(axis.get_major_formatter(), ScalarFormatter | LogFormatter)]
    if not numeric:
        return
    figure.draw_without_rendering()  # which makes the ticks
    for axis in numeric:
        labels = [tick.label1 for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())]
        for text in (*labels, axis.offsetText):
            if r"\mathdefault{" in text.get_text():
                text.set_parse_math(True)
