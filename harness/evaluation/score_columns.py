"""Columns of scores on a target: one per proxy and seed, and those of the ensembles over them."""

import dataclasses
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from harness.agreement import RowKey
from harness.cli.reading import read_options
from harness.columns import NO_SEED
from harness.ensembles import ENSEMBLES, Ensemble
from harness.errors import OptionError
from harness.evaluation.evaluation_set import EvaluationSet
from harness.evidence.coverage import Coverage, least
from harness.proxy import Undefined
from harness.settings import ALL
from harness.store import OK, Score


@dataclass(frozen=True)
class ScoreColumn:
    """A proxy's or an ensemble's scores of the architectures of a target.

    `name` is its column in scores.parquet, `row_key` its cells in agreement.csv, `seconds` CPU seconds per network, and
    `failures` says how many have no score, by status and reason. `stored` are the scores of networks of the user's own,
    in the order of the target; otherwise empty.
    """

    name: str
    row_key: RowKey
    values: "pd.Series[float]"
    seconds: float
    failures: Mapping[str, int]
    stored: Sequence[Score] = ()

    @property
    def shares(self) -> tuple[float, float]:
        """The smallest shares of weights and activations that were seen of a network; NaN where none is stated."""
        known = least(Coverage.parse(score.reason) for score in self.stored if score.status == OK)
        if known is None:
            return math.nan, math.nan
        return tuple(math.nan if one is None else one for one in (known.weights, known.activations))  # type: ignore[return-value]


def parse_ensembles(words: Sequence[str], options: Mapping[str, Mapping[str, object]]) -> dict[str, Ensemble]:
    """Ensembles by name, in order, with their options; `all` stands for every registered one.

    Raises:
        UnknownNameError: for unknown names and options.
        OptionError: for values of another type.
    """
    names = dict.fromkeys(name for word in words for name in (ENSEMBLES if word == ALL else [word]))
    found = {}
    for name in names:
        kind = ENSEMBLES.get(name)
        found[name] = kind(**dict(read_options("ensemble", name, kind, options.get(name, {}))))
    return found


def require_company(ensembles: Mapping[str, Ensemble], proxies: Sequence[str]) -> None:
    """Make sure that there is something to combine, and that the columns of scores can be distinguished.

    Raises:
        OptionError: if there is an ensemble over fewer than two proxies, or one that is called as a proxy is.
    """
    if ensembles and len(proxies) < 2:
        raise OptionError(
            f"ensemble={','.join(ensembles)} combines several proxies, but {' '.join(proxies)} is the only one; "
            "name two or more: 'proxy=[zico,params]'."
        )
    doubled = sorted(ensembles.keys() & set(proxies))
    if doubled:
        raise OptionError(f"Both an ensemble and a proxy are called {', '.join(doubled)}; remove one of them.")


def ensemble_columns(
    evaluated: EvaluationSet, proxies: Sequence[ScoreColumn], ensembles: Mapping[str, Ensemble]
) -> list[ScoreColumn]:
    """Each ensemble over the proxies of each seed; proxies without a seed take part in all of them."""
    seeds = list(dict.fromkeys(column.row_key.seed for column in proxies if column.row_key.seed != NO_SEED)) or [
        NO_SEED
    ]
    found = []
    for seed in seeds:
        of_seed = [column for column in proxies if column.row_key.seed in (NO_SEED, seed)]
        # One that is undefined on this data set has no part here; it would leave no row to the others.
        scored = [column for column in of_seed if column.values.notna().any()]
        suffix = "" if seed == seeds[0] else f"#{seed}"
        for name, ensemble in ensembles.items():
            column = _ensemble_column(evaluated, scored, name, ensemble)
            row_key = dataclasses.replace(column.row_key, seed=seed)
            found.append(dataclasses.replace(column, name=f"{name}{suffix}", row_key=row_key))
    return found


def _ensemble_column(
    evaluated: EvaluationSet, proxies: Sequence[ScoreColumn], name: str, ensemble: Ensemble
) -> ScoreColumn:
    names = [column.row_key.proxy for column in proxies]
    table = pd.DataFrame({column.name: column.values.to_numpy() for column in proxies}, index=list(evaluated.archs))
    try:
        if len(proxies) < 2:
            raise Undefined(f"only {' '.join(names) or 'none'} of the proxies has scores on this data set")
        values = ensemble.scores(table, truth=evaluated.accuracies, groups=evaluated.classes)
        lacking = table.isna()
        failures = Counter(f"no score of {name}" for name in lacking.idxmax(axis=1)[lacking.any(axis=1)])
    except Undefined as reason:
        values = pd.Series(np.nan, index=table.index)
        failures = Counter({f"undefined: {reason}": len(table)})
    fields = dataclasses.fields(ensemble)  # type: ignore[arg-type]  # a frozen dataclass by contract
    options = {field.name: getattr(ensemble, field.name) for field in fields}
    row_key = RowKey(
        *evaluated.name,
        proxy=name,
        version=str(ensemble.version),
        options=", ".join(
            f"{field.name}={options[field.name]}" for field in fields if options[field.name] != field.default
        ),
        protocol=_joint([column.row_key.protocol for column in proxies]),
        inputs=_joint([column.row_key.inputs for column in proxies]),
        truth=evaluated.truth.name,
        seed=NO_SEED,
        components="+".join(names),
        population=evaluated.population.name,
    )
    return ScoreColumn(name, row_key, values, float(sum(column.seconds for column in proxies)), failures)


def _joint(settings: Sequence[str]) -> str:
    """What the proxies use, "none" only if none uses anything."""
    used = [setting for setting in dict.fromkeys(settings) if setting != "none"]
    return "+".join(used) or "none"
