"""Restrict and explain, in a browser; what is exported means to the harness what the page showed."""

import csv

import pandas as pd
import pytest
import yaml

from harness import Settings, evaluate
from harness.evaluation.marks import read_marks
from harness.evaluation.restriction import open_restriction
from harness.inputs import DATA_SETS
from harness.page.__main__ import write_page
from harness.space import BENCHMARKS

pytestmark = pytest.mark.long  # a browser draws with a computed GPU

HOSTILE = '=<b>"1"</b>,\n#: \u2028' + "x" * 300


def downloaded(page, button: str, path):
    with page.expect_download() as download:
        page.get_by_role("button", name=button).press("Enter")
    download.value.save_as(path)
    return path


def restriction(path):
    space = BENCHMARKS.get("nats_tss")
    return open_restriction(space, DATA_SETS.get("digits"), Settings(restrict=path))


def shown(page) -> set[str]:
    """The architectures whose points are drawn."""
    return set(page.evaluate("document.getElementById('scatter').data[0].text"))


def forbid(page, name: str) -> None:
    before = page.evaluate("plots.rows.length")
    page.get_by_label(f"{name} is allowed").press("Space")
    page.wait_for_function(
        "(n) => plots.rows.length !== n && document.getElementById('scatter').data[0].x.length < n", arg=before
    )


def test_the_file_selects_exactly_what_the_page_shows(page, run_folder, tmp_path) -> None:
    forbid(page, "0-1: none")
    forbid(page, "2-3: avg_pool_3x3")
    assert page.evaluate("document.activeElement.dataset.choice") == "5.4"  # the keyboard stays where it was
    found = restriction(downloaded(page, "Download space.yaml", tmp_path / "space.yaml"))
    archs = [BENCHMARKS.get("nats_tss").check(arch) for arch in pd.read_parquet(run_folder / "scores.parquet")["arch"]]
    inside = {arch for arch, kept in zip(archs, found.inside(archs), strict=True) if kept}
    assert shown(page) == inside
    assert 0 < len(inside) < 40
    assert page.locator("#left").inner_text().startswith(f"{len(inside)} of 40 architectures are left")
    assert len(found.require_some()) == 4 * 5**4 * 4
    page.locator("#which").select_option("page")
    listed = restriction(downloaded(page, "Download space.yaml", tmp_path / "listed.yaml"))
    space = BENCHMARKS.get("nats_tss")
    assert {space.architectures[row] for row in listed.require_some()} == inside


def test_a_brushed_region_is_exported(page, run_folder, tmp_path) -> None:
    page.locator("#which").select_option("selected")
    assert page.get_by_role("button", name="Download space.yaml").is_disabled()
    box = page.locator("#scatter .nsewdrag").first.bounding_box()
    page.mouse.move(box["x"] + 3, box["y"] + 3)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 3, steps=5)
    page.mouse.up()
    page.wait_for_function("plots.selected !== null && !document.getElementById('save-restriction').disabled")
    brushed = page.evaluate("[...plots.selected].map((row) => state.place.archs[row])")
    found = restriction(downloaded(page, "Download space.yaml", tmp_path / "space.yaml"))
    space = BENCHMARKS.get("nats_tss")
    assert {space.architectures[row] for row in found.require_some()} == set(brushed)
    assert 0 < len(brushed) < 40
    page.get_by_role("button", name="Mark those selected").click()
    marks = read_marks(downloaded(page, "Download marked.csv", tmp_path / "marked.csv"), space)
    assert {mark.arch for mark in marks} == set(brushed)


def test_canonical_forms_are_inside_as_for_the_harness(tmp_path, blank) -> None:
    """A form is inside if any name of its network is: more of them than hold allowed values themselves."""
    settings = Settings(sample=60, population="canonical", store=tmp_path / "scores.sqlite", out=tmp_path / "run")
    evaluate(["params"], settings=settings)
    write_page([tmp_path / "run"], tmp_path / "page")
    page = blank()
    page.goto((tmp_path / "page" / "index.html").as_uri() + "#without=1.3,3.1,4.2")
    page.evaluate("window.ready")
    found = restriction(downloaded(page, "Download space.yaml", tmp_path / "space.yaml"))
    archs = pd.read_parquet(tmp_path / "run" / "scores.parquet")["arch"].tolist()
    assert shown(page) == {arch for arch in archs if arch in found.forms}
    assert len(shown(page)) > found.inside(archs).sum()


