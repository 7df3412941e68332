"""What stands beside the models: proxies and counts, which learn from no truth, and published predictors."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.agreement import correlations
from harness.choose.benchmark import tabled_scores
from harness.evaluation.evaluation_set import EvaluationSet
from harness.paths import conf_folder
from harness.predict.study import Known
from harness.proxy import is_baseline
from harness.settings import Settings

PUBLISHED = "published, learned from truth"
_PREDICTORS = ("graf",)
_FEWEST = 50


def stored_scores(
    evaluated: EvaluationSet, settings: Settings, tables: Path | None, names: Sequence[str]
) -> dict[str, NDArray[np.float64]]:
    """By proxy or count, the stored scores of an evaluation set [n], NaN where there is none; some have none at all."""
    if tables is None:
        return {}
    found: dict[str, NDArray[np.float64]] = {}
    for name, sampled in tabled_scores(evaluated.space, evaluated.data_set, settings, tables).items():
        values = pd.Series(sampled.column.values, index=sampled.index).reindex(evaluated.index)
        if name in names and values.notna().sum() >= _FEWEST:
            found[name] = np.asarray(values, dtype=np.float64)
    return {name: found[name] for name in names if name in found}


def references(known: Known, scores: Mapping[str, NDArray[np.float64]]) -> pd.DataFrame:
    """One row per proxy, count and published predictor, the highest tau first.

    `tau`, `rho` over the known networks that it has scores of, `n_archs`; where these are a sample, an estimate of the
    value on all. Of a truth where lower is better, as a latency, tau is with the truth itself: a count predicts it
    where tau is high. What ranks none of them is left out. `learned_from` is the number of trained networks, NaN where
    a publication did not state it here.
    """
    rows = [_row(known, name, values) for name, values in scores.items()]
    rows += list(_published(known))
    found = pd.DataFrame(rows)
    return found.dropna(subset=["tau"]).sort_values("tau", ascending=False, kind="stable") if rows else found


def _row(known: Known, name: str, values: NDArray[np.float64]) -> dict[str, object]:
    has = ~np.isnan(values)
    both = correlations(values[has], known.values[has])
    one_each = has & known.first_of_class
    return {
        "name": name,
        "kind": "count" if is_baseline(name) else "proxy",
        "learned_from": 0,
        "n_archs": int(has.sum()),
        "tau": both.tau,
        "rho": both.rho,
        "tau_networks": correlations(values[one_each], known.values[one_each]).tau,
        "source": "",
    }


def _published(known: Known) -> Iterator[dict[str, object]]:
    """The rows of conf/published/vkdnw.csv about predictors of test accuracy, if that is the truth here."""
    if known.evaluated.truth.metric != "accuracy" or known.evaluated.truth.split != "test":
        return
    table = pd.read_csv(conf_folder() / "published" / "vkdnw.csv")
    bench, data_set = known.evaluated.name
    own = table[(table["space"] == bench) & (table["dataset"] == data_set) & table["proxy"].isin(_PREDICTORS)]
    for row in own.itertuples():
        yield {
            "name": row.proxy,
            "kind": PUBLISHED,
            "learned_from": np.nan,
            "n_archs": row.n_archs,
            "tau": row.kendall,
            "rho": row.spearman,
            "tau_networks": np.nan,
            "source": f"{row.source}, {row.table}; {row.note}",
        }


def worth(summary: pd.DataFrame, beside: pd.DataFrame) -> pd.DataFrame:
    """How many trained networks a model takes to reach the tau of each proxy and count.

    Returns:
        One row per name and model: `n` from the mean taus, linear in log n between the numbers that were fitted; 0 of
        `reached` means that the model is below at the largest, where `n` is that; 1 with the smallest n means at most
        so many.
    """
    rows = []
    free = beside[beside["learned_from"] == 0] if len(beside) else beside
    for name, tau in zip(free.get("name", ()), free.get("tau", ()), strict=True):
        for (predictor, features), own in summary.groupby(["predictor", "features"], sort=False):
            numbers, taus = own["n"].to_numpy(dtype=float), own["tau"].to_numpy(dtype=float)
            n, reached = needed(numbers, taus, float(tau))
            row = {"name": name, "tau": tau, "predictor": predictor, "features": features, "n": n, "reached": reached}
            rows.append(row)
    return pd.DataFrame(rows)


def needed(numbers: NDArray[np.float64], taus: NDArray[np.float64], tau: float) -> tuple[float, bool]:
    """The first number at which a curve through (log number, tau) reaches a tau; the largest and False if nowhere."""
    above = np.flatnonzero(taus >= tau)
    if not above.size:
        return float(numbers[-1]), False
    at = int(above[0])
    if at == 0:
        return float(numbers[0]), True
    share = (tau - taus[at - 1]) / (taus[at] - taus[at - 1])
    low, high = np.log(numbers[at - 1]), np.log(numbers[at])
    return float(np.exp(low + share * (high - low))), True
