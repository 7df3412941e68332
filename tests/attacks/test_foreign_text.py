"""Names and reasons from strangers: shown in reports, tables, pictures and the page, and never carried out."""

import csv
import io
import json
import random
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from attacks.size import n_attacks
from markdown_it import MarkdownIt

from harness import Settings, columns, evaluate
from harness.columns import from_cell, to_cell
from harness.errors import CorruptDataError
from harness.evaluation.score_file import read_score_file
from harness.page.__main__ import STATIC, write_page
from harness.report.escape import code, code_block, csv_text, prose, table_line
from harness.result_tables import read_agreement, read_verdicts
from harness.space import BENCHMARKS

PICTURE_NAMES = ("scatter", "forest", "heatmap", "topk", "cost")
NAMES = (
    "__proto__", "constructor", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "=1+1", "+A1", "-A1",
    "@SUM(A1)",
    "=HYPERLINK(\"http://evil\")", "a|b", "`<b>`", "```<b>", "[x](javascript:alert(1))", "$\\frac{$", "*bold*",
    "</script><b>", "'; alert(1); '", "\\", "http://evil.example/x", "a & b", "&lt;b&gt;", "%{x}", "\u00e9",
)  # fmt: skip


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.found.add(tag)


def tags(markdown: str) -> set[str]:
    """Tags that a browser finds, once a renderer that lets HTML through has made a page of the text."""
    parser = _Tags()
    parser.feed(MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown))
    return parser.found


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A run on scores whose columns have all of these names."""
    home = tmp_path_factory.mktemp("foreign")
    archs = BENCHMARKS.get("nats_tss").architectures[:30]
    with (home / "scores.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["arch", *NAMES])
        writer.writerows([arch, *((7 * row + at) % 30 for at in range(len(NAMES)))] for row, arch in enumerate(archs))
    settings = Settings(scores=home / "scores.csv", store=home / "scores.sqlite", out=home / "run")
    evaluate([], settings=settings)
    return home / "run"


def test_a_report_holds_no_tag_and_every_name(run):
    report = (run / "report.md").read_text(encoding="utf-8")
    ours = {"h1", "h2", "p", "ul", "li", "pre", "code", "table", "thead", "tbody", "tr", "th", "td", "img"}
    assert tags(report) <= ours
    assert set(re.findall(r"!\[[^\]]*\]\(([^)]*)\)", report)) <= {f"{name}.png" for name in PICTURE_NAMES}
    tables = [line for line in report.splitlines() if line.startswith("| nats_tss")]
    widths = {len(re.split(r"(?<!\\)\|", line)) for line in tables if "a\\|b" in line}
    assert widths <= {len(re.split(r"(?<!\\)\|", line)) for line in tables if "constructor" in line}
    assert widths


def test_no_cell_of_any_csv_is_a_formula_and_names_come_back(run):
    for path in run.glob("*.csv"):
        for row in csv.reader(io.StringIO(path.read_text(encoding="utf-8"))):
            for cell in row:
                assert not re.match(r"[=+@\t\r]|-(?![0-9.]|inf|nan|$)", cell), f"{path.name}: {cell}"
    assert set(NAMES) <= set(read_agreement(run / "agreement.csv")[columns.PROXY])
    assert set(NAMES) <= set(read_verdicts(run / "verdict.csv")[columns.PROXY])


def test_the_page_has_every_name_and_runs_only_its_own_scripts(run, tmp_path):
    write_page([run], tmp_path)
    script = (tmp_path / "data.js").read_text(encoding="ascii")
    quoted = script.removeprefix("window.PAGE = JSON.parse('").removesuffix("');\n")
    assert re.search(r"(?<!\\)(\\\\)*'", quoted) is None, "the text of the data ends early"
    assert "\n" not in quoted
    data = json.loads(re.sub(r"\\(['\\])", r"\1", quoted))
    assert set(NAMES) <= set(data["places"][0]["scores"])
    assert set(NAMES) <= {row["column"] for row in data["leaderboard"]}
    html = (tmp_path / "index.html").read_text(encoding="utf-8")
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    scripts = dict(part.split(" ", 1) for part in policy.split("; "))
    assert scripts["default-src"] == "'none'"
    assert "'unsafe-inline'" not in scripts["script-src"]
    assert "http" not in policy
    assert all(re.search(rf'<script{each}[^>]*src="', html) for each in re.findall(r"<script( |>)", html))
    assert not re.search(r"\son[a-z]+=", html)
    for name in STATIC:
        source = (tmp_path / name).read_text(encoding="utf-8")
        assert "innerHTML" not in source
        assert "insertAdjacentHTML" not in source
        assert "document.write" not in source


def test_plotly_is_given_no_markup():
    """Plotly takes tags in titles and labels for markup; the page hands it all foreign texts through `literal`."""
    source = (Path(__file__).parents[2] / "harness" / "page" / "static" / "plots.js").read_text(encoding="utf-8")
    assert re.findall(r"title: \{ text: (\w+)", source) == ["literal", "literal"]
    assert re.findall(r"label: (\w+)\(", source) == ["literal"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<script>", "&lt;script>"),
        ("p < .001", "p < .001"),
        ("&lt;b&gt; &#60; a & b", "&amp;lt;b&amp;gt; &amp;#60; a & b"),
        ("[a](b)", "[a\\](b)"),
        ("[.5, .6]", "[.5, .6]"),
        ("__proto__", "\\_\\_proto\\_\\_"),
        ("grad_norm_global", "grad_norm_global"),
        ("params *", "params *"),
        ("*b*", "\\*b\\*"),
        ("`a_` and `b", "`a_` and \\`b"),
        ("```<b>`", "`<b>`"),
        ("a\\`<b>", "a\\\\\\`&lt;b>"),
        ("two\nlines", "two lines"),
        ("see https://a.example", "see https&#58;//a.example"),
    ],
)
def test_prose_is_literal(text, shown):
    assert prose(text) == shown


def test_texts_drawn_at_random_hold_no_tag_outside_code():
    draw = random.Random(7)
    pieces = [
        "<b>",
        "<",
        ">",
        "`",
        "``",
        "\\",
        "&",
        "[",
        "](",
        "|",
        "\n",
        " ",
        "a",
        "_",
        "*",
        "<!--",
        "</",
        "<a href=x>",
    ]
    for _ in range(n_attacks(3_000)):
        text = "".join(draw.choices(pieces, k=draw.randint(1, 12)))
        shown = prose(text)
        assert "\n" not in shown
        assert tags(f"a {shown}") <= {"p", "code"}, (text, shown)
        assert len(re.split(r"(?<!\\)\|", table_line([text, "b"]).replace("\\\\", "."))) == 4


def test_code_cannot_be_left():
    assert code("a`<b>`\nc") == "`a'<b>' c`"
    assert code_block("a\n```\nb") == ["````", "a\n```\nb", "````"]


@pytest.mark.parametrize(
    "text", ["=1", "+1", "@a", "\ta", "\ra", "-a", "'=1", "''-a", "-1+cmd|' /C calc'!A0", "=", "-="]
)
def test_formulas_are_texts_and_come_back(text):
    assert to_cell(text) == f"'{text}"
    assert from_cell(to_cell(text)) == text


@pytest.mark.parametrize("text", ["-1", "-1.5e-7", "-.035", "-", "-inf", "a=b", "'a", "", "a", "1-2"])
def test_numbers_and_plain_texts_stay(text):
    assert to_cell(text) == text
    assert from_cell(text) == text


def test_any_text_comes_back_from_a_cell():
    draw = random.Random(8)
    for _ in range(n_attacks(3_000)):
        text = "".join(draw.choices("'=+-@\t\ra1.e", k=draw.randint(0, 6)))
        assert from_cell(to_cell(text)) == text
        assert to_cell(text)[:1] not in ("=", "+", "@", "\t", "\r")


def test_columns_of_numbers_are_as_they_were():
    table = pd.DataFrame({"=a": [-1.5, 2.0], "b": ["=c", None]})
    assert csv_text(table) == "'=a,b\n-1.5,'=c\n2.0,\n"


BAD_SCORES = {
    "ragged, short": ("arch,a,b\nx,1,2\ny,1\n", r"has 2 cells in line 3; its header has 3"),
    "ragged, long": ("arch,a\nx,1\ny,1,2\n", r"has 3 cells in line 3; its header has 2"),
    "huge": ("arch,a\nx,1" + "0" * 400 + "\n", r"in line 2, column a, which is too large: numbers end at 1\.8e308"),
    "huge in short": ("arch,a\nx,1e400\n", r"has '1e400' in line 2, column a, which is too large"),
    "minus huge": ("arch,a\nx,-1e400\n", r"has '-1e400' in line 2, column a, which is too large"),
    "NA as an architecture": ("arch,a\nx,1\nNA,2\n", r"names no architecture in line 3: its column arch has 'NA'"),
    "empty architecture": ("arch,a\n,2\n", r"names no architecture in line 2"),
    "NA as a proxy": ("arch,NA\nx,1\n", r"calls a column 'NA' in line 1; a proxy's name is"),
    "nan as a proxy": ("arch,nan\nx,1\n", r"calls a column 'nan' in line 1"),
    "empty proxy": ("arch,a,\nx,1,2\n", r"calls a column '' in line 1"),
    "control characters": (
        "arch,a\x1b[31m\nx,1\n",
        r"calls a column 'a\?\[31m' in line 1",
    ),
    "benchmarks alone": ("arch,bench\nx,1\n", r"has the columns arch, bench; it needs arch and scores"),
    "a seed in words": ("arch,seed,a\nx,one,2\n", r"has the seed 'one' in line 2; it must be a whole number"),
    "no data set": ("arch,dataset,a\nx,cifar10,2\ny,,1\n", r"has no dataset in line 3"),
    "reserved proxy": ("arch,proxy\nx,1\n", r"calls a column 'proxy' in line 1, a name that is reserved"),
    "a seed twice": ("arch,seed,a\nx,1,2\nx,1,3\n", r"architecture 'x' more than once, in lines 2 and 3"),
    "row numbers alone": (",a\n0,2\n1,3\n", r"its first column has no name and only numbers. Call it index if"),
    "accuracies alone": ("arch,test_acc\nx,1\n", r"has no scores but test_acc \(an accuracy by its name\); scores_c"),
    "a workbook": ("PK\x03\x04...", r"is a workbook or zip archive; save the table as CSV"),
    "a long line": ("arch,a\n" + "1" * 2**24 + "\n", r"has a line of over 16,777,216 characters"),
    "reserved tau": ("arch,tau\nx,1\n", r"calls a column 'tau' in line 1, a name that is reserved"),
    "a column twice": ("arch,a,a\nx,1,2\n", r"has the column 'a' more than once in line 1"),
    "arch twice": ("arch,arch,a\nx,y,1\n", r"has the column 'arch' more than once in line 1"),
    "an architecture twice": ("arch,a\nx,1\ny,2\nx,3\n", r"architecture 'x' more than once, in lines 2 and 4"),
    "a word": ("arch,a\nx,1\ny,one\n", r"has 'one' in line 3, column a, which is not a number"),
    "underscores": ("arch,a\nx,1_000\n", r"has '1_000' in line 2"),
    "hexadecimal": ("arch,a\nx,0x10\n", r"has '0x10' in line 2"),
    "Arabic digits": ("arch,a\nx,\u0661\n", r"has '\\u0661' in line 2"),
    "open quote": ('arch,a\nx,"1\n', r"is not a CSV file: unexpected end of data"),
    "null": ("arch,a\nx,\x00\n", r"is not a CSV file|which is not a number"),
    "a long cell": ("arch,a\nx," + "1" * 20_000 + "\n", r"has a cell of over 10,000 characters in line 2"),
    "header only": ("arch,a\n", r"has no rows"),
    "nothing": ("", r"has the columns no columns; it needs arch and scores"),
    "no scores": ("arch\nx\n", r"has the columns arch; it needs arch and scores"),
}


@pytest.mark.parametrize("how", BAD_SCORES)
def test_a_wrong_score_file_is_refused_by_line(tmp_path, how):
    content, sentence = BAD_SCORES[how]
    (tmp_path / "scores.csv").write_text(content, encoding="utf-8")
    with pytest.raises(CorruptDataError, match=sentence) as raised:
        read_score_file(tmp_path / "scores.csv")
    assert str(raised.value).isascii()
    assert len(str(raised.value)) < 600


def test_bytes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "scores.csv").write_bytes(b"arch,a\n\xff\xfe,1\n")
    with pytest.raises(CorruptDataError, match="is not a CSV file: not UTF-8"):
        read_score_file(tmp_path / "scores.csv")


def test_what_is_right_is_read(tmp_path):
    """A byte order mark, Windows line ends, empty lines, missing and infinite scores, names of attributes."""
    text = '\ufeffarch,__proto__,"a,b"\r\n\r\nx,1e-3,\r\ny,-inf,NA\r\nz,+.5,nan\r\n'
    (tmp_path / "scores.csv").write_text(text, encoding="utf-8", newline="")
    found = read_score_file(tmp_path / "scores.csv")
    assert found.scores["__proto__"].tolist() == [1e-3, float("-inf"), 0.5]
    assert np.isnan(found.scores["a,b"]).all()
    assert found.archs == ["x", "y", "z"]
    assert found.lines == [3, 4, 5]


def test_index_and_truth_of_our_own_tables_are_left_out(tmp_path):
    (tmp_path / "scores.csv").write_text("arch,index,truth,a\nx,0,90.5,1\n")
    found = read_score_file(tmp_path / "scores.csv")
    assert list(found.scores) == ["a"]
    assert found.left_out == {"index": "index", "truth": "ground truth"}


def test_score_files_drawn_at_random_are_read_or_refused(tmp_path):
    draw = random.Random(9)
    pieces = ["arch", ",", "\n", "x", "1", "NA", '"', "\r", "\x00", "e9", "-", "truth", "=", "\u2028", " ", "a"]
    for _ in range(n_attacks(500)):
        (tmp_path / "s.csv").write_text(
            "arch,a\n" + "".join(draw.choices(pieces, k=draw.randint(0, 20))), encoding="utf-8"
        )
        try:
            assert len(read_score_file(tmp_path / "s.csv").archs) > 0
        except CorruptDataError as error:
            assert str(error).isascii()  # noqa: PT017 - many are right
