"""Point labels, moved apart where they would overlap and each connected to its point by a line."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from harness.report.style import GREY, text_size

FONT = 6.5
_LINE = 0.147  # inches from one name to the next
_REACH = 0.3  # of the panel's width, that of a long name


def name_points(axes: Axes, points: Sequence[tuple[str, float, float]], *, height: float) -> None:
    """Write the name of each point (name, x, y) to its right, the highest first; limits of the axes must be final.

    Args:
        axes: a panel whose limits are final.
        points: in data coordinates.
        height: of the panel, in inches.
    """
    to_share = axes.transData + axes.transAxes.inverted()
    placed = [(name, (x, y), *to_share.transform((x, y))) for name, x, y in points]
    taken: list[tuple[float, float]] = []
    step = text_size(_LINE * 72) / 72 / height

    def is_free(right: float, up: float) -> bool:
        by_names = all(abs(up - other) >= step or abs(right - at) >= _REACH for at, other in taken)
        return by_names and all(abs(up - y) >= step / 2 or not right < x < right + _REACH for *_, x, y in placed)

    for name, point, right, up in sorted(placed, key=lambda one: (-one[3], one[0])):
        # The nearest free position in the panel, below before above; if there is none, names overlap.
        steps = range(int(4 / step) + 1)
        tried = (up + sign * k * step / 4 for k in steps for sign in (-1, 1))
        place = next((y for y in tried if 0 <= y <= 1 and is_free(right, y)), up)
        taken.append((right, place))
        axes.annotate(
            name, point, xytext=(right + 0.03, place), textcoords="axes fraction", fontsize=text_size(FONT),
            va="center", zorder=1.5, path_effects=[withStroke(linewidth=2.5, foreground="white")],
            arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.4, "shrinkA": 0, "shrinkB": 2},
        )  # fmt: skip
