"""An audit's figures of NATS-TSS on CIFAR-10, found with independent code, beside what this harness says now."""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.agreement import Pairs, Plan, Sample, Variations, agreements, comparisons
from harness.agreement.paired import Contrast
from harness.agreement.truth_noise import error_of
from harness.evaluation.analysis import truth_noise
from harness.evaluation.evaluation_set import EvaluationSet, open_evaluation_set
from harness.files.results import write_files
from harness.inputs import DATA_SETS
from harness.paths import conf_folder
from harness.settings import ALL, Settings
from harness.space import BENCHMARKS
from harness.tables.scores import ScoreSources
from harness.tables.spec import TableSpec

DATASET = "cifar10"
LARGE = 50


@dataclass(frozen=True)
class Claim:
    """One figure of the audit: a quantity of a subject, less or beside a baseline if there is one."""

    quantity: str
    population: str
    votes: str
    subject: str
    baseline: str
    value: str
    said: str

    @property
    def rounding(self) -> float:
        """Half a unit in the last digit."""
        return 0.5 * 10.0 ** -len(self.value.partition(".")[2])


@dataclass(frozen=True, eq=False)
class Known:
    """All cells of a population with the scores that claims are about."""

    evaluated: EvaluationSet
    scores: Mapping[str, NDArray[np.float64]]

    @cached_property
    def sample(self) -> Sample:
        """Truth and classes."""
        return self.evaluated.sample

    @cached_property
    def plan(self) -> Plan:
        """Influences that are shared, and the noise of the truth."""
        return Plan(Variations.of(self.sample.classes), truth_noise(self.evaluated))

    @cached_property
    def class_sizes(self) -> NDArray[np.intp]:
        """Cells of each class."""
        return np.bincount(self.plan.variations.classes)

    def contrast(self, claim: Claim) -> Contrast:
        """Subject and baseline in the weighting of the claim."""
        found = comparisons(
            {name: self.scores[name] for name in (claim.subject, claim.baseline)}, self.sample,
            proxies=[claim.subject], baselines=[claim.baseline], paired=self.plan,
        )[0]  # fmt: skip
        return found.cells if claim.votes == "cells" else found.networks

    def correlations(self, claim: Claim) -> tuple[float, float]:
        """Tau and rho of the subject in the weighting of the claim."""
        found = agreements({claim.subject: self.scores[claim.subject]}, self.sample, variations=self.plan.variations)
        own = found[claim.subject]
        return (own.cells if claim.votes == "cells" else own.networks).correlations

    def truth_error(self, claim: Claim) -> float:
        """Standard error of tau by the noise of the truth."""
        assert self.plan.noise is not None
        pairs = Pairs.of(self.scores[claim.subject], self.sample.truth, self._weights(claim))
        shifts = self.plan.variations.shifts(pairs, self.plan.noise, self.sample.truth)
        return error_of(shifts, pairs.counts.n)

    def _weights(self, claim: Claim) -> NDArray[np.float64] | None:
        return None if claim.votes == "cells" else self.sample.weights

    def share_of_large_classes(self, claim: Claim) -> float:
        """Share of the variance of a difference that classes of 50 cells and more carry."""
        variations = self.plan.variations
        first, second = (Pairs.of(self.scores[name], self.sample.truth) for name in (claim.subject, claim.baseline))
        influence = variations.influences(first).tau - variations.influences(second).tau
        by_class = np.bincount(variations.classes[first.rows], influence, minlength=self.class_sizes.size)
        return float((by_class[self.class_sizes >= LARGE] ** 2).sum() / (by_class**2).sum())


_QUANTITIES: Mapping[str, Callable[[Known, Claim], float]] = {
    "networks": lambda known, _: known.class_sizes.size,
    "cells": lambda known, _: known.evaluated.index.size,
    "cells of the class without a path": lambda known, _: _pathless(known),
    f"classes of {LARGE} cells and more": lambda known, _: int((known.class_sizes >= LARGE).sum()),
    "distinct accuracies on CIFAR-100": lambda known, _: _distinct(known),
    "tau": lambda known, claim: known.correlations(claim)[0],
    "rho": lambda known, claim: known.correlations(claim)[1],
    "delta": lambda known, claim: known.contrast(claim).delta.value,
    "SE over classes": lambda known, claim: known.contrast(claim).delta.error,
    "effective classes": lambda known, claim: known.contrast(claim).delta.n_effective,
    "SE of the truth": Known.truth_error,
    f"share of variance in classes of {LARGE} cells and more": Known.share_of_large_classes,
}


