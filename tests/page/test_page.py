"""The page, as a reader in a browser finds it."""

import shutil

import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata

from harness.page.__main__ import write_page, write_single_file

pytestmark = pytest.mark.long  # a browser draws with a computed GPU

PROXIES = ["params", "flops_live", "sum_log_layer_size"]


def column(page, name: str) -> list[str]:
    place = page.eval_on_selector_all(
        "#leaderboard thead th", "(cells, name) => cells.findIndex((cell) => cell.dataset.column === name)", name
    )
    return [row.locator("td").nth(place).inner_text() for row in page.locator("#leaderboard tbody tr").all()]


def test_headings_sort_and_words_filter(page):
    assert page.locator("#n-rows").inner_text() == "3 of 3 rows"
    taus = [float(text.split()[0]) for text in column(page, "tau")]
    assert taus == sorted(taus, reverse=True)
    page.get_by_role("button", name="proxy", exact=True).press("Enter")
    assert column(page, "proxy") == sorted(PROXIES)
    assert page.locator("th[data-column=proxy]").get_attribute("aria-sort") == "ascending"
    page.get_by_role("button", name="proxy", exact=True).press("Enter")
    assert column(page, "proxy") == sorted(PROXIES, reverse=True)
    page.get_by_label("Filter").fill("flops nats_tss")
    assert column(page, "proxy") == ["flops_live"]
    assert page.locator("#n-rows").inner_text() == "1 of 3 rows"


def test_what_is_the_same_in_all_rows_stands_in_the_caption(page):
    caption = page.locator("#leaderboard caption").inner_text()
    assert "benchmark nats_tss; data set digits; n 40" in caption
    heads = page.locator("#leaderboard th").all_inner_texts()
    assert heads[:2] == ["proxy", "tau"]
    assert "n" not in heads


@pytest.mark.parametrize("width", [400, 1400])
def test_proxy_and_tau_come_first_and_nothing_is_cut_off(blank, page_folder, width):
    opened = blank()
    opened.set_viewport_size({"width": width, "height": 900})
    opened.goto((page_folder / "index.html").as_uri())
    opened.evaluate("window.ready")
    opened.evaluate("marks.add([1, 2], 'x'.repeat(300)); choose({arch: state.place.archs[1]})")
    opened.locator("#details svg").wait_for()
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    outside = opened.eval_on_selector_all(
        "td, tbody th, p, pre, h1, h2, select, input, button, dd",
        """(all, width) => all.filter((one) => { const box = one.getBoundingClientRect();
            return box.width && box.right > width + 1; }).map((one) => one.textContent.slice(0, 60))""",
        width,
    )
    assert outside == []
    first = opened.locator("#leaderboard tbody tr").first.locator("td")
    boxes = [first.nth(at).bounding_box() for at in range(2)]
    assert boxes[0]["y"] == pytest.approx(boxes[1]["y"], abs=12)
    assert first.nth(1).get_attribute("data-label") == "tau"
    opened.get_by_label("Sort by").select_option("proxy")
    assert column(opened, "proxy") == sorted(PROXIES)
    opened.get_by_role("button", name="Reverse the order").press("Enter")
    assert column(opened, "proxy") == sorted(PROXIES, reverse=True)


def test_one_file_shows_the_same_and_loads_nothing(blank, run_folder, tmp_path):
    write_single_file([run_folder], tmp_path / "page.html")
    assert [file.name for file in tmp_path.iterdir()] == ["page.html"]
    complaints: list[str] = []
    requests: list[str] = []
    opened = blank()
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("request", lambda request: requests.append(request.url))
    address = (tmp_path / "page.html").as_uri()
    opened.goto(address)
    opened.evaluate("window.ready")
    assert column(opened, "proxy") != []
    assert opened.evaluate("document.getElementById('scatter').data[0].x.length") == 40
    assert complaints == []
    assert [url for url in requests if not url.startswith((address, "data:", "blob:"))] == []


def test_provenance_is_told_term_by_term(page):
    """No braces of JSON: objects are lists of terms within terms."""
    text = page.locator("#provenance").inner_text()
    assert "torch" in text
    assert not {"{", "}"} & set(page.locator("#provenance dl dl").first.inner_text())


