"""Proxies that are made of the scores of others."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pandas as pd
import pytest
from stored_scores import stored

from harness.errors import HarnessError
from harness.evidence import Layers
from harness.proxy import Proxy, Sees
from harness.scoring import workers
from harness.scoring.composites import joined
from harness.scoring.proxy_spec import ProxySpec, parse_proxies
from harness.store import FAILED, OK, Score
from proxies.ntk_cond import NtkCondition
from proxies.params import Params

Command = Callable[..., tuple[int, str, str]]


def test_parts_take_the_options_of_the_whole() -> None:
    (spec,) = parse_proxies(["te_nas"], {"te_nas": {"n_images_tangent": 5, "train_mode": True, "size": 3}})
    condition, regions = spec.parts.values()
    assert (condition.name, condition.options_json) == ("ntk_cond", '{"n_images":5,"train_mode":true}')
    assert (regions.name, regions.options_json) == ("linear_regions", '{"n_images":64,"size":3}')
    assert ProxySpec("zico").parts == {}


@pytest.mark.long
def test_a_proxy_of_scored_parts_is_not_measured(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["sample=8", "workers=1", "protocol.batch_size=8"]
    assert command("proxy=[ntk_cond,linear_regions,gradsign]", *words)[0] == 0
    with monkeypatch.context() as patched:
        patched.setattr(workers, "work_on", lambda *unit: pytest.fail(f"measured {unit}"))
        assert command("proxy=[te_nas,gradsign_mean]", *words, "out=of_parts")[0] == 0
    assert command("proxy=[gradsign_mean,te_nas]", *words[:1], "workers=2", *words[2:], "store=alone.sqlite")[0] == 0
    assert command("proxy=[te_nas,ntk_cond]", *words, "resume=false", "store=alone.sqlite", "out=again")[0] == 0
    assert stored(Path("alone.sqlite")) == stored(Path("results/scores.sqlite"))
    scores = pd.read_parquet("of_parts/scores.parquet")
    assert scores["te_nas"].between(2, 16).all()
    assert scores["gradsign_mean"].between(0, 8).all()
    rows = pd.read_csv("of_parts/agreement.csv").set_index("proxy")
    assert rows.loc["te_nas", "n"] == 8


def test_a_part_without_a_score_leaves_none() -> None:
    found = joined("cell", {"a": Score("cell", {"x": 1.5}, OK, "", 2.0), "b": Score("one", {}, FAILED, "odd", 1)})
    assert found == Score("cell", {}, FAILED, "b: odd", 3.0)
    both = {"a": Score("cell", {"x": 1.5}, OK, "", 2.0), "b": Score("one", {"y": -math.inf}, OK, "", 1.0)}
    assert joined("cell", both) == Score("cell", {"a": 1.5, "b": -math.inf}, OK, "", 3.0)


@dataclass(frozen=True)
class Unregistered(Params):
    pass


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"a": Unregistered()}, "mine has the part Unregistered, which is not registered as a proxy"),
        ({"a": NtkCondition(), "b": NtkCondition(3)}, "Two parts of mine are one proxy; parts must be different"),
    ],
)
def test_parts_are_different_registered_proxies(
    parts: dict[str, Proxy], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    @dataclass(frozen=True)
    class Mine(Proxy):
        version: ClassVar[int] = 1
        sees: ClassVar[Sees] = Sees.ALL

        def parts(self) -> dict[str, Proxy]:
            return parts

        def measure(self, layers: Layers) -> float:
            return 0.0

    monkeypatch.setattr(ProxySpec, "proxy_class", Mine)
    with pytest.raises(HarnessError, match=message):
        _ = ProxySpec("mine").parts
