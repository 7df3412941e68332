"""How often intervals cover: samples of NATS-TSS cells, and spaces whose classes are drawn anew, with its real classes.

The truth about a sample is the value on all 15,625 cells. A redrawn space holds as many canonical classes as NATS-TSS
has networks, each drawn with replacement and with all its cells (two draws of one class are two classes); the value
that its intervals should cover is again that of NATS-TSS. Intervals and p are those of `agreements` and `comparisons`,
as every evaluation computes them. Blocks of repetitions are kept in `out`, from which an interrupted run continues.
"""

import hashlib
import io
import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.agreement import Agreement, Comparison, Plan, Sample, Variations, agreements, comparisons
from harness.agreement.measure import Estimated
from harness.agreement.paired import Estimate, two_sided
from harness.errors import HarnessError
from harness.files.results import write_files
from harness.progress import Progress
from harness.randomness import derive_seed
from harness.space import BENCHMARKS
from harness.tables.scores import MissingScoresError, ScoreSources, canonical_index
from harness.tables.spec import TableSpec
from harness.theory.coverage_table import SPACES, coverage_figure, coverage_listing, coverage_notes
from harness.theory.finding import Finding
from harness.theory.settings import CoverageSettings, TheorySettings
from harness.truth import Truth

NAN = float("nan")
BENCH = "nats_tss"

BLOCKS = "coverage_blocks"
_Row = dict[str, Any]
_Key = tuple[str, str, str, str]
_PER_BLOCK = 50
# A redrawn space is one of infinitely many: none is the whole population.
_ENDLESS = 2**40


@dataclass(frozen=True, eq=False)
class Cells:
    """All cells of a space: scores (n,) by proxy, accuracies (n,), canonical class (n,) 0, 1, ... and its size (n,)."""

    scores: dict[str, NDArray[np.float64]]
    accuracies: NDArray[np.float64]
    classes: NDArray[np.intp]

    @property
    def sizes(self) -> NDArray[np.intp]:
        """(n,) cells of each cell's class."""
        return np.asarray(np.bincount(self.classes)[self.classes])

    def members(self) -> list[NDArray[np.intp]]:
        """Per class the rows of its cells."""
        return np.split(np.argsort(self.classes, kind="stable"), np.cumsum(np.bincount(self.classes))[:-1])


class Drawn(NamedTuple):
    """Rows (n,) of the cells that were drawn, their classes (n,), and how many cells they were drawn from."""

    rows: NDArray[np.intp]
    classes: NDArray[np.intp]
    n_population: int


def coverage(settings: TheorySettings, out: Path) -> Finding:
    """The study; blocks that are in `out` already are not computed again, unless `resume` is false.

    Raises:
        HarnessError: a proxy is not scored on all cells.
    """
    chosen = settings.coverage
    cells = read_cells(chosen)
    whole = Drawn(np.arange(cells.classes.size), cells.classes, cells.classes.size)
    expected = {key: row["value"] for key, row in _keyed(repetition(cells, whole, chosen, correlated=True))}
    frames = []
    blocks = _blocks(chosen)
    with Progress("coverage", sum(block.last - block.first for block in blocks), unit="repetitions") as progress:
        for block in blocks:
            frames.append(_block(block, cells, settings, (out, expected)))
            progress.advance(block.last - block.first)
    points = pd.concat(frames, ignore_index=True)
    return Finding(
        name="coverage",
        title="Coverage of intervals and type I error, with the classes of NATS-TSS",
        source=f"scores of all 15,625 cells in {chosen.scores}, ground truth {chosen.truth} of {chosen.dataset}",
        data="Data",
        points=points,
        trends=(),
        pictures={"coverage": partial(coverage_figure, points)},
        notes=tuple(coverage_notes(points)),
        listing=coverage_listing(points),
    )


def read_cells(settings: CoverageSettings) -> Cells:
    """Scores, truth and classes of all cells.

    Raises:
        HarnessError: a proxy is not scored on all cells; the message holds the command that does it.
    """
    space = BENCHMARKS.get(BENCH)
    sources = ScoreSources(settings.scores.expanduser())
    spec = TableSpec("coverage", "", "", "", "", bench=(BENCH,), inputs=("real", "substitute"))
    scores = {}
    for name in (*settings.proxies, *settings.baselines):
        try:
            found = sources.find(spec, BENCH, settings.dataset, name)
        except MissingScoresError as error:
            raise HarnessError(f"{settings.scores} lacks scores of {name}; run {error}.") from None
        if found.index.size < len(space.architectures):
            raise HarnessError(
                f"{settings.scores} holds {name} of {found.index.size:,} cells on {settings.dataset}; the study needs "
                f"all {len(space.architectures):,}."
            )
        scores[name] = found.column.values
    truth = Truth.open(BENCH)
    column = truth.column(settings.dataset, settings.truth)
    values = truth.values(space.architectures, settings.dataset, column.name)
    classes = np.unique(canonical_index(BENCH), return_inverse=True)[1].astype(np.intp)
    return Cells(scores, values if column.higher_is_better else -values, classes)


@dataclass(frozen=True)
class Block:
    """Repetitions first <= k < last of a design; the first `n_correlated` of the block also look at tau and rho."""

    design: str
    n: int
    first: int
    last: int
    n_correlated: int