def test_the_pointer_shows_cell_scores_and_ranks(page, run_folder):
    """Hovering over the best architecture: its name, its cell in words, its accuracy with rank 1."""
    scores = pd.read_parquet(run_folder / "scores.parquet")
    best = scores.loc[scores["truth"].idxmax()]
    x, y = page.evaluate(
        """(arch) => {
            const plot = document.getElementById("scatter");
            const {xaxis, yaxis} = plot._fullLayout;
            const [points, corner] = [plot.data[0], plot.getBoundingClientRect()];
            const at = points.text.indexOf(arch);
            const [right, down] = [xaxis.l2p(points.x[at]), yaxis.l2p(points.y[at])];
            return [corner.x + xaxis._offset + right, corner.y + yaxis._offset + down];
        }""",
        best["arch"],
    )
    page.mouse.move(x - 20, y + 20)
    page.mouse.move(x, y, steps=4)
    # On its way the pointer may meet other points first: the last one counts.
    details = page.locator("#details", has_text=best["arch"])
    details.wait_for()
    assert "input to" in details.locator("svg title").text_content()
    rows = [row.split("\t") for row in details.locator("table").inner_text().splitlines()[1:]]
    assert float(rows[0][1]) == pytest.approx(best["truth"], rel=1e-6)
    assert float(rows[0][2]) == 1
    ranks = {name: rankdata(-scores[name])[scores["truth"].idxmax()] for name in PROXIES}
    assert {name: float(rank) for name, _, rank in rows[1:]} == ranks


def test_the_keyboard_walks_through_the_scores(page, run_folder):
    scores = pd.read_parquet(run_folder / "scores.parquet")
    page.get_by_label("Proxy").select_option("params")
    page.get_by_role("button", name="Next lower score").press("Enter")
    top = page.get_by_label("Architecture", exact=True).input_value()
    values = scores.set_index("arch")["params"]
    assert values[top] == values.max()
    for _ in range(5):
        page.get_by_role("button", name="Next lower score").press("Enter")
    lower = page.get_by_label("Architecture", exact=True).input_value()
    assert values[lower] == sorted(values)[-6]


def test_a_brush_in_the_scatter_colours_the_ranks(page):
    box = page.locator("#scatter .nsewdrag").first.bounding_box()
    page.mouse.move(box["x"] + 3, box["y"] + 3)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 3, steps=5)
    page.mouse.up()
    page.wait_for_function("plots.selected !== null")
    selected = page.evaluate("[...plots.selected]")
    drawn = page.evaluate(
        "plots.lines.filter((row, at) => document.getElementById('ranks').data[0].line.color[at] === 1)"
    )
    assert 0 < len(selected) < 40
    assert sorted(drawn) == sorted(selected)
    page.get_by_role("button", name="Clear the selection").click()
    page.wait_for_function("plots.selected === null")
    assert page.evaluate("document.getElementById('ranks').data[0].line.color.every((color) => color === 0)")


def test_a_range_of_ranks_selects_in_the_scatter(page, run_folder):
    """The ten best by truth, and no others."""
    page.evaluate("Plotly.restyle('ranks', {'dimensions[0].constraintrange': [[0.5, 10.5]]}, [0])")
    page.wait_for_function("plots.selected !== null")
    scores = pd.read_parquet(run_folder / "scores.parquet")
    best = set(np.flatnonzero(rankdata(-scores["truth"]) <= 10))
    assert set(page.evaluate("[...plots.selected]")) == best
    points = page.evaluate("document.getElementById('scatter').data[0].selectedpoints.map((at) => plots.rows[at])")
    assert set(points) == best


def lines_of(page, few: int, proxy: str) -> list[int]:
    """Chooses a proxy with at most `few` lines; the architectures whose lines are drawn."""
    page.evaluate("async ([few, proxy]) => { plots.mostLines = few; await choose({proxy}); }", [few, proxy])
    return page.evaluate("plots.lines")


def test_many_architectures_are_a_sample_of_lines_on_axes_of_all(page):
    first, second = lines_of(page, 10, "params"), lines_of(page, 10, "flops_live")
    assert len(set(first)) == 10
    assert first == second, "the sample must not depend on the proxy"
    ranges = page.evaluate("document.getElementById('ranks').data[0].dimensions.map((one) => one.range)")
    largest = page.evaluate("Math.max(...[...ranks.values()].map((column) => Math.max(...column)))")
    assert ranges == [[largest, 1]] * 4
    assert largest > 10
    assert page.locator("#ranks-note").inner_text().startswith("10 of 40 lines drawn")
    assert "40 architectures" in page.locator("#ranks").get_attribute("aria-label")


