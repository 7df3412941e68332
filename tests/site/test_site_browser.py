"""The leaderboard as a reader in a browser finds it, on a wide screen and on a phone."""

import json
from urllib.parse import quote

import pytest

pytestmark = pytest.mark.long


@pytest.fixture
def visit(look, site_folder):
    """A function that opens a page of the site at a width."""
    return lambda width, page="index.html": look(
        width, (site_folder / "index.html").as_uri().replace("index.html", page)
    )


def column(page, name: str) -> list[str]:
    page.locator(f"#rows th[data-column={name}]").wait_for()  # a page just opened is drawn by its script
    place = page.eval_on_selector_all(
        "#rows thead th", "(cells, name) => cells.findIndex((cell) => cell.dataset.column === name)", name
    )
    return [row.locator("td").nth(place).inner_text() for row in page.locator("#rows tbody tr").all()]


def taus(page) -> list[float]:
    return [float(text.split()[0]) for text in column(page, "tau")]


def test_it_is_sorted_by_tau_and_by_headings_with_the_keyboard(visit) -> None:
    page = visit(1400)
    assert taus(page) == sorted(taus(page), reverse=True)
    page.locator("th[data-column=proxy] button").press("Enter")
    names = column(page, "proxy")
    assert names == sorted(names)
    assert page.locator("th[data-column=proxy]").get_attribute("aria-sort") == "ascending"
    assert page.evaluate("document.activeElement.textContent") == "proxy"  # the keyboard stays where it was
    page.keyboard.press("Enter")
    assert column(page, "proxy") == sorted(names, reverse=True)


def test_filters_leave_what_needs_no_more(visit) -> None:
    page = visit(1400)
    n_all = len(column(page, "proxy"))
    page.get_by_label("no labels").check()
    page.get_by_label("no backward pass").check()
    left = column(page, "proxy")
    assert 0 < len(left) < n_all
    assert "zico" not in left
    assert "naswot" in left
    page.get_by_label("no images").check()
    assert "naswot" not in column(page, "proxy")
    assert page.locator("#n-rows").inner_text() == f"{len(column(page, 'proxy'))} of {n_all} rows"
    page.get_by_label("no images").uncheck()
    page.get_by_label("CPU s per network").fill("0.0009")
    assert set(column(page, "seconds")) == {"<0.001"}


def test_a_link_restores_what_was_shown(visit) -> None:
    page = visit(1400)
    page.get_by_label("One vote for").select_option("cells")
    page.get_by_label("Name").fill("syn")
    address = page.evaluate("location.hash")
    again = visit(1400, f"index.html{address}")
    assert column(again, "proxy") == column(page, "proxy") != []
    assert again.get_by_label("One vote for").input_value() == "cells"
    strange = visit(1400, f"index.html#place={quote('<b>nowhere</b>')}&vote=none&sort=none")
    assert len(column(strange, "proxy")) > 5


def test_what_is_shown_is_downloaded(visit) -> None:
    page = visit(1400)
    page.get_by_label("Name").fill("zico")
    texts = {}
    for kind in ("CSV", "JSON", "LaTeX"):
        with page.expect_download() as download:
            page.get_by_role("button", name=kind, exact=True).click()
        texts[kind] = download.value.path().read_text()
    n_rows = len(column(page, "proxy"))
    assert len(texts["CSV"].splitlines()) == n_rows + 1
    assert texts["CSV"].startswith("place,proxy,tau,")
    assert [row["proxy"] for row in json.loads(texts["JSON"])] == column(page, "proxy")
    assert texts["LaTeX"].count(r" \\") == n_rows + 1
    assert r"\toprule" in texts["LaTeX"]
    assert texts["LaTeX"].count("&") == (n_rows + 1) * (texts["CSV"].splitlines()[0].count(",") - 1)


def test_a_row_says_how_to_cite_it_and_leads_to_its_proxy(visit) -> None:
    page = visit(1400)
    page.get_by_role("button", name="How to cite the row of zico", exact=True).click()
    assert "@misc{zico-" in page.locator("#bibtex").inner_text()
    page.get_by_role("link", name="zico", exact=True).click()
    assert page.locator("h1").inner_text() == "zico"
    page.get_by_role("link", name="Leaderboard").click()
    assert taus(page)


@pytest.mark.parametrize("page_name", ["index.html", "proxy/zico.html", "benchmark/nats_tss.html"])
@pytest.mark.parametrize("width", [400, 1400])
def test_no_column_is_cut_off(visit, width, page_name) -> None:
    page = visit(width, page_name)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    outside = page.eval_on_selector_all(
        "td, th, p, pre, h1, h2, select, input, button",
        """(all, width) => all.filter((one) => { const box = one.getBoundingClientRect();
            return box.width && box.right > 0 && box.right > width + 1; })
            .map((one) => one.textContent.slice(0, 60))""",
        width,
    )
    assert outside == []


def test_on_a_phone_proxy_and_tau_come_first(visit) -> None:
    page = visit(400)
    first = page.locator("#rows tbody tr").first
    boxes = [first.locator("td").nth(at).bounding_box() for at in range(4)]
    assert boxes[0]["y"] == pytest.approx(boxes[1]["y"], abs=12)
    assert all(box["y"] > boxes[0]["y"] + 5 for box in boxes[2:] if box)
    assert first.locator("td").nth(1).get_attribute("data-label") == "tau"
    page.get_by_label("Sort by").select_option("proxy")
    page.get_by_role("button", name="Reverse the order").click()
    names = column(page, "proxy")
    assert names in (sorted(names), sorted(names, reverse=True))


def test_every_control_has_a_name(visit) -> None:
    page = visit(1400)
    nameless = page.eval_on_selector_all(
        "input, select, button",
        """(all) => all.filter((one) => !(one.labels && one.labels.length) && !one.textContent.trim() &&
            !one.getAttribute("aria-label")).map((one) => one.id)""",
    )
    assert nameless == []
