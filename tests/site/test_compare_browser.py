"""Two proxies compared, as a reader in a browser finds it."""

import pytest

from harness.records.files import read_record, read_scores, record_folders

pytestmark = pytest.mark.long


@pytest.fixture
def compare(look, digits_site):
    def opened(width: int, address: str = ""):
        page = look(width, (digits_site / "compare.html").as_uri() + address)
        page.evaluate("window.ready")
        return page

    return opened


def numbers(page) -> list[list[str]]:
    return [row.locator("td").all_inner_texts() for row in page.locator("#numbers tbody tr").all()]


def test_the_second_less_the_first_and_the_other_way_round(compare, digits_records) -> None:
    page = compare(1400, "#first=params&second=naswot")
    (record,) = (
        one.record for one in map(read_record, record_folders(digits_records)) if one.record.proxy.name == "naswot"
    )
    stated = record.statistics.against["params"]
    for row, vote in zip(numbers(page), ("networks", "cells"), strict=True):
        own = getattr(stated, vote)
        assert row[4] == f"{own.delta:+.3f} [{own.delta_low:+.3f}, {own.delta_high:+.3f}]"
    page.get_by_role("button", name="Swap").press("Enter")
    page.evaluate("window.ready")
    assert numbers(page)[1][4].startswith(f"{-stated.cells.delta:+.3f} [{-stated.cells.delta_high:+.3f},")
    again = compare(1400, page.evaluate("location.hash"))  # a link shows the same again
    assert numbers(again) == numbers(page)
    assert again.locator("#first option:checked").inner_text() == "naswot"


def test_the_networks_of_largest_disagreement_are_drawn(compare, digits_records) -> None:
    page = compare(1400, "#first=params&second=naswot")
    records = {one.record.proxy.name: one for one in map(read_record, record_folders(digits_records))}
    tables = {name: read_scores(records[name]) for name in ("params", "naswot")}
    ranks = {name: (-next(iter(one.by_seed.values()))).argsort().argsort() for name, one in tables.items()}
    shown = page.eval_on_selector_all(
        "#cells section:first-child figure", "(all) => all.map((one) => one.dataset.index)"
    )
    assert 1 <= len(shown) <= 4
    index = tables["params"].index.tolist()
    lead = (
        "(index) => { const data = COMPARED[0], at = data.indices.indexOf(index);"
        " return data.ranks[state.second][at] - data.ranks[state.first][at]; }"
    )
    leads = [page.evaluate(lead, int(one)) for one in shown]
    assert leads == sorted(leads, reverse=True)
    rough = (ranks["naswot"] - ranks["params"]).max()
    assert abs(leads[0] - rough) <= 12  # ties have the mean of their ranks
    assert set(map(int, shown)) <= set(index)
    assert "input to" in page.locator("#cells figure svg title").first.text_content()
    assert "test" in page.locator("#cells figcaption").first.inner_text()


@pytest.mark.parametrize("width", [400, 1400])
def test_nothing_is_cut_off_and_the_keyboard_chooses(compare, width) -> None:
    page = compare(width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    outside = page.eval_on_selector_all(
        "td, th, p, h1, h2, select, button, figure, canvas",
        "(all, width) => all.filter((one) => one.getBoundingClientRect().right > width + 1).length",
        width,
    )
    assert outside == 0
    before = page.locator("#second option:checked").inner_text()
    page.locator("#second").focus()
    page.keyboard.press("End")
    page.evaluate("window.ready")
    page.keyboard.press("Home")
    page.evaluate("window.ready")
    after = {page.locator("#first option:checked").inner_text(), page.locator("#second option:checked").inner_text()}
    assert len(after) == 2 or page.locator("#told").inner_text() == "Choose two different records."
    assert before in ("naswot", "params", "flops_live")


def test_an_unknown_name_in_the_address_is_left_aside(compare) -> None:
    page = compare(1400, "#place=%3Cb%3E&first=constructor&second=__proto__")
    assert len(numbers(page)) == 2


def test_the_leaderboard_leads_to_the_comparison_of_its_place(look, digits_site) -> None:
    page = look(1400, (digits_site / "index.html").as_uri())
    page.get_by_role("link", name="Compare two proxies").click()
    page.wait_for_url("**/compare.html#*")
    page.evaluate("window.ready")
    assert page.locator("#place option:checked").inner_text().startswith("nats_tss / digits / all / test")
