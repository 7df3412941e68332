"""The examination: each check catches the plug-in that is broken in its way, with a line that says what to do."""

import dataclasses
import itertools
from pathlib import Path

import pytest
from broken_plug_ins import BROKEN, CLASS, HEAD, NOTED, SOUND, measuring

from harness.check import CheckResult, Finding, cost_and_direction, examine, load
from harness.proxy import PROXIES

_numbers = itertools.count()


@pytest.fixture
def examined(tmp_path):
    """Writes a plug-in and returns its findings up to the check that is wanted."""

    def run(source: str, check: str) -> Finding:
        file = tmp_path / "mine.py"
        file.write_text(source.replace("NAME", f"mine{next(_numbers)}"))
        loaded = load(str(file))
        findings = itertools.chain(loaded.findings, *(examine(name, quick=True) for name in loaded.names))
        return next(finding for finding in findings if finding.check == check)

    return run


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_has_its_line(what, examined):
    check, source, text = BROKEN[what]
    finding = examined(source, check)
    assert finding.result is CheckResult.failed, finding
    assert text in finding.text


@pytest.mark.parametrize("what", NOTED)
def test_what_is_odd_is_noted(what, examined):
    check, source, text = NOTED[what]
    finding = examined(source, check)
    assert finding.result is CheckResult.note, finding
    assert text in finding.text


def test_a_sound_plug_in_passes(examined, tmp_path):
    examined(HEAD + CLASS + SOUND, "loads")
    (name,) = load(str(tmp_path / "mine.py")).names
    assert [finding for finding in examine(name, quick=True) if finding.result is not CheckResult.passed] == []


def test_the_wrong_direction_and_the_cost_are_noted(examined, tmp_path, monkeypatch):
    wasting = "stop = time.thread_time() + 0.01"
    source = measuring(
        "Layers", wasting, "while time.thread_time() < stop: pass", "return -found.sum(found.flops * found.live)"
    )
    examined(source.replace("LIVE", "ALL"), "loads")
    (name,) = load(str(tmp_path / "mine.py")).names
    monkeypatch.setattr(cost_and_direction, "EXPENSIVE", 0.02)
    monkeypatch.setattr(cost_and_direction, "MOST", 70)
    findings = {finding.check: finding for finding in examine(name)}
    assert findings["direction"].result is findings["cost"].result is CheckResult.note
    assert "clearly negative. Higher must mean better; is the sign reversed?" in findings["direction"].text
    assert "check for passes whose results are already in shared evidence" in findings["cost"].text


@pytest.mark.long
@pytest.mark.parametrize("name", list(PROXIES))
def test_every_proxy_of_the_project_passes(name):
    # Proxies that bring their own images bring fewer: it is the same code, ten times as fast.
    fewer = {"n_images": 8, "n_images_tangent": 8, "n_images_regions": 8, "n_repeats": 1}
    fields = {field.name for field in dataclasses.fields(PROXIES.get(name))}
    options = {option: value for option, value in fewer.items() if option in fields}
    failures = [
        finding for finding in examine(name, quick=True, options=options) if finding.result is CheckResult.failed
    ]
    assert failures == []


def test_a_proxy_of_the_project_is_known_by_the_path_of_its_file():
    assert load(str(Path(__file__).parents[2] / "proxies/zico.py")).names == ("zico",)
