"""Components that no architecture has, because the proxy is undefined for all: their scores are NaN."""

import numpy as np
import pandas as pd
import pytest

from harness.errors import HarnessError
from harness.scoring.proxy_spec import ProxySpec, parse_proxies
from harness.search.objective import Objective
from harness.space import BENCHMARKS
from harness.store import OK, UNDEFINED, Score, ScoreKey, ScoreStore
from harness.store import main as store_command
from harness.tables.scores import ScoreSources


@pytest.mark.parametrize("name", ["epsinas", "vkdnw_agg", "az_nas"])
def test_scores_without_components(name):
    found = ProxySpec(name).combined(pd.DataFrame(index=["a", "b"]))
    assert found.isna().tolist() == [True, True]
    assert list(found.index) == ["a", "b"]


def test_options_are_checked_all_the_same():
    with pytest.raises(TypeError, match="bogus"):
        ProxySpec("zico", (("bogus", 1),)).combined(pd.DataFrame(index=["a"]))


def test_several_components_that_do_not_combine_are_still_a_mistake():
    with pytest.raises(HarnessError, match="components a, b but does not say how they combine"):
        ProxySpec("epsinas").combined(pd.DataFrame({"a": [1.0], "b": [2.0]}))


@pytest.mark.parametrize("names", ["[epsinas]", "[epsinas,az_nas]"])
def test_an_objective_of_networks_that_are_all_undefined(names):
    specs = tuple(parse_proxies(names.strip("[]").split(","), {}))
    found = Objective(specs).values([{spec: {} for spec in specs}] * 3)
    assert found.shape == (3, len(specs))
    assert np.isnan(found).all()


def test_a_score_table_in_which_a_proxy_is_undefined_throughout(tmp_path):
    space = BENCHMARKS.get("nats_tss")
    with ScoreStore(tmp_path / "s.sqlite") as store:
        for proxy, status in (("epsinas@1", UNDEFINED), ("params@1", OK)):
            key = ScoreKey("nats_tss@1", "cifar10", "", "", proxy, ProxySpec(proxy[:-2]).options_json, "", -1)
            store.add(
                [
                    (key, Score(arch, {"params": 1.0} if status == OK else {}, status, "why", 1e-6))
                    for arch in space.architectures
                ]
            )
    store_command(["export", str(tmp_path / "s.sqlite"), str(tmp_path / "scores")])
    sources = ScoreSources(tmp_path / "scores")
    found = {spec.name: sampled for spec, sampled in sources.all_of("nats_tss", "cifar10")}
    assert np.isnan(found["epsinas"].column.values).all()
