"""What a reader of the page chooses by: what architectures hold at their positions, and the effect of each value.

The statistics are those of `study=effects` (harness/lens/effects.py), over all architectures of the run; the browser
only filters. An architecture is inside a choice as it is inside a restriction file: by its name, except that of
population=canonical, whose forms stand for all of their names, one is inside if any of its names is.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness import columns
from harness.lens.effects import effects_table, is_factorial
from harness.page.runs import Panel
from harness.result_tables import proxy_columns
from harness.space import BENCHMARKS, Architecture, SearchSpace
from harness.space.positions import Position

MOST_NAMES = 50_000
"""In a larger space the names of canonical forms are not embedded, so that there is no choice by position."""

_CANONICAL = re.compile(r"canonical(?: within .*)?", re.DOTALL)
_DIGITS = 6


def choices(panel: Panel, shown: pd.DataFrame) -> dict[str, Any] | None:
    """Positions, what the architectures shown hold there, and effects over all of the panel; None without positions.

    Args:
        panel: a data set of a run.
        shown: the rows of its scores that the page has.

    `held` has for each position the sets of values that occur, and for each name the place of its own among them;
    `rows` the row of each name, None if names and rows are the same. `effects` has rows of position and value (their
    places), n, mean, its 95 % interval, mean rank, best value with it and its rank; `exact`: no interval is needed.
    """
    if panel.bench not in BENCHMARKS:
        return None
    space = BENCHMARKS.get(panel.bench)
    if not space.positions:
        return None
    archs = [space.check(str(arch)) for arch in panel.scores[columns.ARCH]]
    names, rows = _names(panel, space, [space.check(str(arch)) for arch in shown[columns.ARCH]])
    if not names:
        return None
    held = space.values_held(archs)
    forms = np.unique(np.array(space.canonical_forms(archs)), return_inverse=True)[1].astype(np.intp)
    whole = is_factorial(space.positions, held)
    found: dict[str, list[list[Any]]] = {}
    for name in (columns.TRUTH, *proxy_columns(panel.scores)):
        values = panel.scores[name].to_numpy(dtype=np.float64)
        exact = whole and bool(np.isfinite(values).all())
        found[name] = _rows(effects_table(values, space.positions, held, None if exact else forms), space.positions)
    return {
        "positions": [{"name": one.name, "values": list(one.values)} for one in space.positions],
        "held": [_sets(of_position) for of_position in space.values_held(names)],
        "rows": rows,
        "exact": whole,
        "effects": {"truth": found.pop(columns.TRUTH), "scores": found},
    }


def _names(
    panel: Panel, space: SearchSpace, shown: Sequence[Architecture]
) -> tuple[Sequence[Architecture], list[int] | None]:
    """The names by which the architectures shown are inside or not, and the row of each name."""
    if not _CANONICAL.fullmatch(str(panel.agreement[columns.POPULATION].iloc[0])):
        return shown, None
    if not space.enumerable or len(space.architectures) > MOST_NAMES:
        return (), None
    row_of: Mapping[Architecture, int] = {arch: row for row, arch in enumerate(shown)}
    pairs = [
        (name, row_of[form])
        for name, form in zip(space.architectures, space.canonical_forms(space.architectures), strict=True)
        if form in row_of
    ]
    return [name for name, _ in pairs], [row for _, row in pairs]


def _sets(held: NDArray[np.bool_]) -> dict[str, Any]:
    """The sets of values that occur, as lists of their places, and the place of each row's set."""
    distinct, of = np.unique(held, axis=0, return_inverse=True)
    return {"sets": [np.flatnonzero(one).tolist() for one in distinct], "of": of.reshape(-1).tolist()}


def _rows(table: pd.DataFrame, positions: Sequence[Position]) -> list[list[Any]]:
    if table.empty:
        return []
    places = {one.name: at for at, one in enumerate(positions)}
    numbers = table[["mean", "mean_low", "mean_high", "mean_rank", "best"]].to_numpy(dtype=np.float64)
    return [
        [
            places[position], positions[places[position]].places[value], int(n),
            *(float(f"{one:.{_DIGITS}g}") if np.isfinite(one) else None for one in row), int(best_rank),
        ]
        for position, value, n, row, best_rank in zip(
            table["position"], table["value"], table["n"], numbers, table["best_rank"], strict=True
        )
    ]  # fmt: skip
