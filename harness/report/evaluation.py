"""The input of a report: the agreement table, the scores behind it, the reasons for failures, and provenance."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import pandas as pd

from harness import columns
from harness.agreement import agreement_table, reference_table, reliability_table, selection_table, verdict_table
from harness.agreement.within_table import within_table

JSON: TypeAlias = Mapping[str, "JSON"] | Sequence["JSON"] | str | int | float | bool | None


@dataclass(frozen=True)
class EvaluationTables:
    """The tables of one evaluation, over one or several benchmarks and data sets.

    Attributes:
        agreement: one row per benchmark, data set, proxy and seed; columns of `columns.AGREEMENT`.
        scores: per (benchmark, data set), one row per architecture: `arch,index,truth,<proxy>...`; NaN if it failed.
        provenance: written to run.json unchanged. In the report, `command` comes first, `config` is omitted and every
            other entry is one row, nested entries as `truth.sha256`.
        failures: per (benchmark, data set, proxy), the number of failed architectures by reason.
        verdicts: one row per row of `agreement` and baseline; columns of `columns.VERDICT`.
        selection: one row per row of `agreement`: top-k overlap and regret.
        seeds: one row per proxy that was scored with several seeds; columns of `columns.SEEDS`.
        reliability: the truth against itself; columns of `columns.RELIABILITY`.
        reference: shorter trainings beside the truth; columns of `columns.REFERENCE`.
        beside: baselines that were compared with but not asked for, as rows of `agreement`; no file holds them.
        within: agreement within groups, where accuracies can be compared there alone; columns of `columns.WITHIN`.
        coverage: for networks of the user's own how much of each a score is of; columns of `columns.COVERED`.
    """

    agreement: pd.DataFrame
    scores: Mapping[tuple[str, str], pd.DataFrame]
    provenance: Mapping[str, JSON] = field(default_factory=dict)
    failures: Mapping[tuple[str, str, str], Mapping[str, int]] = field(default_factory=dict)
    verdicts: pd.DataFrame = field(default_factory=lambda: verdict_table([]))
    selection: pd.DataFrame = field(default_factory=lambda: selection_table([]))
    seeds: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(columns.SEEDS)))
    reliability: pd.DataFrame = field(default_factory=lambda: reliability_table([]))
    reference: pd.DataFrame = field(default_factory=lambda: reference_table([]))
    beside: pd.DataFrame = field(default_factory=lambda: agreement_table([]))
    within: pd.DataFrame = field(default_factory=lambda: within_table([]))
    coverage: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(columns.COVERED)))

    def by_dataset(self) -> Iterator[tuple[str, str, pd.DataFrame]]:
        """Benchmark, data set and their rows in order of appearance; best tau first, undefined last."""
        yield from _by_dataset(self.agreement)

    def with_baselines(self) -> Iterator[tuple[str, str, pd.DataFrame]]:
        """As `by_dataset`, with the baselines that were compared with but not asked for."""
        yield from _by_dataset(pd.concat([self.agreement, self.beside]) if len(self.beside) else self.agreement)


def _by_dataset(table: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    for (bench, dataset), rows in table.groupby([columns.BENCH, columns.DATASET], sort=False):
        yield str(bench), str(dataset), rows.sort_values(columns.TAU, ascending=False, kind="stable")
