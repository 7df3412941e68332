"""Judging: all that is said of columns of scores on a target, from the same resamples."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness import columns
from harness.agreement import (
    BASELINES,
    COMPARED,
    Agreement,
    Comparison,
    Reliability,
    Row,
    Sample,
    Selection,
    Subject,
    Variations,
    agreement_table,
    agreements,
    comparisons,
    of_classes,
    of_seeds,
    reference_table,
    reliability_table,
    seeds_table,
    selection,
    selection_table,
    verdict_table,
)
from harness.evaluation.evaluation_set import Target
from harness.report import EvaluationTables
from harness.truth import Truth


class Scored(Protocol):
    """A column of scores on a target: `values` (n_archs,), in the order of the target's architectures."""

    @property
    def name(self) -> str: ...
    @property
    def subject(self) -> Subject: ...
    @property
    def values(self) -> "pd.Series[float]": ...
    @property
    def seconds(self) -> float: ...


@dataclass(frozen=True)
class Judgement:
    """What is known of the columns of one target.

    Attributes:
        rows: agreement of each column.
        compared: each column beside each baseline.
        selected: what the ranking by each column finds.
        by_proxy: per proxy its columns (n_archs,), one per seed.
        reliability: the truth against itself.
        reference: per truth column of shorter training its name, epochs and agreement with the truth.
    """

    rows: list[Row]
    compared: list[tuple[Subject, Comparison]]
    selected: list[tuple[Subject, Selection]]
    by_proxy: dict[str, list[NDArray[np.float64]]]
    reliability: list[tuple[tuple[str, str, str], Reliability]]
    reference: list[tuple[tuple[str, str, str], tuple[str, int], Agreement]]


def judge(target: Target, asked: Sequence[Scored], beside: Sequence[Scored]) -> Judgement:
    """Judge the columns that were asked for.

    Args:
        target: architectures and truth.
        asked: columns of scores.
        beside: baselines that were not asked for, to compare with only.
    """
    scores: dict[str, NDArray[np.float64]] = {
        column.name: np.asarray(column.values.to_numpy(), dtype=np.float64) for column in (*asked, *beside)
    }
    names = [column.name for column in asked]
    subjects = {column.name: column.subject for column in asked}
    sample = Sample(target.accuracies, target.classes, len(target.space.architectures))
    plan = Variations.of(sample.classes)
    place = (*target.name, target.truth.name)
    found = agreements({name: scores[name] for name in names}, sample, variations=plan)
    by_proxy: dict[str, list[NDArray[np.float64]]] = defaultdict(list)
    for column in asked:
        by_proxy[column.subject.proxy].append(scores[column.name])
    return Judgement(
        rows=[Row(column.subject, found[column.name], column.seconds) for column in asked],
        compared=[(subjects[one.proxy], one) for one in comparisons(scores, sample, proxies=names, variations=plan)],
        selected=[(subjects[name], selection(scores[name], target.accuracies)) for name in names],
        by_proxy=dict(by_proxy),
        reliability=[(place, one) for one in reliability(target)],
        reference=[(place, *one) for one in _shorter_trainings(target, sample, plan)],
    )


def missing_baselines(asked: Sequence[str]) -> list[str]:
    """Counts to compare with that were not asked for; none where nothing but counts was asked for."""
    if all(name in BASELINES for name in asked):
        return []
    return [name for name in COMPARED if name not in asked]


def reliability(target: Target) -> list[Reliability]:
    """The target's truth against itself: canonical-equal architectures trained separately, and seeds.

    Where canonical-equal architectures share one training, as in the embedded benchmark, they say nothing.
    """
    found: list[Reliability] = []
    frame = pd.DataFrame({"truth": target.accuracies, "class": target.classes}).dropna()
    frame = frame[frame["class"].duplicated(keep=False)]
    if (frame.groupby("class")["truth"].nunique() > 1).any():
        found += of_classes(target.accuracies, target.classes)
    truth = Truth.open(target.space.name)
    own = [
        column.name
        for column in truth.columns(target.data_set.name)
        if column.name.partition("_seed")[0] == target.truth.name and "_seed" in column.name
    ]
    return found + of_seeds({name: truth.values(target.archs, target.data_set.name, name) for name in own})


def _shorter_trainings(target: Target, sample: Sample, plan: Variations) -> Iterator[tuple[tuple[str, int], Agreement]]:
    """Columns of the truth's metric and split after fewer epochs, as if they were proxies that cost real training."""
    truth, own = Truth.open(target.space.name), target.truth
    for column in truth.columns(target.data_set.name):
        shorter = column.epochs is not None and own.epochs is not None and column.epochs < own.epochs
        if shorter and (column.metric, column.split) == (own.metric, own.split) and "_seed" not in column.name:
            values = truth.values(target.archs, target.data_set.name, column.name)
            if np.isfinite(values).sum() < 2:  # an official folder of a few architectures, none of them drawn
                continue
            oriented = values if column.higher_is_better else -values
            yield (column.name, int(column.epochs or 0)), agreements({"it": oriented}, sample, variations=plan)["it"]


def tables_of(judgements: Sequence[Judgement], scores: Mapping[tuple[str, str], pd.DataFrame]) -> EvaluationTables:
    """The tables of an evaluation over several targets, without provenance and failures."""
    per_target = [agreement_table(judgement.rows) for judgement in judgements]
    seeds = [seeds_table(table, one.by_proxy) for table, one in zip(per_target, judgements, strict=True)]
    return EvaluationTables(
        agreement=agreement_table(row for judgement in judgements for row in judgement.rows),
        scores=scores,
        verdicts=verdict_table(pair for judgement in judgements for pair in judgement.compared),
        selection=selection_table(pair for judgement in judgements for pair in judgement.selected),
        seeds=pd.DataFrame([row for table in seeds for row in table.to_dict("records")], columns=list(columns.SEEDS)),
        reliability=reliability_table(row for judgement in judgements for row in judgement.reliability),
        reference=reference_table(row for judgement in judgements for row in judgement.reference),
    )
