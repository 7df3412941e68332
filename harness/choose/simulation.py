"""The simulation: a benchmark's truth is hidden but for n architectures, and choosing is judged by the rest.

What is compared, on the untrained networks of each draw: the ranking that was chosen from the n accuracies, rankings
that one could have used without any (#Params, ZiCo, AZ-NAS), each predictor if it had been used always, and the best
proxy of the trained ones. Draws are of one pool, so that intervals over draws say how much luck a draw is, and not how
much another benchmark would differ.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.agreement import correlations
from harness.agreement.interval import quantile
from harness.choose.finding import COUNTING, find, regret_of_top
from harness.choose.nested import FEWEST_CLASSES
from harness.choose.pool import Pool
from harness.choose.proposals import values_by
from harness.choose.rankings import rankings_of
from harness.predictors import Predictor
from harness.progress import Progress
from harness.randomness import derive_seed

CHOICE = "choose"
ALWAYS = (COUNTING, "zico", "az_nas")
TOP = (1, 10)


@dataclass(frozen=True)
class Design:
    """How a simulation is made.

    Attributes:
        n_trained: numbers of architectures whose accuracy is known.
        n_draws: of them, for each number.
        n_repeats: of the nested cross-validation.
        seed: of the draws.
    """

    n_trained: tuple[int, ...]
    n_draws: int
    n_repeats: int
    seed: int = 0


def simulate(
    pool: Pool, place: Mapping[str, str], design: Design, predictors: Mapping[str, Predictor] | None = None
) -> pd.DataFrame:
    """One row per number, draw and method.

    Args:
        pool: all of whose accuracies are known.
        place: columns that say where this is, as bench and dataset.
        design: numbers and draws.
        predictors: by name; None: all registered.

    Returns:
        `n`, `draw`, `method`, `ranking` (what the method used), `tau` and `regret_1`, `regret_10` on the untrained
        networks; of the choice also `expected` with `expected_low`, `expected_high` and `gain`, `gain_low`,
        `gain_high`, as it foretold them.
    """
    rows: list[dict[str, object]] = []
    with Progress("simulation", len(design.n_trained) * design.n_draws, "draws") as progress:
        for n in design.n_trained:
            for draw in range(design.n_draws):
                rows += [{**place, "n": n, "draw": draw, **row} for row in _draw(pool, n, draw, design, predictors)]
                progress.advance()
    return pd.DataFrame(rows)


def _draw(
    pool: Pool, n: int, draw: int, design: Design, predictors: Mapping[str, Predictor] | None
) -> Iterator[dict[str, object]]:
    random = np.random.default_rng(derive_seed("simulation", design.seed, n, draw))
    trained = random.permutation(len(pool.archs))[:n]
    shown = np.full(len(pool.archs), np.nan)
    shown[trained] = pool.accuracies[trained]
    known = Pool(pool.archs, pool.index, pool.classes, pool.scores, shown, pool.counts)
    rest = known.untrained
    if known.n_trained_classes < FEWEST_CLASSES or rest.size < max(TOP):
        return
    rankings = rankings_of(known, predictors)
    finding = find(known, rankings, n_repeats=design.n_repeats, seed=draw, n_population=len(pool.archs))
    best = finding.best.name
    truth = pool.accuracies[rest]
    methods = {CHOICE: best} | {f"always {name}": name for name in ALWAYS if name in rankings.fixed}
    methods |= {f"always {name}": name for name in rankings.learned}
    values = {name: values_by(known, rankings, name)[rest] for name in dict.fromkeys(methods.values())}
    for method, name in methods.items():
        row: dict[str, object] = {"method": method, "ranking": name, **_judged(values[name], truth)}
        if method == CHOICE:
            gain = finding.gain
            row |= {"expected": finding.expected.value}
            row |= dict(zip(("expected_low", "expected_high"), finding.expected.interval, strict=True))
            if gain is not None:
                row |= {"gain": gain.value, "gain_low": gain.interval.low, "gain_high": gain.interval.high}
        yield row
    yield {"method": "random order", "ranking": "", **_judged(np.zeros(rest.size), truth)}


def _judged(values: NDArray[np.float64], truth: NDArray[np.float64]) -> dict[str, float]:
    tau = correlations(values, truth).tau if np.ptp(values) > 0 else 0.0
    return {"tau": tau} | {f"regret_{k}": regret_of_top(values, truth, k) for k in TOP}


def summary(draws: pd.DataFrame) -> pd.DataFrame:
    """Per place, number and method: means over draws, and the choice less the method with 95 % t intervals."""
    rows = []
    for key, group in draws.groupby(["bench", "dataset", "n"], sort=False):
        by_draw = {method: one.set_index("draw") for method, one in group.groupby("method", sort=False)}
        choice = by_draw[CHOICE]
        for method, own in by_draw.items():
            row: dict[str, object] = dict(zip(("bench", "dataset", "n"), key, strict=True))
            row |= {"method": method, "n_draws": len(own)}
            for name in ("tau", "regret_1", "regret_10"):
                row[name] = own[name].mean()
                if method != CHOICE:
                    less = (choice[name] - own[name]).dropna()
                    row |= _interval(f"choice_less_{name}", less.to_numpy(dtype=np.float64))
            rows.append(row)
    return pd.DataFrame(rows)


def _interval(name: str, less: NDArray[np.float64]) -> dict[str, float]:
    mean = float(less.mean())
    half = quantile(less.size - 1) * float(less.std(ddof=1)) / np.sqrt(less.size) if less.size > 1 else np.nan
    return {name: mean, f"{name}_low": mean - half, f"{name}_high": mean + half}


def calibration(draws: pd.DataFrame) -> pd.DataFrame:
    """Per place and number: what the choice foretold against what came; over the draws."""
    rows = []
    for key, group in draws.groupby(["bench", "dataset", "n"], sort=False):
        choice = group[group["method"] == CHOICE].set_index("draw")
        counted = group[group["method"] == f"always {COUNTING}"].set_index("draw")["tau"]
        true_gain = choice["tau"] - counted
        decided = (choice["gain_low"] > 0) | (choice["gain_high"] < 0)
        right = np.sign(choice["gain"]) == np.sign(true_gain)
        inside = (choice["expected_low"] <= choice["tau"]) & (choice["tau"] <= choice["expected_high"])
        rows.append(
            dict(zip(("bench", "dataset", "n"), key, strict=True))
            | {
                "tau_expected": choice["expected"].mean(),
                "tau_on_the_rest": choice["tau"].mean(),
                "inside": inside.mean(),
                "gain_expected": choice["gain"].mean(),
                "gain_on_the_rest": true_gain.mean(),
                "decided": decided.mean(),
                "decided_rightly": right[decided].mean() if decided.any() else np.nan,
                "chosen": _frequent(choice["ranking"].tolist()),
            }
        )
    return pd.DataFrame(rows)


def _frequent(names: Sequence[str], most: int = 4) -> str:
    counted = pd.Series(names).value_counts()
    return ", ".join(f"{name} {times}" for name, times in counted.head(most).items())