def test_a_selection_draws_its_own_lines_first(page, run_folder):
    """Seven brushed points, none of which had a line before, then thirty; then a range, found among all rows."""
    before = lines_of(page, 8, "params")
    hidden = [row for row in range(40) if row not in before]
    page.evaluate("(rows) => plots.brush(new Set(rows))", hidden[:7])
    drawn = page.evaluate(
        "plots.lines.map((row, at) => [row, document.getElementById('ranks').data[0].line.color[at]])"
    )
    assert len(drawn) == 8
    assert {row for row, colour in drawn if colour == 1} == set(hidden[:7])
    assert "7 of 7 selected" in page.locator("#ranks-note").inner_text()
    page.evaluate("(rows) => plots.brush(new Set(rows))", hidden[:30])
    assert set(page.evaluate("plots.lines")) < set(hidden[:30])
    assert "8 of 30 selected" in page.locator("#ranks-note").inner_text()
    page.evaluate("plots.clear()")
    assert page.evaluate("plots.lines") == before
    page.evaluate("Plotly.restyle('ranks', {'dimensions[0].constraintrange': [[0.5, 6.5]]}, [0])")
    scores = pd.read_parquet(run_folder / "scores.parquet")
    best = set(np.flatnonzero(rankdata(-scores["truth"]) <= 6))
    page.wait_for_function("plots.selected !== null && plots.nChosen === plots.selected.size")
    assert set(page.evaluate("[...plots.selected]")) == best <= set(page.evaluate("plots.lines"))
    assert page.evaluate("document.getElementById('ranks').data[0].dimensions[0].constraintrange") == [0.5, 6.5]


def test_truth_far_below_stays_under_the_axis_until_asked_for(page):
    """Nine between 90 and 94 and one at 10, which is far below their middle; then without it."""
    far = [10.0, *np.linspace(90, 94, 9).tolist()]
    assert page.evaluate("floorOf", far) == 90
    assert page.evaluate("floorOf", far[1:]) == 90
    assert page.evaluate("floorOf", [5.0]) == 5
    low = "document.getElementById('scatter')._fullLayout.yaxis.range[0]"
    page.evaluate("Object.assign(plots, {floor: 50, top: 90, nBelow: 1}); plots.showWhole(false)")
    assert page.evaluate(low) == 48
    page.evaluate("plots.showWhole(true)")
    lowest = page.evaluate("Math.min(...document.getElementById('scatter').data[0].y)")
    assert page.evaluate(low) <= lowest


def test_a_link_shows_the_same_again(page, blank, run_folder):
    page.get_by_label("Proxy").select_option("params")
    arch = pd.read_parquet(run_folder / "scores.parquet")["arch"][7]
    page.get_by_label("Architecture", exact=True).fill(arch)
    page.get_by_label("Architecture", exact=True).press("Enter")
    page.wait_for_function("location.hash.includes('arch=')")
    second = blank()
    second.goto(page.url)
    second.evaluate("window.ready")
    assert second.get_by_label("Proxy").input_value() == "params"
    assert second.get_by_label("Architecture", exact=True).input_value() == arch
    assert arch in second.locator("#details").inner_text()


def test_what_is_typed_while_a_proxy_is_drawn_stays(page, run_folder):
    arch = pd.read_parquet(run_folder / "scores.parquet")["arch"][7]
    typed = """async (arch) => {
        const drawn = choose({proxy: "params"});
        document.getElementById("arch").value = arch;
        await drawn;
        return document.getElementById("arch").value;
    }"""
    assert page.evaluate(typed, arch) == arch


def test_published_values_stand_beside_ours(run_folder, tmp_path, blank):
    """The digits are in no paper; for CIFAR-10 the ZiCo paper prints .57 / .75 for #Params."""
    shutil.copytree(run_folder, tmp_path / "run")
    agreement = pd.read_csv(tmp_path / "run" / "agreement.csv").assign(dataset="cifar10")
    agreement.to_csv(tmp_path / "run" / "agreement.csv", index=False)
    write_page([tmp_path / "run"], tmp_path / "page")
    opened = blank()
    opened.goto((tmp_path / "page" / "index.html").as_uri())
    opened.evaluate("window.ready")
    opened.get_by_label("Proxy").select_option("params")
    opened.wait_for_function("document.getElementById('published').innerText.includes('arXiv:2301.11300, Table 1')")
    rows = [row.split("\t") for row in opened.locator("#published").inner_text().splitlines()]
    assert rows[1][0] == "this run"
    assert ["arXiv:2301.11300, Table 1", ".57", ".75"] in [row[:3] for row in rows]


def test_what_is_seen_is_also_said(page):
    """Names for the plots, labels for the controls, a caption of numbers beside the picture."""
    assert "tau" in page.locator("#scatter").get_attribute("aria-label")
    assert "40 architectures" in page.locator("#ranks").get_attribute("aria-label")
    unnamed = page.eval_on_selector_all(
        "input, select, button",
        """(found) => found.filter((one) => one.offsetParent)
            .filter((one) => !one.labels?.length && !one.textContent.trim() && !one.ariaLabel)
            .map((one) => one.outerHTML.slice(0, 200))""",
    )
    assert unnamed == []
