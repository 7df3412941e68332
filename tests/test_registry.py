"""Registries: names are found, misspelt ones get the nearest, none is taken twice, installed plug-ins come along."""

import sys
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import ClassVar

import pytest

from harness import registry
from harness.errors import HarnessError, UnknownNameError
from harness.evidence import EVIDENCE, Layers
from harness.proxy import PROXIES, Proxy, Sees
from harness.registry import Registry
from harness.scoring.proxy_spec import parse_proxies

ONLY_ON_OPENREVIEW = {"apd": "OpenReview:3naHyE5klE"}


def test_a_name_taken_twice_is_an_error_that_names_both():
    kinds: Registry[type] = Registry("shape", "proxies")
    kinds.register("round")(int)
    kinds.register("round")(int)  # the same thing again, as when a module is reloaded
    with pytest.raises(HarnessError, match=r"Two shapes are called 'round': builtins.int and builtins.str"):
        kinds.register("round")(str)


def test_a_misspelt_name_gets_the_nearest_and_all_known():
    with pytest.raises(UnknownNameError, match=r"No proxy is called 'zicco'. Did you mean 'zico'\? Known: .*params"):
        PROXIES.get("zicco")
    with pytest.raises(UnknownNameError, match=r"No kind of evidence is called 'layer'. Did you mean 'layers'\?"):
        EVIDENCE.get("layer")


def test_an_installed_plug_in_is_found_by_its_entry_point(monkeypatch, tmp_path):
    (tmp_path / "their_package.py").write_text("from harness.registry import Registry\nimport sys\nsys.seen = True\n")
    (tmp_path / "their_broken_package.py").write_text("import no_such_module\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = {"harness.proxies": [EntryPoint("theirs", "their_package", "harness.proxies")]}
    monkeypatch.setattr(registry, "entry_points", lambda group: found.get(group, []))
    Registry("proxy", "proxies").discover()
    assert sys.seen  # type: ignore[attr-defined]
    found["harness.proxies"].append(EntryPoint("broken", "their_broken_package", "harness.proxies"))
    with pytest.raises(HarnessError, match=r"The installed plug-in 'broken' .*does not import: ModuleNotFoundError"):
        Registry("proxy", "proxies").discover()


@dataclass(frozen=True)
class Weighted(Proxy):
    """A proxy with an option of each type."""

    version: ClassVar[int] = 1
    sees: ClassVar[Sees] = Sees.ALL
    power: float = 1.0
    n_rounds: int = 3
    is_signed: bool = False
    norm: str = "l2"

    def measure(self, layers: Layers) -> float:
        return self.power


@pytest.fixture
def weighted():
    PROXIES.register("weighted")(Weighted)


def test_options_are_checked_against_the_fields(weighted):
    options = {"weighted": {"power": 2, "n_rounds": 4, "is_signed": True, "norm": "l1"}}
    (spec,) = parse_proxies(["weighted"], options)
    assert spec.make() == Weighted(2.0, 4, True, "l1")
    assert spec.options_json == '{"is_signed":true,"n_rounds":4,"norm":"l1","power":2.0}'
    for wrong, sentence in (
        ({"powr": 1}, r"No option of weighted is called 'powr'. Did you mean 'power'\?"),
        ({"n_rounds": 1.5}, "options.weighted.n_rounds=1.5 is invalid: it must be a whole number."),
        ({"n_rounds": True}, "n_rounds=true is invalid: it must be a whole number."),
        ({"norm": 2}, "norm=2 is invalid: it must be text."),
    ):
        with pytest.raises(HarnessError, match=sentence):
            parse_proxies(["weighted"], {"weighted": wrong})


def test_proxies_keep_the_order_asked_for_and_come_once():
    assert [spec.name for spec in parse_proxies(["params", "zico", "params"], {})] == ["params", "zico"]
    assert next(spec.name for spec in parse_proxies(["zico", "all"], {})) == "zico"


@pytest.mark.parametrize("name", list(PROXIES))
def test_every_proxy_says_what_it_is(name):
    """The examination of the registry: citation, version, evidence, and a class named by its file."""
    proxy = PROXIES.get(name)
    module = sys.modules[proxy.__module__]
    assert module.__name__ == f"proxies.{name}"
    assert proxy.__doc__
    assert proxy.version >= 1
    assert isinstance(proxy.sees, Sees)
    assert proxy.evidence()
    if not proxy.baseline and proxy.deterministic:  # a measurement of time is no paper's
        assert proxy.paper in module.__doc__.splitlines()[0]
        if name in ONLY_ON_OPENREVIEW:
            assert proxy.paper == ONLY_ON_OPENREVIEW[name]
        else:  # where the code is the source, that
            assert proxy.paper.startswith(("arXiv:", "neurips.cc/", "https://github.com/"))
    assert proxy() == proxy()