def _blocks(settings: CoverageSettings) -> list[Block]:
    """All blocks, those of the designs in turn, so that an interrupted run knows something of each."""
    sampled = zip(settings.samples, settings.n_samples, settings.n_bootstraps, strict=True)
    designs = [(f"samples of {n:,}", n, n_samples, n_bootstraps) for n, n_samples, n_bootstraps in sampled]
    designs.append((SPACES, 0, settings.n_spaces, settings.n_spaces))
    found = []
    for design, n, n_times, n_correlated in designs:
        for first in range(0, n_times, _PER_BLOCK):
            last = min(first + _PER_BLOCK, n_times)
            found.append(Block(design, n, first, last, min(max(n_correlated - first, 0), last - first)))
    return sorted(found, key=lambda block: block.first)


def _block(block: Block, cells: Cells, settings: TheorySettings, known: tuple[Path, dict[_Key, float]]) -> pd.DataFrame:
    """The rows of a block, from the folder of the run if they are there."""
    chosen, (out, expected) = settings.coverage, known
    digest = _digest(block, chosen, settings.seed)
    path = out / BLOCKS / f"{digest}.parquet"
    if settings.resume and path.is_file():
        return pd.read_parquet(path)
    rows = []
    for number in range(block.first, block.last):
        random = np.random.default_rng(derive_seed("coverage", settings.seed, block.design, number))
        drawn = redrawn(cells, random) if block.design == SPACES else _sampled(cells, block.n, random)
        started = time.process_time()
        found = list(_keyed(repetition(cells, drawn, chosen, correlated=number - block.first < block.n_correlated)))
        about = {"design": block.design, "repetition": number, "cpu_s": time.process_time() - started}
        for key, row in found:
            row["p"], row["p_normal"] = _p_of(row.pop("estimate"), expected[key])
            rows.append(about | row | {"expected": expected[key]})
    frame = pd.DataFrame(rows)
    content = io.BytesIO()
    frame.to_parquet(content, index=False)
    write_files(path.parent, {path.name: content.getvalue()})
    return frame


def _digest(block: Block, settings: CoverageSettings, seed: int) -> str:
    """Of all that a block depends on."""
    meant = asdict(block) | {"seed": seed} | {name: getattr(settings, name) for name in _MEANT}
    return hashlib.sha256(json.dumps(meant, sort_keys=True).encode()).hexdigest()[:16]


_MEANT = ("proxies", "baselines", "dataset", "truth")


def _p_of(estimate: Estimate | None, expected: float) -> tuple[float, float]:
    """Two-sided p of the expected value: as verdicts compute it, and of the normal instead of t."""
    if estimate is None or not estimate.error > 0:
        return NAN, NAN
    return estimate.p_of(expected), two_sided(estimate.value - expected, estimate.error, math.inf)


def _keyed(rows: Iterator[_Row]) -> Iterator[tuple[_Key, _Row]]:
    for row in rows:
        yield (row["coefficient"], row["subject"], row["interval"], row["votes"]), row


def _sampled(cells: Cells, n: int, random: np.random.Generator) -> Drawn:
    rows = random.choice(cells.classes.size, n, replace=False).astype(np.intp)
    return Drawn(rows, cells.classes[rows], cells.classes.size)


def redrawn(cells: Cells, random: np.random.Generator) -> Drawn:
    """A space of as many classes as the cells have, each drawn with replacement and with all of its cells."""
    members = cells.members()
    chosen = [members[at] for at in random.integers(0, len(members), len(members))]
    labels = np.repeat(np.arange(len(chosen)), [rows.size for rows in chosen])
    return Drawn(np.concatenate(chosen), labels.astype(np.intp), _ENDLESS)


def repetition(cells: Cells, drawn: Drawn, settings: CoverageSettings, *, correlated: bool) -> Iterator[_Row]:
    """What an evaluation of the cells that were drawn says: one row per value and interval, over cells and networks."""
    sample = Sample(cells.accuracies[drawn.rows], drawn.classes, drawn.n_population, cells.sizes[drawn.rows])
    scores = {name: column[drawn.rows] for name, column in cells.scores.items()}
    plan = Variations.of(drawn.classes)
    if correlated:
        for name, agreement in agreements(scores, sample, variations=plan).items():
            yield from _of_agreement(name, agreement)
    compared = comparisons(scores, sample, proxies=settings.proxies, baselines=settings.baselines, paired=Plan(plan))
    for one in compared:
        yield from _of_comparison(one)


def _of_agreement(name: str, agreement: Agreement) -> Iterator[_Row]:
    for votes, found in (("cells", agreement.cells), ("networks", agreement.networks)):
        yield from _of_estimated(name, votes, found)


def _of_estimated(name: str, votes: str, found: Estimated) -> Iterator[_Row]:
    values = {"tau": found.correlations.tau, "rho": found.correlations.rho}
    intervals = {
        ("tau", "sampling"): found.tau_sampling,
        ("tau", "generalisation"): found.tau_generalisation,
        ("rho", "sampling"): found.rho_sampling,
        ("rho", "generalisation"): found.rho_generalisation,
    }
    for (coefficient, interval), ends in intervals.items():
        yield {
            "coefficient": coefficient, "subject": name, "interval": interval, "votes": votes,
            "value": values[coefficient], "low": ends.low, "high": ends.high,
            "n_effective": found.n_effective if coefficient == "tau" else NAN, "estimate": None,
        }  # fmt: skip


def _of_comparison(one: Comparison) -> Iterator[_Row]:
    for votes, contrast in (("cells", one.cells), ("networks", one.networks)):
        found = contrast.delta
        yield {
            "coefficient": "delta", "subject": f"{one.proxy} - {one.baseline}", "interval": "difference",
            "votes": votes, "value": found.value, "low": found.interval.low, "high": found.interval.high,
            "n_effective": found.n_effective, "estimate": found,
        }  # fmt: skip
