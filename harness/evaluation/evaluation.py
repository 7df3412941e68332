"""Evaluation: from names to the table of agreement. It composes the stages; each is a file of its own."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from harness.errors import OptionError
from harness.evaluation.analysis import Analysis, analyse, tables_of
from harness.evaluation.baselines import compared_with, missing_baselines, missing_costs
from harness.evaluation.budget import Unfinished, Work, first_of, in_random_order, require_enough, score_within
from harness.evaluation.coverage import coverage_table
from harness.evaluation.evaluation_set import EvaluationSet
from harness.evaluation.external_scores import mean_notes
from harness.evaluation.pairs import Skipped
from harness.evaluation.provenance import Asked, describe_run
from harness.evaluation.proxy_columns import external_columns, proxy_columns, scores_table
from harness.evaluation.request import Opened, OpenedSet, Words, ask, open_request, scoring_runs
from harness.evaluation.score_columns import ensemble_columns
from harness.files.out_folder import out_folder
from harness.report import EvaluationTables, write_report
from harness.scoring.proxy_spec import ProxySpec, parse_proxies
from harness.settings import Settings


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found.

    `tables.agreement` has the columns of agreement.csv, `tables.scores` one table per (benchmark, data set) with one
    row per architecture; `evaluation_sets` are what was evaluated on; `skipped` is what `all` stands for, or a list
    names, but could not be evaluated here; `out` holds the results; `notes` are sentences: what data sets caution
    against, and how the files of scores= were read; `unfinished` are the sets of which budget_s left a part, whose
    results are about the finished part.
    """

    tables: EvaluationTables
    evaluation_sets: Sequence[EvaluationSet]
    skipped: Sequence[Skipped]
    out: Path
    notes: Sequence[str] = ()
    unfinished: Sequence[Unfinished] = ()

    @property
    def agreement(self) -> pd.DataFrame:
        """One row per benchmark, data set, proxy and seed."""
        return self.tables.agreement

    @property
    def scores(self) -> Mapping[tuple[str, str], pd.DataFrame]:
        """Per (benchmark, data set): `arch,index,truth,<proxy>...`."""
        return self.tables.scores


def evaluate(
    proxy: Words = None,
    bench: Words = "nats_tss",
    dataset: Words = "digits",
    settings: Settings | None = None,
    *,
    ensemble: Words = None,
) -> Evaluation:
    """Score proxies on benchmarks and correlate the scores with truth.

    Args:
        proxy: names, paths of Python files, or "all"; None for the default four and the counting baselines.
        bench: names of benchmarks, or "all".
        dataset: names of data sets or tasks, or "all".
        settings: everything else.
        ensemble: names of ensembles over the proxies of this evaluation, or "all".

    Raises:
        HarnessError: for a user error or missing data, before anything is computed.
    """
    return evaluate_asked(ask(proxy, bench, dataset, ensemble, settings or Settings()))


