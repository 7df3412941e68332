"""An architecture as a picture: vertices in columns by their longest path from the input, edges curved between them.

The layout is Sugiyama's (IEEE Trans. SMC 11, 1981): an edge that crosses a column gets a dummy vertex in it, the
vertices of each column are ordered so that few edges cross, and are then moved so that real vertices stay near the
middle line and long edges straight. All lengths are in inches.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from sklearn.isotonic import isotonic_regression

from harness.report.style import BLUE, GREY, LIGHT, ORANGE
from harness.space.graph import ArchitectureGraph, GraphEdge

_GREEN: Final = "#009E73"  # Okabe & Ito's, as the colours of `style`
_INK: Final = "#222222"
_COLOURS: Final = {"conv 3x3": BLUE, "conv 1x1": _GREEN, "avg pool": ORANGE, "max pool": ORANGE, "skip": _INK}
_NONE: Final = "none"

_TITLE_POINTS, _LABEL_POINTS, _SMALL_POINTS = 12.0, 10.0, 8.0
_POINTS_PER_INCH = 72
_LINE = 1.4 * _LABEL_POINTS / _POINTS_PER_INCH
_MARGIN = 0.2
_PADDING = 0.11  # between a box and its text
_SPACE = 0.5  # for an edge between two columns, besides its label
_APART = 0.2  # between places of one column
_N_SWEEPS = 40

Point = tuple[float, float]


@dataclass(frozen=True)
class Layout:
    """`boxes` holds (x, y, width, height) per vertex, x and y of its centre; `routes` the points of each edge."""

    boxes: tuple[tuple[float, float, float, float], ...]
    routes: tuple[tuple[Point, ...], ...]


def cell_picture(graph: ArchitectureGraph, title: str, subtitle: str = "") -> Figure:
    """The figure; create and save it within `style()`.

    Live edges are solid, dead edges grey and dashed, and edges with the operation `none` faint.
    """
    layout = lay_out(graph)
    left = min(x - width / 2 for x, _, width, _ in layout.boxes)
    right = max(x + width / 2 for x, _, width, _ in layout.boxes)
    low, high = _extent(graph, layout)
    texts = ((title, _TITLE_POINTS), (subtitle, _SMALL_POINTS), (graph.caption, _SMALL_POINTS))
    width = max(right - left, *(_width(text, points) for text, points in texts)) + 2 * _MARGIN
    above, below = 2 * _MARGIN + (0.5 if subtitle else 0.3), 2 * _MARGIN + 0.15
    figure = Figure(figsize=(width, high - low + above + below))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    start = (left + right - width) / 2
    axes.set(xlim=(start, start + width), ylim=(low - below, high + above))
    x, top, bottom = start + _MARGIN, high + above - _MARGIN, low - below + _MARGIN
    axes.text(x, top, title, fontsize=_TITLE_POINTS, fontweight="bold", va="top")
    axes.text(x, top - 0.26, subtitle, fontsize=_SMALL_POINTS, color=GREY, va="top")
    axes.text(x, bottom, graph.caption, fontsize=_SMALL_POINTS, color=GREY, va="bottom")
    for edge, route in zip(graph.edges, layout.routes, strict=True):
        _draw_edge(axes, edge, route)
    in_use = {end for edge in graph.edges if edge.live for end in (edge.source, edge.target)}
    for vertex, label in enumerate(graph.vertices):
        is_end = vertex in (0, len(graph.vertices) - 1)
        _draw_vertex(axes, label, layout.boxes[vertex], is_end=is_end, live=is_end or vertex in in_use)
    return figure


def lay_out(graph: ArchitectureGraph) -> Layout:
    """The positions of all vertices and edges; equal graphs have equal layouts."""
    sizes = [_box_size(label) for label in graph.vertices]
    column_of = _columns(graph)
    columns: list[list[int]] = [[] for _ in range(max(column_of) + 1)]
    for vertex, column in enumerate(column_of):
        columns[column].append(vertex)
    halves = [height / 2 for _, height in sizes]
    chains = []  # the vertices along each edge: its source, a dummy in each column that it crosses, its target
    for edge in graph.edges:
        passed = range(column_of[edge.source] + 1, column_of[edge.target])
        chain = [edge.source, *range(len(halves), len(halves) + len(passed)), edge.target]
        halves += [_LINE / 2] * len(passed)
        for place, column in zip(chain[1:-1], passed, strict=True):
            columns[column].append(place)
        chains.append(chain)
    segments = [segment for chain in chains for segment in pairwise(chain)]
    _order(columns, segments, len(sizes))
    heights = _heights(columns, segments, halves, len(sizes))
    label = max((_width(edge.label, _LABEL_POINTS) for edge in graph.edges), default=0.0)
    pitch = max(width for width, _ in sizes) + label + _SPACE
    x = {place: column * pitch for column, places in enumerate(columns) for place in places}
    boxes = tuple((x[vertex], heights[vertex], *size) for vertex, size in enumerate(sizes))
    ports = _ports(chains, heights, halves)
    routes = []
    for (leaves, enters), chain in zip(ports, chains, strict=True):
        first, *between, last = chain
        start = (x[first] + sizes[first][0] / 2, leaves)
        end = (x[last] - sizes[last][0] / 2, enters)
        routes.append((start, *((x[place], heights[place]) for place in between), end))
    return Layout(boxes, tuple(routes))


def label_place(route: Sequence[Point]) -> Point:
    """The midpoint of an edge's route."""
    middle = len(route) // 2
    if len(route) % 2:
        return route[middle]
    (x, y), (next_x, next_y) = route[middle - 1], route[middle]
    return (x + next_x) / 2, (y + next_y) / 2


