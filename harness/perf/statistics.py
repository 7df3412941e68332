"""What the statistics of an evaluation cost: all that is said of ten proxies beside the five counts of `against=`."""

import resource
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from time import process_time

import numpy as np
from numpy.typing import NDArray

from harness import columns
from harness.agreement import Plan, Sample, TruthNoise, Variations, agreements, comparisons, selections
from harness.perf.figure import Bench, Figure
from harness.settings import AGAINST

N_PROXIES = 10
_MEBIBYTE = 1_024  # ru_maxrss is in KiB


@dataclass(frozen=True)
class Case:
    """Rows whose statistics are measured.

    Attributes:
        n_rows: architectures that are evaluated.
        n_population: architectures of the population.
        most_s: CPU seconds to stay below.
        most_mib: MiB of memory to stay below; None: no target.
        single_names: whether each network has one name, so that cells and networks are one, and seeds are the noise.
    """

    n_rows: int
    n_population: int
    most_s: float
    most_mib: float | None = None
    single_names: bool = False


# A sample of a space as NATS-TSS, all of it, and a space as NAS-Bench-101.
CASES = (
    Case(1_000, 15_625, 5.0),
    Case(15_625, 15_625, 8.0),
    Case(423_624, 423_624, 60.0, 2_048.0, single_names=True),
)


def cost_of_statistics(bench: Bench, cases: tuple[Case, ...] = CASES) -> Iterator[Figure]:
    """CPU seconds, and MiB of the process that they are computed in, of made-up scores over networks of several names.

    Both weightings, intervals, comparisons with the noise of a whole population's truth, and selection with agreement
    at equal cost; the counts have a few to a few hundred values, as on NATS-TSS.
    """
    for case in cases:
        with get_context("spawn").Pool(1) as pool:
            seconds, mebibytes = pool.apply(measured, (case, bench.seed))
        name = f"{case.n_rows:,} rows, {N_PROXIES} proxies beside {len(AGAINST)} counts"
        yield Figure("statistics", name, seconds, "CPU s", case.most_s)
        yield Figure("statistics", f"{case.n_rows:,} rows, memory", mebibytes, "MiB", case.most_mib)


def measured(case: Case, seed: int) -> tuple[float, float]:
    """CPU seconds of the statistics, and the largest memory of this process in MiB."""
    scores, sample = made_up(case, seed)
    started = process_time()
    plan = Variations.of(sample.classes)
    noise = _noise(case, sample, seed) if sample.is_population else None
    agreements(scores, sample, variations=plan)
    proxies = [name for name in scores if name not in AGAINST]
    comparisons(scores, sample, proxies=proxies, paired=Plan(plan, noise))
    costs = {cost: np.exp(scores[count] / 40) for cost, count in columns.COSTS.items()}
    selections({name: scores[name] for name in proxies}, sample, costs=costs, variations=plan)
    elapsed = process_time() - started
    return elapsed, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _MEBIBYTE


def _noise(case: Case, sample: Sample, seed: int) -> TruthNoise | None:
    if not case.single_names:
        return TruthNoise.of_classes(sample.truth, sample.classes)
    trainings = sample.truth + 0.3 * np.random.default_rng(seed).normal(size=(3, case.n_rows))
    return TruthNoise.of_seeds(list(trainings))


def made_up(case: Case, seed: int) -> tuple[dict[str, NDArray[np.float64]], Sample]:
    """Scores of the counts of `against=` and of ten proxies, and the sample that they are of.

    Networks have one name, or two on average and a few of them hundreds; one proxy has infinite scores, one lacks some.
    """
    random, n = np.random.default_rng(seed), case.n_population
    several = np.minimum(random.geometric(0.45, n) + (random.random(n) < 0.004) * random.integers(50, 300, n), n)
    classes = np.repeat(np.arange(n), 1 if case.single_names else several)[:n]
    quality = random.normal(size=n)
    truth = np.round(70 + 8 * quality[classes] + 0.3 * random.normal(size=n), 2)
    scores = {}
    for place, name in enumerate(AGAINST):
        scores[name] = np.floor((quality + random.normal(size=n))[classes] * (2, 10, 13, 100, 40)[place % 5])
    for place in range(N_PROXIES):
        noisy = (quality + (0.5 + 0.1 * place) * random.normal(size=n))[classes] + 1e-6 * random.normal(size=n)
        scores[f"proxy{place}"] = noisy
    scores["proxy0"][: n // 100] = -np.inf
    scores["proxy1"][n // 2 : n // 2 + 5] = np.nan
    drawn = np.sort(random.permutation(n)[: case.n_rows])
    of_drawn = {name: column[drawn] for name, column in scores.items()}
    return of_drawn, Sample(truth[drawn], classes[drawn], n, np.bincount(classes)[classes[drawn]])
