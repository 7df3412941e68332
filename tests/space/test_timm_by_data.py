"""Timm's rows by what their tags say of the training data: the counts and correlations of the joined table."""

import numpy as np
import pytest
from scipy import stats

from benchmarks.timm_zoo.by_data import UNSAID, is_distilled, is_plain, names_extra_data
from benchmarks.timm_zoo.counts import is_counted
from benchmarks.timm_zoo.rows import published_rows, tags
from harness.evaluation.population import open_population
from harness.space import BENCHMARKS

ZOO = BENCHMARKS.get("timm")


@pytest.fixture(scope="module")
def oracle(truth_oracle):
    with np.load(truth_oracle / "timm_imagenet.npz", allow_pickle=False) as table:
        names = ("arch", "img_size", "top1", "params_built_1_0_31", "extra_data", "distilled")
        return {name: table[name] for name in names}


def test_every_row_is_classed_as_in_the_joined_table(oracle):
    of_tags = [[belongs(row.tag) for row in published_rows()] for belongs in (names_extra_data, is_distilled, is_plain)]
    extra, distilled, plain = np.array(of_tags)
    assert (extra == oracle["extra_data"]).all()
    assert (distilled == (oracle["distilled"] & ~oracle["extra_data"])).all()
    assert (plain == ~(oracle["distilled"] | oracle["extra_data"])).all()
    assert (plain.sum(), extra.sum(), distilled.sum()) == (1_144, 316, 96)


def test_a_tag_is_of_one_class():
    assert all(names_extra_data(tag) + is_distilled(tag) + is_plain(tag) == 1 for tag in tags())


@pytest.mark.parametrize(
    ("name", "n", "tau", "rho"),
    [
        ("plain_in1k", 665, 0.614, 0.775),
        ("plain_in1k_any_size", 746, None, None),
        ("plain_in1k_rows", 1_144, 0.573, 0.746),
        ("extra_data", 316, None, None),
        ("distilled", 96, None, None),
    ],
)
def test_populations_by_data_have_the_size_and_the_value_of_params_of_the_joined_table(name, n, tau, rho, oracle):
    population = open_population(ZOO, name)
    assert len(population.index) == n
    assert f"{n:,} " in population.words
    assert "recipes are mixed" in population.words
    if tau is not None:
        params, accuracies = oracle["params_built_1_0_31"][population.index], oracle["top1"][population.index]
        assert stats.kendalltau(params, accuracies).statistic == pytest.approx(tau, abs=5e-4)
        assert stats.spearmanr(params, accuracies).statistic == pytest.approx(rho, abs=5e-4)


def test_a_plain_network_is_the_most_accurate_of_its_plain_rows_at_256_pixels_or_fewer(oracle):
    networks = oracle["arch"]
    allowed = ~oracle["extra_data"] & ~oracle["distilled"] & (oracle["img_size"] <= 256)
    chosen = open_population(ZOO, "plain_in1k").index
    assert allowed[chosen].all()
    assert len(set(networks[chosen])) == len(chosen) == len(set(networks[allowed]))
    best = {network: oracle["top1"][allowed & (networks == network)].max() for network in networks[chosen]}
    assert [best[network] for network in networks[chosen]] == list(oracle["top1"][chosen])


def test_tags_that_do_not_name_their_data_are_told():
    assert sum(row.tag in UNSAID for row in published_rows()) == 10
    assert all(is_plain(tag) and tag in ZOO.populations["plain_in1k"] for tag in UNSAID)


def test_counted_networks_are_the_models_whose_counts_are_stored():
    models, counted = ZOO.members("models"), ZOO.members("counted")
    assert [at for at in range(1_556) if counted[at]] == [at for at in range(1_556) if models[at] and is_counted(at)]
    assert f"the {counted.sum():,} of `models`" in ZOO.populations["counted"]
