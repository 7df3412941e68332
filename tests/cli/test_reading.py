"""One reader: mapping -> dataclass; the defaults in conf/ are the dataclasses' own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from harness.cli.compose import composed_configs
from harness.cli.config import EvaluationRequest, read_request
from harness.cli.reading import Source, read_into, read_options
from harness.errors import OptionError, UnknownNameError
from harness.lens.__main__ import read as read_lens
from harness.search.config import SearchRequest, read_search
from harness.search.settings import SearchSettings, SearchSpec
from harness.tables.__main__ import TableSettings
from harness.theory.config import read_theory
from harness.theory.settings import TheorySettings
from harness.train.config import TrainingSettings, read_settings


class Colour(Enum):
    red = "red"
    dark_blue = "dark blue"


@dataclass(frozen=True)
class Inner:
    share: float = 0.5


@dataclass(frozen=True)
class Outer:
    count: int
    name: str = "n"
    on: bool = True
    folder: Path | None = None
    sizes: tuple[int, ...] = (1,)
    colour: Colour = Colour.red
    inner: Inner = Inner()
    limits: Mapping[str, float] = field(default_factory=dict)
    either: int | str | None = None
    free: Any = None


def test_values_become_what_the_annotations_say():
    values = {
        "count": 1e3, "name": 5, "folder": "a", "sizes": [2, 3.0], "colour": "dark blue", "inner": {"share": "4e-5"},
        "limits": {"flops": 6}, "either": "all", "free": [1],
    }  # fmt: skip
    made = Outer(1000, "5", True, Path("a"), (2, 3), Colour.dark_blue, Inner(4e-5), {"flops": 6.0}, "all", [1])
    assert read_into(Outer, values) == made
    assert isinstance(made.count, int)
    assert read_into(Outer, {"count": 1, "sizes": 7, "inner": Inner(0.1), "either": 3}) == Outer(
        1, sizes=(7,), inner=Inner(0.1), either=3
    )


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"count": 1.5}, "a.count=1.5 is invalid: it must be a whole number."),
        ({"count": True}, "a.count=true is invalid: it must be a whole number."),
        ({"count": None}, "a.count=null is invalid: it must be a whole number."),
        ({"count": 1, "on": "maybe"}, "a.on=maybe is invalid: it must be true or false."),
        ({"count": 1, "on": 1}, "a.on=1 is invalid: it must be true or false."),
        ({"count": 1, "sizes": []}, "a.sizes=[] is invalid: it must be a number or a list: 'a.sizes=[a,b]'."),
        ({"count": 1, "sizes": ["x"]}, "a.sizes=x is invalid: it must be a whole number."),
        ({"count": 1, "inner": {"share": "half"}}, "a.inner.share=half is invalid: it must be a number."),
        ({"count": 1, "inner": 3}, "a.inner=3 is invalid: it must be a group of settings, as a.inner.NAME=VALUE."),
        ({"count": 1, "limits": 3}, "a.limits=3 is invalid: it must be name and value, as a.limits.NAME=VALUE."),
        ({"count": 1, "limits": {"f": "x"}}, "a.limits.f=x is invalid: it must be a number."),
        ({"count": 1, "name": [1]}, "a.name=[1] is invalid: it must be a name."),
        ({"count": 1, "either": 1.5}, "a.either=1.5 is invalid: it must be a whole number."),
        ({}, "The setting a.count is missing; give its value."),
    ],
)
def test_a_value_of_another_type_is_told_with_key_value_and_what_would_work(values, sentence):
    with pytest.raises(OptionError) as error:
        read_into(Outer, values, Source("a."))
    assert str(error.value) == sentence


def test_unknown_keys_and_members_are_told_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r"No setting is called 'inner.shar'. Did you mean 'inner.share'\?"):
        read_into(Outer, {"count": 1, "inner": {"shar": 1}})
    with pytest.raises(OptionError, match=r"No value of colour is called 'rde'. Did you mean 'red'\?"):
        read_into(Outer, {"count": 1, "colour": "rde"})
    with pytest.raises(UnknownNameError, match=r"f.yaml: No key is called 'cuont'. Did you mean 'total'|'cuont'"):
        read_into(Outer, {"cuont": 1}, Source(noun="key", file="f.yaml", keys={"count": "total"}))


def test_options_are_sorted_and_of_their_types():
    assert read_options("proxy", "p", Inner, {"share": 1}) == (("share", 1.0),)
    with pytest.raises(OptionError, match=r"^options.p.share=x is invalid: it must be a number.$"):
        read_options("proxy", "p", Inner, {"share": "x"})
    with pytest.raises(UnknownNameError, match=r"No option of p is called 'shares'. Did you mean 'share'\?"):
        read_options("proxy", "p", Inner, {"shares": 1})


@pytest.mark.parametrize(
    ("config", "read", "default"),
    [
        ("config", read_request, EvaluationRequest()),
        ("search", read_search, SearchRequest(SearchSpec(), SearchSettings())),
        ("theory", read_theory, TheorySettings()),
        ("train", read_settings, TrainingSettings()),
    ],
)
def test_the_defaults_in_conf_are_those_of_the_dataclass(config, read, default):
    (composed,) = composed_configs(config, [])
    assert read(composed) == default


def test_commands_on_top_of_an_evaluation_have_its_defaults():
    (lens,) = composed_configs("lens", [])
    assert read_lens(lens).evaluation == EvaluationRequest()
    (plan,) = composed_configs("plan", ["width=.05"])
    assert read_request(plan) == EvaluationRequest()
    (tables,) = composed_configs("tables", [])
    assert read_into(TableSettings, dict(tables.items())) == TableSettings()