def curve(route: Sequence[Point]) -> Path:
    """A smooth curve through the points of a route, horizontal at each of them."""
    vertices, codes = [route[0]], [Path.MOVETO]
    for (x, y), (next_x, next_y) in pairwise(route):
        middle = (x + next_x) / 2
        vertices += [(middle, y), (middle, next_y), (next_x, next_y)]
        codes += [Path.CURVE4] * 3
    return Path(vertices, codes)


def _columns(graph: ArchitectureGraph) -> list[int]:
    """The length of the longest path to each vertex; the output comes last."""
    found = [0] * len(graph.vertices)
    for edge in sorted(graph.edges, key=lambda edge: edge.target):
        found[edge.target] = max(found[edge.target], found[edge.source] + 1)
    found[-1] = max(found)
    return found


def _order(columns: list[list[int]], segments: Sequence[tuple[int, int]], n_vertices: int) -> None:
    """Order the vertices of each column, in place: each moves to its cheapest position until the cost stops falling."""
    cost, found = _cost(columns, segments, n_vertices), -1.0
    while found != cost:
        found = cost
        for column in columns:
            for place in list(column):
                before = list(column)
                others = [other for other in column if other != place]
                for at in range(len(column)):
                    column[:] = [*others[:at], place, *others[at:]]
                    tried = _cost(columns, segments, n_vertices)
                    if tried < cost:
                        cost, before = tried, list(column)
                column[:] = before


def _cost(columns: Sequence[Sequence[int]], segments: Sequence[tuple[int, int]], n_vertices: int) -> float:
    """The cost of an order: edge crossings, then distance of vertices from the middle, then vertical edge length."""
    rank = {place: at - (len(column) - 1) / 2 for column in columns for at, place in enumerate(column)}
    column_of = {place: number for number, column in enumerate(columns) for place in column}
    crossings = sum(
        (rank[a] - rank[c]) * (rank[b] - rank[d]) < 0
        for (a, b), (c, d) in combinations(segments, 2)
        if column_of[a] == column_of[c]
    )
    off = sum(abs(rank[vertex]) for vertex in range(n_vertices))
    climb = sum(abs(rank[source] - rank[target]) for source, target in segments)
    return crossings + 1e-3 * off + 1e-5 * climb


def _heights(
    columns: Sequence[Sequence[int]], segments: Sequence[tuple[int, int]], halves: Sequence[float], n_vertices: int
) -> list[float]:
    """The y coordinate of each vertex, in the order of its column and at least `_APART` from the next.

    Each dummy vertex is drawn towards its neighbours, each real vertex towards the middle line.
    """
    heights = [0.0] * len(halves)
    joined: list[list[int]] = [[] for _ in halves]
    for source, target in segments:
        joined[source].append(target)
        joined[target].append(source)
    for _ in range(_N_SWEEPS):
        for column in columns:
            wanted, weights = [], []
            for place in column:
                pull = 2.0 * len(joined[place]) if place < n_vertices else 0.0
                wanted.append(sum(heights[other] for other in joined[place]) / ((len(joined[place]) + pull) or 1))
                weights.append(10.0 if place < n_vertices else 1.0)
            steps = [halves[lower] + halves[upper] + _APART for lower, upper in pairwise(column)]
            offsets = np.cumsum([0.0, *steps])
            # The least-squares displacement without overlaps.
            moved = isotonic_regression(np.array(wanted) - offsets, sample_weight=weights) + offsets
            for place, height in zip(column, moved.tolist(), strict=True):
                heights[place] = height
    return heights


