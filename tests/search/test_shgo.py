"""SHGO: predictors and counts on the box of NATS-SSS, their exact optima, and what is refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.inputs import DATA_SETS
from harness.predictors.ridge import Ridge
from harness.search.__main__ import main
from harness.searchers.shgo import Shgo, box_of, fitted, maximise, on_lattice
from harness.space import BENCHMARKS

SSS = BENCHMARKS.get("nats_sss")
ARCHS = SSS.architectures
BOX = box_of(SSS)


@pytest.fixture
def command(in_empty_folder):
    return in_empty_folder(main)


@pytest.fixture(scope="module")
def flops() -> np.ndarray:
    """FLOPs of every size on CIFAR-10."""
    data_set = DATA_SETS.get("cifar10")
    return np.array([SSS.flops(arch, data_set) for arch in ARCHS], dtype=np.float64)


@pytest.fixture(scope="module")
def accuracies(truth_oracle: Path) -> np.ndarray:
    """Validation accuracy on CIFAR-10 of every size, in the space's order."""
    with np.load(truth_oracle / "nats_sss.npz", allow_pickle=False) as table:
        names = [name.decode() for name in table["arch"]]
        known = dict(zip(names, table["val90_c10"].astype(np.float64).round(4), strict=True))
    return np.array([known[arch] for arch in ARCHS])


def test_coordinates_are_the_widths():
    assert BOX.bounds == [(8.0, 64.0)] * 5
    assert all(BOX.write(BOX.read(arch)) == arch for arch in ARCHS[::997])
    near = BOX.around(np.array([9.0, 64.0, 30.0, 31.0, 33.0]))
    assert near[0] == "8:64:32:32:32"
    assert len(near) == len(set(near)) == 2 * 2 * 3 * 3 * 3
    assert {"16:56:24:40:24", "8:64:40:32:40"} <= set(near)
    assert BENCHMARKS.get("nats_tss").coordinates is None


@pytest.mark.parametrize(
    ("limit", "n_feasible", "arch", "best"),
    [
        (25e6, 2_246, "8:24:24:64:56", 87.804),
        (50e6, 8_115, "16:32:40:56:56", 89.156),
        (100e6, 17_617, "24:40:64:64:64", 89.940),
        (150e6, 23_554, "40:48:64:64:64", 90.248),
        (200e6, 28_369, "48:56:64:64:56", 90.516),
        (np.inf, 32_768, "64:64:64:64:64", 90.712),
    ],
)
def test_the_exact_optima_within_budgets(flops, accuracies, limit, n_feasible, arch, best):
    within = np.flatnonzero(flops <= limit)
    assert within.size == n_feasible
    found = within[np.argmax(accuracies[within])]
    assert (ARCHS[found], accuracies[found]) == (arch, pytest.approx(best))


@pytest.mark.parametrize("limit", [50e6, 200e6])
def test_the_constrained_optimum_of_a_predictor_is_found(flops, accuracies, limit):
    """A ridge on the logarithms of 25 sizes' widths: what SHGO finds is what enumerating the prediction finds."""
    widths = BOX.of(ARCHS)
    place = {arch: row for row, arch in enumerate(ARCHS)}
    exact = 0
    for draw in range(2):
        random = np.random.default_rng(draw)
        rows = random.permutation(len(ARCHS))
        model = Ridge().fit(np.log(widths[rows[:25]]), accuracies[rows[:25]])
        predicted = model.predict(np.log(widths))
        assert 1 - np.var(accuracies - predicted) / np.var(accuracies) > 0.8
        over = fitted(BOX, [ARCHS[row] for row in rows[:1_000]], flops[rows[:1_000]] / limit - 1)
        found = maximise(BOX, lambda point, model=model: float(model.predict(np.log(point[None]))[0]), [over], Shgo())
        assert found.n_evaluations < 5_000
        arch = on_lattice(
            BOX,
            found,
            lambda archs, predicted=predicted: predicted[[place[arch] for arch in archs]],
            lambda archs: flops[[place[arch] for arch in archs]] <= limit,
        )
        within = np.flatnonzero(flops <= limit)
        exact += predicted[place[arch]] >= predicted[within].max() - 1e-9
    assert exact == 2


def test_where_nothing_is_feasible_there_is_no_point():
    found = maximise(BOX, lambda point: float(point.sum()), [lambda point: float(point.min())], Shgo(n=16))
    assert found.point is None
    assert on_lattice(BOX, found, lambda archs: np.zeros(len(archs)), lambda archs: np.ones(len(archs), bool)) is None


@pytest.mark.long
def test_a_count_is_searched_within_its_budget(command, flops):
    words = ["search=shgo", "proxy=params", "bench=nats_sss", "dataset=cifar10", "truth=none", "workers=1"]
    code, _, error = command(*words, "budget.flops=100e6", "out=one")
    assert code == 0, error
    found = pd.read_csv("one/search.csv").iloc[0]
    data_set = DATA_SETS.get("cifar10")
    assert found["flops"] <= 100e6
    assert found["score"] == SSS.params(found["arch"], data_set)
    largest = max(SSS.params(ARCHS[row], data_set) for row in np.flatnonzero(flops <= 100e6))
    assert found["score"] >= 0.99 * largest
    assert found["evaluations"] <= 64 + 3**5


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["proxy=zico", "bench=nats_sss", "dataset=cifar10"], "and zico runs a network for each: give a count"),
        (["proxy=params", "dataset=digits"], "those of nats_sss are. Use search=exhaustive."),
        (["proxy=params", "bench=imagenet_mbv2", "dataset=imagenet"], "nats_sss are. Use search=evolution."),
        (["proxy=params", "bench=nats_sss", "dataset=cifar10", "restrict=s.yaml"], "which searches a whole box. Use"),
        (["proxy=params", "+options.shgo.n=60"], "options.shgo.n=60 is invalid: it must be a power of two, 2 or more."),
        (["proxy=params", "+options.shgo.sampling=grid"], "it must be sobol, halton or simplicial."),
        (
            ["proxy=params", "bench=nats_sss", "dataset=cifar10", "budget.flops=1e3"],
            "budget.flops=1000 cannot be met: the smallest flops is",
        ),
    ],
)
def test_mistakes_end_in_one_sentence(command, words, text):
    code, _, error = command("search=shgo", "truth=none", "workers=1", *words)
    assert code == 2
    assert text in error
    assert error.count("\n") == 1
