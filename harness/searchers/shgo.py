"""Simplicial homology global optimisation on a box, then the lattice. Endres et al., J. Global Optim. 72, 2018.

SHGO is what FLASH searches with (Li et al., arXiv:2108.00568); this is SciPy's. It needs a smooth function: on a table
of lattice values its local steps see a gradient of 0. So it is given a predictor or a fitted count, and what it finds
is rounded to the best lattice point within one step that is within the exact budget.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log2
from typing import Any, ClassVar, Literal, TypeAlias, cast, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from harness.errors import HarnessError, OptionError
from harness.searchers.base import SEARCHERS, Asking, Problem, Proposal, Searcher
from harness.space import Architecture, Coordinates, SearchSpace

Function: TypeAlias = Callable[[NDArray[np.float64]], float]
Sampling: TypeAlias = Literal["sobol", "halton", "simplicial"]
SAMPLINGS: tuple[Sampling, ...] = get_args(Sampling)
_MOST_COORDINATES = 6  # at eight, 128 points take over 12 s
_N_FITTED = 1_000  # lattice points to which a cost is fitted


@dataclass(frozen=True, eq=False)
class Optimum:
    """What SHGO found.

    Attributes:
        point: float64 [n_coordinates]; None: none of its samples led to a feasible one.
        n_evaluations: of the objective.
    """

    point: NDArray[np.float64] | None
    n_evaluations: int


@SEARCHERS.register("shgo")
@dataclass(frozen=True)
class Shgo(Searcher):
    """SHGO over the coordinates of a space, for counts; `nas-harness predict` gives it fitted predictors.

    The count is fitted by a quadratic function to `n_fitted` architectures drawn within budget, each limited cost to
    1,000 drawn from the whole space; of the architectures within one step of the fitted optimum, those within the exact
    budget are scored, and the best is the result. The search is deterministic but for these draws.

    Attributes:
        sampling: sobol, halton or simplicial. SciPy's local step of `simplicial` misses optima on a budget's edge
            (scipy#16260, #18717).
        n: points of the sampling, a power of two.
        n_fitted: architectures to which the count is fitted.
    """

    uses_neighbours: ClassVar[bool] = False
    uses_start: ClassVar[bool] = False
    bounded: ClassVar[bool] = False
    counts_only: ClassVar[bool] = True
    whole_box: ClassVar[bool] = True
    sampling: str = "sobol"
    n: int = 64
    n_fitted: int = 64

    def __post_init__(self) -> None:
        if self.sampling not in SAMPLINGS:
            raise OptionError(
                f"options.shgo.sampling={self.sampling} is invalid: it must be {', '.join(SAMPLINGS[:-1])} or "
                f"{SAMPLINGS[-1]}."
            )
        if self.n < 2 or not log2(self.n).is_integer():
            raise OptionError(f"options.shgo.n={self.n} is invalid: it must be a power of two, 2 or more.")
        if self.n_fitted < 1:
            raise OptionError(f"options.shgo.n_fitted={self.n_fitted} is invalid: it must be at least 1.")

    def check(self, space: SearchSpace, start: Architecture | None) -> None:
        box_of(space)

    def search(self, problem: Problem) -> Asking:
        space, box = problem.space, box_of(problem.space)
        found = yield [Proposal(problem.start()) for _ in range(self.n_fitted)]
        scored = [candidate for candidate in found if np.isfinite(problem.value(candidate))]
        if not scored:
            return
        archs = [candidate.arch for candidate in scored]
        objective = fitted(box, archs, np.array([problem.value(candidate) for candidate in scored]))
        drawn = [space.random(problem.rng) for _ in range(_N_FITTED)]
        limits = [fitted(box, drawn, excess) for excess in problem.excess(drawn).T]
        optimum = maximise(box, objective, limits, self)
        near = [] if optimum.point is None else box.around(optimum.point)
        within = [arch for arch, excess in zip(near, problem.excess(near), strict=True) if (excess <= 0).all()]
        if not within:
            raise HarnessError(
                f"search=shgo found no architecture of {space.name} within the budget: SHGO needs more points for so "
                "small a region. Give a larger +options.shgo.n, or use search=exhaustive."
            )
        yield [Proposal(arch) for arch in within]


def box_of(space: SearchSpace) -> Coordinates:
    """The coordinates of a space.

    Raises:
        OptionError: if it has none, or more than SHGO takes.
    """
    box = space.coordinates
    if box is None:
        raise OptionError(
            f"search=shgo is invalid for {space.name}: its architectures are no points of a box, as those of nats_sss "
            f"are. Use search={'exhaustive' if space.enumerable else 'evolution'}."
        )
    if len(box.names) > _MOST_COORDINATES:
        raise OptionError(
            f"search=shgo is invalid for {space.name}: it has {len(box.names)} coordinates, and SHGO is usable up to "
            f"{_MOST_COORDINATES}. Use search=evolution."
        )
    return box


def maximise(box: Coordinates, objective: Function, limits: Sequence[Function], options: Shgo) -> Optimum:
    """The maximum of a smooth function on a box, under smooth limits that are 0 or less where they are met.

    SciPy's own stopping options bound neither its evaluations nor its time, so that none is set.
    """

    def negative(point: NDArray[np.float64]) -> float:
        return -objective(point)

    def within(point: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.array([-limit(point) for limit in limits])

    constraints: Any = {"type": "ineq", "fun": within} if limits else None
    found: Any = optimize.shgo(
        negative,
        optimize.Bounds(*zip(*box.bounds, strict=True)),
        constraints=constraints,
        n=options.n,
        sampling_method=cast(Sampling, options.sampling),
        minimizer_kwargs={"method": "SLSQP"},
    )
    n_evaluations = int(found.nfev)
    point = getattr(found, "x", None)  # None, or absent, where no sample was feasible
    return Optimum(None if point is None else np.asarray(point, dtype=np.float64), n_evaluations)


def on_lattice(
    box: Coordinates,
    optimum: Optimum,
    values: Callable[[Sequence[Architecture]], NDArray[np.float64]],
    fits: Callable[[Sequence[Architecture]], NDArray[np.bool_]],
) -> Architecture | None:
    """The best architecture within one step of an optimum that is within budget; None if there is none."""
    near = [] if optimum.point is None else box.around(optimum.point)
    within = [arch for arch, fit in zip(near, fits(near) if near else (), strict=True) if fit]
    return within[int(np.argmax(values(within)))] if within else None


def fitted(box: Coordinates, archs: Sequence[Architecture], values: NDArray[np.float64]) -> Function:
    """The quadratic function of the coordinates nearest to some values, by least squares.

    The count of a network is close to one, and not exactly one: a projection exists only where widths differ.
    """
    scale = np.array([high for _, high in box.bounds])
    coefficients, *_ = np.linalg.lstsq(_terms(box.of(archs) / scale), values, rcond=None)

    def value(point: NDArray[np.float64]) -> float:
        return float((_terms(point[None] / scale) @ coefficients)[0])

    return value


def _terms(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """1, the coordinates and their products, [n, n_terms]."""
    first, second = np.triu_indices(points.shape[1])
    return np.hstack([np.ones((len(points), 1)), points, points[:, first] * points[:, second]])
