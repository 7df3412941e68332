"""The choice: the network predicted best within a budget, what it is worth, and what to compare that with."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from harness.errors import OptionError
from harness.evaluation.costs import Budget, Cost
from harness.predict.features import FeatureTable
from harness.predict.settings import EXHAUSTIVE, SHGO, Model
from harness.predict.study import Drawn, Known
from harness.searchers.shgo import Function, Optimum, Shgo, box_of, fitted, maximise, on_lattice
from harness.space import Architecture, Coordinates

_N_FITTED = 1_000
_BEST_TRAINED = "best of the trained"


@dataclass(frozen=True, eq=False)
class Choosing:
    """What is chosen from: the known networks, the budget and the counts to choose by instead.

    Attributes:
        known: networks with truth.
        budget: of costs.
        counts: counts whose largest value within budget is a choice without training.
    """

    known: Known
    budget: Budget
    counts: Sequence[Cost]

    @cached_property
    def feasible(self) -> NDArray[np.intp]:
        """Rows of known networks within budget.

        Raises:
            OptionError: if there are none.
        """
        return (
            self.budget.require_some(self.known.evaluated.archs) if self.budget.limits else np.arange(len(self.known))
        )

    @cached_property
    def best(self) -> int:
        """The row of the best truth within budget, of ties the first."""
        return int(self.feasible[np.argmax(self.known.sign * self.known.values[self.feasible])])

    @cached_property
    def _place(self) -> dict[Architecture, int]:
        return {arch: row for row, arch in enumerate(self.known.evaluated.archs)}

    def rows(self, drawn: Drawn, searches: Sequence[str]) -> Iterator[dict[str, object]]:
        """Rows of chosen.csv of one fitted model: one per way of searching that can be used for it."""
        place = {"n": drawn.n, "draw": drawn.draw, "chooser": drawn.model.name, "learned_from": drawn.n}
        sign = self.known.sign
        started = time.perf_counter()
        exact = int(self.feasible[np.argmax(sign * drawn.predicted[self.feasible])])
        seconds = time.perf_counter() - started
        if EXHAUSTIVE in searches:
            spent = {"search": EXHAUSTIVE, "evaluations": len(self.feasible), "seconds": seconds}
            yield place | spent | self._chosen(exact, float(drawn.predicted[exact]))
        if SHGO in searches and can_use_shgo(drawn.model, self.known):
            yield place | self._by_shgo(drawn, exact)

    def baselines(self, drawn: Drawn) -> dict[str, object]:
        """The row of the best truth within budget among the trained networks, as a random search of n would choose."""
        own = drawn.trained[np.isin(drawn.trained, self.feasible)]
        row = {
            "n": drawn.n,
            "draw": drawn.draw,
            "chooser": _BEST_TRAINED,
            "learned_from": drawn.n,
            "search": EXHAUSTIVE,
        }
        if not own.size:
            return row | {"truth": np.nan, "regret": np.nan}
        best = int(own[np.argmax(self.known.sign * self.known.values[own])])
        return row | self._chosen(best, np.nan)

    def untrained(self) -> Iterator[dict[str, object]]:
        """Rows of the choices that take no training: the largest of each count within budget, of ties the first.

        The smallest, where a low truth is better, as of a latency.
        """
        archs = [self.known.evaluated.archs[row] for row in self.feasible]
        for count in self.counts:
            best = int(self.feasible[np.argmax(self.known.sign * count.of(archs))])
            which = "largest" if self.known.sign > 0 else "smallest"
            row = {"n": 0, "draw": 0, "chooser": f"{which} {count.name}", "learned_from": 0, "search": EXHAUSTIVE}
            yield row | self._chosen(best, np.nan)

    def _chosen(self, row: int, predicted: float) -> dict[str, object]:
        best, value = self.known.values[self.best], self.known.values[row]
        return {
            "arch": self.known.evaluated.archs[row],
            "predicted": predicted,
            "truth": value,
            "regret": self.known.sign * (best - value),
        }

    def _by_shgo(self, drawn: Drawn, exact: int) -> dict[str, object]:
        """The row of SHGO's choice; `is_exact` says whether it is predicted as well as the best within budget."""
        box, features, sign = self._box, self.known.features[drawn.model.features], self.known.sign
        started = time.perf_counter()
        optimum: Optimum = maximise(box, _smooth(drawn, features, sign), self._limits, Shgo())
        arch = on_lattice(
            box, optimum, lambda archs: sign * drawn.predicted[[self._place[arch] for arch in archs]], self._fits
        )
        row: dict[str, object] = {"search": SHGO, "evaluations": optimum.n_evaluations}
        row["seconds"] = time.perf_counter() - started
        if arch is None:
            return row | {"is_exact": False, "truth": np.nan, "regret": np.nan}
        found = self._place[arch]
        is_exact = bool(np.isclose(drawn.predicted[found], drawn.predicted[exact], rtol=0, atol=1e-9))
        return row | {"is_exact": is_exact} | self._chosen(found, float(drawn.predicted[found]))

    @cached_property
    def _box(self) -> Coordinates:
        return box_of(self.known.evaluated.space)

    @cached_property
    def _limits(self) -> list[Function]:
        """Smooth functions near each limited cost over its limit, less 1."""
        rows = np.random.default_rng(0).permutation(len(self.known))[:_N_FITTED]
        archs = [self.known.evaluated.archs[row] for row in rows]
        limits = self.budget.limits.items()
        return [fitted(self._box, archs, cost.of(archs) / limit - 1) for cost, limit in limits]

    def _fits(self, archs: Sequence[Architecture]) -> NDArray[np.bool_]:
        known = np.array([arch in self._place for arch in archs], dtype=bool)
        return np.asarray(known & self.budget.fits(archs))


def can_use_shgo(model: Model, known: Known) -> bool:
    """Whether a model is a smooth function of coordinates."""
    return model.make().smooth and known.features[model.features].at is not None


def refuse_shgo(models: Sequence[Model], known: Known) -> None:
    """Nothing, if SHGO can search the predictions of one of the models.

    Raises:
        OptionError: if not.
    """
    box_of(known.evaluated.space)
    if not any(can_use_shgo(model, known) for model in models):
        raise OptionError(
            f"search=shgo is invalid for models={','.join(model.name for model in models)}: none is a smooth function "
            "of coordinates; give models=ridge:log_widths or models=gaussian_process:log_widths."
        )


def _smooth(drawn: Drawn, features: FeatureTable, sign: int) -> Function:
    """The prediction between lattice points, oriented so that higher is better."""
    at = features.at
    assert at is not None  # as `can_use_shgo` says
    orientation = sign if drawn.model.make().in_units else 1

    def value(point: NDArray[np.float64]) -> float:
        return orientation * float(drawn.fitted.predict(at(point[None]))[0])

    return value