def _ports(chains: Sequence[Sequence[int]], heights: Sequence[float], halves: Sequence[float]) -> list[list[float]]:
    """The y coordinates at which each edge leaves its source and enters its target, ordered so that none cross."""
    found = [[0.0, 0.0] for _ in chains]
    for end, beside in ((0, 1), (-1, -2)):
        for vertex in {chain[end] for chain in chains}:
            edges = [edge for edge, chain in enumerate(chains) if chain[end] == vertex]
            edges.sort(key=lambda edge: heights[chains[edge][beside]])
            for rank, edge in enumerate(edges):
                share = 2 * (rank + 1) / (len(edges) + 1) - 1
                found[edge][end] = heights[vertex] + 0.9 * share * halves[vertex]
    return found


def _extent(graph: ArchitectureGraph, layout: Layout) -> tuple[float, float]:
    """The lowest and highest y coordinate of all elements."""
    spans = [(y, height) for _, y, _, height in layout.boxes]
    spans += [(y, _LINE) for route in layout.routes for _, y in route]
    return min(y - height / 2 for y, height in spans), max(y + height / 2 for y, height in spans)


def _draw_edge(axes: Axes, edge: GraphEdge, route: Sequence[Point]) -> None:
    colour = _colour(edge.label) if edge.live else GREY
    cut = edge.label == _NONE
    axes.add_patch(
        FancyArrowPatch(
            path=curve(route),
            arrowstyle="-" if cut else "-|>",
            mutation_scale=11,
            color=LIGHT if cut else colour,
            linestyle="solid" if edge.live else (0, (1, 2.5)) if cut else (0, (4, 2.5)),
            linewidth=1.8 if edge.live else 1.2,
            zorder=2 if edge.live else 1,
        )
    )
    if edge.label and not cut:
        axes.text(
            *label_place(route), edge.label, fontsize=_LABEL_POINTS, color=_INK if edge.live else GREY,
            ha="center", va="center", zorder=3, bbox={"boxstyle": "square,pad=0.12", "fc": "white", "ec": "none"},
        )  # fmt: skip


def _draw_vertex(axes: Axes, label: str, box: tuple[float, float, float, float], *, is_end: bool, live: bool) -> None:
    x, y, width, height = box
    colour = (GREY if is_end else _colour(label)) if live else GREY
    axes.add_patch(
        FancyBboxPatch(
            (x - width / 2, y - height / 2),
            width,
            height,
            boxstyle="round,pad=0,rounding_size=0.08",
            facecolor=LIGHT if is_end else "white",
            edgecolor=colour,
            linewidth=1.8 if live and not is_end else 1.2,
            linestyle="solid" if live else (0, (4, 2.5)),
            zorder=4,
        )
    )
    axes.text(
        x, y, label, fontsize=_LABEL_POINTS, color=_INK if live else GREY,
        ha="center", va="center", linespacing=1.25, zorder=5,
    )  # fmt: skip


def _colour(label: str) -> str:
    return next((colour for begin, colour in _COLOURS.items() if label.startswith(begin)), _INK)


def _box_size(label: str) -> tuple[float, float]:
    lines = label.split("\n")
    width = max(_width(line, _LABEL_POINTS) for line in lines)
    return max(width, 0.3) + 2 * _PADDING, len(lines) * _LINE + 2 * _PADDING


def _width(text: str, points: float) -> float:
    """The width of a line of text in the font of `style`; bold if it has the size of a title."""
    if not text.strip():
        return 0.0
    font = FontProperties(family="DejaVu Sans", weight="bold" if points == _TITLE_POINTS else "normal")
    return float(TextPath((0, 0), text, size=points, prop=font).get_extents().width) / _POINTS_PER_INCH