def evaluate_asked(asked: Asked) -> Evaluation:
    """`evaluate`, with all that it takes in one.

    Raises:
        HarnessError: as `evaluate`.
    """
    settings = asked.settings
    _require_whole(settings)
    opened = open_request(asked)
    external, ensembles, rules = opened.external, opened.ensembles, opened.rules
    skipped, found_here = opened.skipped, opened.found
    outside = [] if external is None else external.proxies
    evaluation_sets = [evaluated for evaluated, _, _ in found_here]
    with out_folder(settings.out, _stem(evaluation_sets, opened.specs, outside), {"config": asked.config}) as out:
        unfinished: list[Unfinished] = []
        if settings.budget_s is not None:
            found_here, unfinished = _within_budget(opened)
            evaluation_sets = [evaluated for evaluated, _, _ in found_here]
        analyses: list[Analysis] = []
        tables: dict[tuple[str, str], pd.DataFrame] = {}
        failures: dict[tuple[str, str, str], Mapping[str, int]] = {}
        covered: list[pd.DataFrame] = []
        for evaluated, runs, there in found_here:
            found = [] if there is None else external_columns(evaluated, there.columns)
            found += proxy_columns(evaluated, runs, settings)
            found += ensemble_columns(evaluated, found, ensembles)
            counts = parse_proxies(missing_baselines([column.row_key for column in found], settings), {})
            tables[evaluated.name] = scores_table(evaluated, found)
            beside = proxy_columns(evaluated, scoring_runs(evaluated, counts, settings)[:1], settings)
            costs = parse_proxies(missing_costs([column.row_key for column in (*found, *beside)]), {})
            at_cost = proxy_columns(evaluated, scoring_runs(evaluated, costs, settings)[:1], settings)
            analyses.append(analyse(evaluated, found, beside, against=compared_with(settings), costs=at_cost))
            covered.append(coverage_table(found))
            failures |= {(*evaluated.name, column.name): column.failures for column in found if column.failures}
        all_runs = [run for _, runs, _ in found_here for run in runs]
        provenance = describe_run(asked, evaluation_sets, all_runs, skipped)
        if unfinished:
            provenance["unfinished"] = {"/".join(one.name): one.sentence for one in unfinished}
        written = dataclasses.replace(tables_of(analyses, tables, rules), failures=failures)
        written = dataclasses.replace(written, coverage=pd.concat(covered, ignore_index=True))
        cautions = _cautions(found_here)
        if cautions:
            provenance["cautions"] = list(cautions)
        notes: list[str] = []
        if external is not None:
            notes += dict.fromkeys(note for _, _, there in found_here if there is not None for note in there.notes)
            notes += mean_notes(written.seeds, external.proxies)
            provenance["scores"] = {"files": dict(external.digests), "notes": list(notes)}
        written = dataclasses.replace(written, provenance=provenance)
        write_report(out, written, settings.figure_options)
    return Evaluation(written, evaluation_sets, skipped, out, [*cautions, *notes], unfinished)


def _cautions(found: Sequence[OpenedSet]) -> list[str]:
    """What the data sets caution against on which something was run."""
    used = (evaluated.data_set for evaluated, runs, _ in found if any(run.batches is not None for run in runs))
    return list(dict.fromkeys(data_set.caution for data_set in used if data_set.caution))


def _require_whole(settings: Settings) -> None:
    """Refuse what has no results of its own.

    Raises:
        OptionError: for a shard or a dry run.
    """
    if settings.shard is not None:
        raise OptionError(
            f"shard={settings.shard} is part of an evaluation and has no results of its own; it is for python -m "
            "harness, or harness.evaluation.score_shard."
        )
    if settings.dry_run:
        raise OptionError("dry_run=true is for python -m harness, or harness.evaluation.forecast; it has no results.")


def _within_budget(opened: Opened) -> tuple[list[OpenedSet], list[Unfinished]]:
    """The sets with the architectures that are scored when the budget ends, and those of which a part is left."""
    settings = opened.asked.settings
    assert settings.budget_s is not None
    works = [
        Work(evaluated.name, opened.all_runs(at), in_random_order(evaluated, settings))
        for at, (evaluated, _, _) in enumerate(opened.found)
    ]
    finished = score_within(works, settings)
    require_enough(finished, settings.budget_s)
    found: list[OpenedSet] = []
    for (evaluated, runs, there), work, one in zip(opened.found, works, finished, strict=True):
        is_whole = one.n_finished == one.n_asked
        part = evaluated if is_whole else first_of(evaluated, work.archs[: one.n_finished])
        found.append((part, runs, there))
    return found, [one for one in finished if one.n_finished < one.n_asked]


def _stem(evaluation_sets: Sequence[EvaluationSet], specs: Sequence[ProxySpec], outside: Sequence[str]) -> str:
    """What the name of a new folder of results begins with."""
    names = list(outside) or [spec.name for spec in specs]
    parts = (
        _few({evaluated.space.name for evaluated in evaluation_sets}),
        _few({evaluated.data_set.name for evaluated in evaluation_sets}),
    )
    return "-".join((*parts, names[0] if len(names) == 1 else f"{len(names)}proxies"))


def _few(names: set[str]) -> str:
    return next(iter(names)) if len(names) == 1 else f"{len(names)}"