def test_effects_follow_the_proxy_and_a_link_restores_the_choice(page, blank) -> None:
    page.get_by_label("Proxy").select_option("params")
    page.wait_for_function("document.querySelector('#effects thead').innerText.includes('mean params')")
    forbid(page, "0-3: none")
    page.wait_for_function("location.hash.includes('without=3.0')")
    second = blank()
    second.goto(page.url)
    second.evaluate("window.ready")
    assert shown(second) == shown(page)
    assert not second.get_by_label("0-3: none is allowed").is_checked()
    strange = blank()
    strange.goto(page.url.split("#")[0] + "#without=9.9,<b>,0.0,0.99,constructor")
    strange.evaluate("window.ready")
    assert strange.evaluate("state.without") == ["0.0"]
    page.get_by_role("button", name="Allow everything").click()
    page.wait_for_function("document.getElementById('scatter').data[0].x.length === 40")
    cell = page.locator("#effects tr", has=page.get_by_label("0-3: none is allowed")).locator("td").nth(2)
    effect = page.evaluate("state.place.choices.effects.truth.find((row) => row[0] === 3 && row[1] === 0)")
    assert cell.inner_text().startswith(f"{effect[3]:.5g}")


def test_nothing_is_written_where_nothing_is_left(page) -> None:
    for value in ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"):
        page.get_by_label(f"1-2: {value} is allowed").uncheck()
    page.wait_for_function("plots.rows.length === 0")
    assert page.locator("#why").inner_text() == "Nothing is left."
    assert page.get_by_role("button", name="Download space.yaml").is_disabled()
    assert page.locator("#left").inner_text() == "0 of 40 architectures are left."


def test_marks_and_notes_are_read_as_they_were_written(page, run_folder, tmp_path) -> None:
    """An architecture by its index; a note with a formula, markup, quotes and a line break comes back as it was."""
    scores = pd.read_parquet(run_folder / "scores.parquet")
    page.get_by_label("Architecture", exact=True).fill(str(scores["index"][7]))
    page.get_by_label("Architecture", exact=True).press("Enter")
    page.wait_for_function("(arch) => state.arch === arch", arg=scores["arch"][7])
    page.get_by_role("button", name="Mark this architecture").press("Enter")
    page.get_by_label(f"Note on {scores['arch'][7]}").fill('=1+1, <b>good</b> "quoted"')
    page.evaluate("(note) => marks.add([3], note)", HOSTILE)
    path = downloaded(page, "Download marked.csv", tmp_path / "marked.csv")
    found = read_marks(path, BENCHMARKS.get("nats_tss"))
    assert [(mark.arch, mark.note) for mark in found] == [
        (scores["arch"][7], '=1+1, <b>good</b> "quoted"'),
        (scores["arch"][3], HOSTILE),
    ]
    with path.open(newline="") as file:
        assert next(csv.reader(file)) == ["arch", "index", "note"]
    assert page.locator("#marks b").count() == 0
    page.get_by_role("button", name=f"Remove the mark of {scores['arch'][3]}").click()
    assert page.locator("#n-marks").inner_text() == "1 marked on nats_tss"
    page.get_by_label("Architecture", exact=True).fill("99999999")
    page.get_by_label("Architecture", exact=True).press("Enter")
    assert page.locator("#arch-note").inner_text() == 'This run has no architecture "99999999".'


def test_hostile_names_are_data_in_a_restriction_file(page) -> None:
    arguments = [HOSTILE, [[HOSTILE, ["no", "1_000", HOSTILE]]], [7, HOSTILE], HOSTILE]
    text = page.evaluate("(given) => restrictionText(...given)", arguments)
    assert yaml.load(text, yaml.BaseLoader) == {
        "bench": HOSTILE,
        "allow": {HOSTILE: ["no", "1_000", HOSTILE]},
        "archs": ["7", HOSTILE],
        "note": HOSTILE,
    }
