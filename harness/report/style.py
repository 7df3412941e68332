"""The style of all figures: sizes for slides, colour-blind-safe colours."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import matplotlib as mpl
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
LIGHT: Final = "#E6E6E6"
DENSITY: Final = "cividis_r"
DPI: Final = 160
MOST_PIXELS: Final = 1_600  # of the width: more than a page or a screen resolves
_MOST_BESIDE: Final = 40  # characters of a label beside a panel, where they take half of a narrow figure
_MOST_ABOVE: Final = 60  # of a line above a panel or in it

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
def style(*, own_text: bool = False) -> Iterator[None]:
    """Matplotlib's settings while a figure is created and saved; the caller's are restored afterwards.

    Args:
        own_text: whether all text is the harness's own, so that what stands between dollar signs is a formula.
    """
    with mpl.rc_context(_SETTINGS | {"text.parse_math": own_text}):  # type: ignore[arg-type]  # typed as literals
        yield


def png(figure: Figure, *, n_colours: int = 256) -> bytes:
    """The figure as a PNG with a reduced palette and at most `MOST_PIXELS` wide, without visible loss.

    A palette of 256 colours takes a third of the bytes of full colour, one of 32 (enough for points in one colour) two
    thirds of that. The version of matplotlib is not recorded in it, so that equal results are equal bytes.
    """
    drawn, packed = io.BytesIO(), io.BytesIO()
    dpi = min(DPI, int(MOST_PIXELS / figure.get_figwidth()))
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
