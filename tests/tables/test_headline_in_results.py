"""The table of the results' first page is that of the answer."""

from pathlib import Path

from harness.tables.headline import TITLE

RESULTS = Path(__file__).parent.parent.parent / "results"


def _table(page: Path) -> list[str]:
    lines = page.read_text(encoding="utf-8").splitlines()
    (start,) = (at for at, line in enumerate(lines) if line.lstrip("# ") == TITLE)
    end = next(at for at, line in enumerate(lines[start + 1 :], start + 1) if line.startswith("#"))
    return [line for line in lines[start:end] if line.startswith("|")]


def test_the_results_show_the_lines_of_the_answer() -> None:
    found = _table(RESULTS / "tables" / "answer.md")
    assert len(found) > 10
    assert _table(RESULTS / "README.md") == found