def _pathless(known: Known) -> int:
    """Cells of the one class that holds those that are not connected; 0 if they are several classes."""
    space = known.evaluated.space
    without = ~space.members("connected")[known.evaluated.index]
    classes = np.unique(known.plan.variations.classes[without])
    return int(known.class_sizes[classes[0]]) if classes.size == 1 else 0


def _distinct(known: Known) -> int:
    values = known.evaluated.benchmark_truth.values(known.evaluated.archs, "cifar100", known.evaluated.truth.name)
    return int(np.unique(values[~np.isnan(values)]).size)


def read_claims(spec: TableSpec) -> list[Claim]:
    """The figures of the CSV that the table names."""
    with (conf_folder() / "published" / spec.published).open(newline="") as file:
        return [Claim(**row) for row in csv.DictReader(file)]


def write_audit(spec: TableSpec, sources: ScoreSources, out: Path) -> tuple[str, Path]:
    """Write NAME.md and NAME.csv; returns a summary and the path of the page.

    Raises:
        MissingDataError: the truth of NATS-TSS is not here.
        MissingScoresError: a proxy of the audit has no scores; the message is the command.
        OptionError, HarnessError: the folder cannot be written.
    """
    claims = read_claims(spec)
    known = {}
    for name in dict.fromkeys(claim.population for claim in claims):
        known[name] = _known(spec, sources, [claim for claim in claims if claim.population == name])
    rows = []
    for claim in claims:
        ours = _QUANTITIES[claim.quantity](known[claim.population], claim)
        rows.append(
            {name: getattr(claim, name) for name in ("quantity", "population", "votes", "subject", "baseline")}
            | {"audit": claim.value, "ours": ours, "equal": abs(ours - float(claim.value)) <= claim.rounding + 1e-9}
            | {"note": claim.said}
        )
    n_equal = sum(bool(row["equal"]) for row in rows)
    summary = f"{len(rows)} figures, {n_equal} equal to all digits that the audit gives."
    text = "\n".join(_page(spec, rows, claims, summary)) + "\n"
    frame = pd.DataFrame(rows).to_csv(index=False, float_format="%.6g", lineterminator="\n")
    write_files(out, {f"{spec.name}.md": text.encode(), f"{spec.name}.csv": frame.encode()})
    return summary, out / f"{spec.name}.md"


def _known(spec: TableSpec, sources: ScoreSources, claims: Sequence[Claim]) -> Known:
    """What the claims about one population need."""
    names = dict.fromkeys(name for claim in claims for name in (claim.subject, claim.baseline) if name)
    (bench,), (truth,) = spec.bench, spec.truths(spec.bench[0], DATASET)
    settings = Settings(sample=ALL, population=claims[0].population, truth=truth)
    evaluated = open_evaluation_set(BENCHMARKS.get(bench), DATA_SETS.get(DATASET), settings, None)
    scores: dict[str, NDArray[np.float64]] = {}
    for name in names:
        sampled = sources.find(spec, bench, DATASET, name)
        by_index = pd.Series(sampled.column.values, sampled.index).reindex(evaluated.index)
        scores[name] = np.asarray(by_index, dtype=np.float64)
    return Known(evaluated, scores)


def _page(
    spec: TableSpec, rows: Sequence[Mapping[str, object]], claims: Sequence[Claim], summary: str
) -> Iterator[str]:
    yield from (f"# {spec.title}", "", f"    python -m harness.tables table={spec.name}", "", summary, "")
    yield f"- audit: figures of an independent implementation, conf/published/{spec.published}, as it rounds them"
    yield "- votes: one for each cell, or one for each network"
    yield "- SE over classes, effective classes: of the difference of tau, influence functions clustered by class"
    yield from ("", "| quantity | population | votes | of | audit | ours | equal | note |", f"|{' --- |' * 8}")
    for row, claim in zip(rows, claims, strict=True):
        subject = " - ".join(f"`{name}`" for name in (claim.subject, claim.baseline) if name)
        digits = len(claim.value.partition(".")[2])
        ours = f"{row['ours']:.{digits + 1 if digits else 0}f}".replace("0.", ".", 1) if digits else f"{row['ours']:,}"
        audit = claim.value if digits else f"{int(claim.value):,}"
        equal = "yes" if row["equal"] else "no"
        yield (
            f"| {claim.quantity} | {claim.population} | {claim.votes or '-'} | {subject or '-'} | {audit} | {ours} | "
            f"{equal} | {claim.said} |"
        )
