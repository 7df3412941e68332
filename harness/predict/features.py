"""Sets of features that models are fitted to: numbers per architecture, none of which is a trained accuracy."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from harness.errors import OptionError
from harness.predict.graf import MOST_OPERATIONS, graf_features, graf_names, operations_of
from harness.registry import unknown_name
from harness.space import Architecture, SearchSpace

LOG_WIDTHS, GRAF, SCORES = "log_widths", "graf", "scores"
FEATURES: Mapping[str, str] = {
    LOG_WIDTHS: "logarithms of the coordinates of a space of numbers, as the widths of nats_sss",
    GRAF: "numbers, paths and degrees of operations in the graph",
    SCORES: "ranks of the stored scores of proxy=, over their number",
}
_FEWEST_WORDS = 2


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """A set of features of all architectures.

    Attributes:
        name: of the set.
        columns: their names.
        values: float64 [n_archs, n_columns].
        at: the same features of points [n, n_coordinates] between architectures, where there are such.
    """

    name: str
    columns: Sequence[str]
    values: NDArray[np.float64]
    at: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None


def feature_table(
    name: str, space: SearchSpace, archs: Sequence[Architecture], scores: Mapping[str, NDArray[np.float64]]
) -> FeatureTable:
    """A set of features by name.

    Args:
        name: one of `FEATURES`.
        space: of the architectures.
        archs: all that are trained or predicted, [n].
        scores: by proxy, float64 [n], for `scores`; NaN where there is none.

    Raises:
        UnknownNameError: for another name.
        OptionError: if the space or the scores have no such features.
    """
    if name not in FEATURES:
        raise OptionError(unknown_name("set of features", name, list(FEATURES)))
    if name == LOG_WIDTHS:
        return _log_widths(space, archs)
    return _graf(space, archs) if name == GRAF else _ranks(space, archs, scores)


def _log_widths(space: SearchSpace, archs: Sequence[Architecture]) -> FeatureTable:
    box = space.coordinates
    if box is None:
        raise OptionError(
            f"features {LOG_WIDTHS} are invalid for {space.name}: its architectures are no points of a box. Use {GRAF}."
        )
    return FeatureTable(LOG_WIDTHS, [f"log {name}" for name in box.names], np.log(box.of(archs)), np.log)


def _graf(space: SearchSpace, archs: Sequence[Architecture]) -> FeatureTable:
    graphs = [space.graph(arch) for arch in archs]
    operations = operations_of(graphs)
    if not 1 <= len(operations) <= MOST_OPERATIONS:
        raise OptionError(
            f"features {GRAF} are invalid for {space.name}: its graphs hold {len(operations):,} operations, and "
            f"sets of operations are counted for at most {MOST_OPERATIONS}."
        )
    values = np.array([graf_features(graph, operations) for graph in graphs])
    return FeatureTable(GRAF, graf_names(operations), values)


def _ranks(
    space: SearchSpace, archs: Sequence[Architecture], scores: Mapping[str, NDArray[np.float64]]
) -> FeatureTable:
    whole = {name: values for name, values in scores.items() if not np.isnan(values).all()}
    complete = {name: values for name, values in whole.items() if np.isfinite(values).mean() > 0.5}
    if len(complete) < _FEWEST_WORDS:
        raise OptionError(
            f"features {SCORES} are invalid for {space.name}: they take two proxies or more with scores of the "
            f"{len(archs):,} architectures, and there are {len(complete)}. Give proxy=, score_tables= or sample=N."
        )
    ranks = [stats.rankdata(np.where(np.isnan(values), -np.inf, values)) / len(archs) for values in complete.values()]
    return FeatureTable(SCORES, list(complete), np.column_stack(ranks))
