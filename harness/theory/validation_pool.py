"""What the study of validation sizes chooses from: all trained networks of a space, and scores to shortlist them by."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.errors import OptionError
from harness.evaluation.analysis import truth_noise
from harness.evaluation.evaluation_set import EvaluationSet, open_evaluation_set
from harness.evaluation.external_scores import open_scores
from harness.evaluation.pairs import attempted, pairs
from harness.evidence import Layers
from harness.inputs import DataSet
from harness.proxy import PROXIES, is_baseline
from harness.settings import ALL, Settings
from harness.space import SearchSpace
from harness.tables.scores import MissingScoresError, ScoreSources
from harness.tables.spec import TableSpec
from harness.theory.settings import USUAL_SCORES, ValidationSettings
from harness.theory.shorter import Shorter, shorter_trainings
from harness.truth.table import TruthColumn

ACCURACIES = ("accuracy", "top1", "top5", "top-1 accuracy", "top-5 accuracy")
"""Metrics that are a share of examples, so that m of them are m trials."""
_PERCENT = ("%", "points")
_TOP = 0.9


@dataclass(frozen=True, eq=False)
class Pool:
    """The trained networks of a space on a data set.

    Attributes:
        bench, dataset: whose.
        truth: the column of accuracies.
        accuracies: (n,) shares from 0 to 1, of the networks with a known one.
        scores: (n,) by proxy, NaN where it has none.
        noise: standard deviation of a training's accuracy, in percentage points, among the best tenth; None if unknown.
        notes: sentences on what was left out.
        shorter: epochs by name, of those scores for which every network has to be trained so long.
    """

    bench: str
    dataset: str
    truth: TruthColumn
    accuracies: NDArray[np.float64]
    scores: dict[str, NDArray[np.float64]]
    noise: float | None
    notes: tuple[str, ...]
    shorter: Mapping[str, int] = field(default_factory=dict)

    @property
    def best(self) -> float:
        """The highest accuracy, from 0 to 1."""
        return float(self.accuracies.max())

    def epochs(self, first: str, k: int) -> float:
        """Epochs of training for k networks that `first` chose, its own included; NaN if they are not known."""
        if self.truth.epochs is None:
            return float("nan")
        return float(k * self.truth.epochs + self.accuracies.size * self.shorter.get(first, 0))


def shortlists(
    scores: NDArray[np.float64], k: int, n_orders: int, random: np.random.Generator
) -> list[NDArray[np.intp]]:
    """Rows of the k highest scores (n,); `n_orders` lists where the k-th is tied with others, drawn among those.

    A network without a score comes after all others.
    """
    if k >= scores.size:
        return [np.arange(scores.size)]
    values = np.where(np.isnan(scores), -np.inf, scores)
    last = np.partition(values, values.size - k)[values.size - k]
    sure, tied = np.flatnonzero(values > last), np.flatnonzero(values == last)
    n_open = k - sure.size
    if tied.size == n_open:
        return [np.concatenate([sure, tied])]
    return [np.concatenate([sure, random.choice(tied, n_open, replace=False)]) for _ in range(n_orders)]


def open_pools(settings: ValidationSettings) -> list[Pool]:
    """The pools of all benchmarks and data sets.

    Raises:
        OptionError: for a metric that is no accuracy.
        HarnessError: for names that are unknown and data that are missing.
    """
    evaluation = Settings(sample=ALL, truth=settings.truth)
    files = [path for path in settings.scores if path.suffix]
    folders = [_sources(path) for path in settings.scores if not path.suffix]
    external = open_scores(files, (), settings.proxies) if files else None
    for name in settings.proxies:
        PROXIES.get(name)

    def opened(space: SearchSpace, data_set: DataSet) -> Pool:
        evaluated = open_evaluation_set(space, data_set, evaluation, None)
        shares = _shares(evaluated)
        known = np.flatnonzero(np.isfinite(shares))
        trained = shorter_trainings(evaluated, settings.shorter)
        columns: dict[str, NDArray[np.float64]] = {}
        notes = []
        for name in settings.proxies:
            found = _stored(evaluated, folders, name)
            if found is None:
                found, lacking = _counted(evaluated, name)
                notes += lacking
            if found is not None:
                columns[name] = found
        if external is not None:
            there = external.on(space, data_set.name)
            columns |= {one.name: one.values(evaluated.archs) for one in there.columns}
        shorter: dict[str, Shorter] = {}
        for one in trained:
            if one.name in columns or one.name in shorter:
                raise OptionError(f"Two columns that draw up shortlists are called {one.name}: rename one.")
            shorter[one.name] = one
        columns |= {name: one.values for name, one in shorter.items()}
        kept = {}
        for name, values in columns.items():
            n_scored = int(np.isfinite(values[known]).sum())
            if n_scored < known.size / 2 and name in shorter:
                where = " / ".join(evaluated.name)
                notes.append(f"{name} left out on {where}: it has {n_scored:,} of {known.size:,} networks")
            elif n_scored < known.size / 2:
                notes.append(_left_out(evaluated, name, f"scored on {n_scored:,} of {known.size:,} networks"))
            else:
                kept[name] = values[known]
        epochs = {name: one.epochs for name, one in shorter.items() if name in kept}
        noise = truth_noise(evaluated)
        scale = _scale(evaluated)
        spread = None
        if noise is not None:
            top = noise.accuracies >= np.quantile(noise.accuracies, _TOP)
            spread = float(100 * scale * np.sqrt(np.mean(noise.deviations[top] ** 2)))
        return Pool(space.name, data_set.name, evaluated.truth, shares[known], kept, spread, tuple(notes), epochs)

    found, skipped = attempted(opened, pairs(settings.benches, settings.data_sets, evaluation), "studied")
    if skipped:
        left = tuple(f"{one.bench} / {one.data_set} left out: {one.reason}" for one in skipped)
        found[0] = replace(found[0], notes=(*found[0].notes, *left))
    return found


def _sources(path: Path) -> ScoreSources:
    """The score tables of a folder; none where the usual one is not there, as outside of the repository.

    Raises:
        OptionError: if there is no other folder of this name.
    """
    if not path.expanduser().is_dir() and path != USUAL_SCORES:
        raise OptionError(f"scores={path} is invalid: there is no such folder of score tables, nor file of scores.")
    return ScoreSources(path.expanduser())


def _shares(evaluated: EvaluationSet) -> NDArray[np.float64]:
    """(n,) accuracies from 0 to 1.

    Raises:
        OptionError: if the truth is no share of examples.
    """
    column = evaluated.truth
    where = f"{evaluated.space.name} on {evaluated.data_set.name}"
    if column.metric.lower() not in ACCURACIES or not column.higher_is_better:
        raise OptionError(
            f"The truth {column.name} of {where} is invalid for experiment=validation: its metric is {column.metric}, "
            f"and it must be a share of images that are right ({', '.join(ACCURACIES)}); give truth=COLUMN."
        )
    shares = evaluated.values * _scale(evaluated)
    known = shares[np.isfinite(shares)]
    if known.min() < 0 or known.max() > 1:
        raise OptionError(
            f"The truth {column.name} of {where} is invalid for experiment=validation: values from {known.min():g} to "
            f"{known.max():g} are no shares of images; declare its unit in its file, as unit=%."
        )
    return np.asarray(shares)


def _scale(evaluated: EvaluationSet) -> float:
    return 0.01 if evaluated.truth.unit in _PERCENT else 1.0


def _stored(evaluated: EvaluationSet, folders: Sequence[ScoreSources], name: str) -> NDArray[np.float64] | None:
    """(n,) scores of a proxy from score tables, NaN where there is none."""
    spec = TableSpec("validation", "", bench=(evaluated.space.name,), inputs=("real", "substitute"))
    for sources in folders:
        try:
            sampled = sources.find(spec, evaluated.space.name, evaluated.data_set.name, name)
        except MissingScoresError:
            continue
        values = np.full(len(evaluated.space.architectures), np.nan)
        values[sampled.index] = sampled.column.values
        if np.isfinite(values).mean() > 0.5:
            return values[evaluated.index]
    return None


def _counted(evaluated: EvaluationSet, name: str) -> tuple[NDArray[np.float64] | None, list[str]]:
    """(n,) values of a count that needs no network; or None and a sentence for what has to be scored first."""
    proxy = PROXIES.get(name)()
    if not is_baseline(name) or list(proxy.evidence().values()) != [Layers]:
        return None, [_left_out(evaluated, name, "not scored on most of its networks")]
    measure: Callable[[Layers], object] = proxy.measure
    values = measure(Layers(evaluated.space.layer_table(evaluated.archs, evaluated.data_set)))
    return np.asarray(values, dtype=np.float64), []


def _left_out(evaluated: EvaluationSet, name: str, why: str) -> str:
    bench, data_set = evaluated.name
    command = f"python -m harness proxy={name} bench={bench} dataset={data_set} sample=all"
    return f"{name} left out on {bench} / {data_set}: {why}; run `{command}` and `python -m harness.store export`"
