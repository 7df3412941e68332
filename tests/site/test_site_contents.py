"""What the site is made of: verdicts corrected over the records of a place, and texts that stay texts."""

import dataclasses
import json
import re
import shutil
from pathlib import Path

import pytest

from harness.agreement.paired import holm
from harness.records.files import read_record, record_folders
from harness.site.__main__ import main, write_site
from harness.site.rows import VOTES, bibtex, corrected, front, read_rows

RECORDS = Path(__file__).parents[2] / "results" / "records"


@pytest.fixture(scope="module")
def rows():
    return read_rows(RECORDS)


def test_every_record_has_a_row_and_counts_have_no_verdict(rows) -> None:
    assert len(rows) == len(record_folders(RECORDS))
    for row in rows:
        assert bool(row.verdicts) is not row.is_count
        assert row.tau("cells") == pytest.approx(
            sum(one.cells.tau for one in row.record.statistics.by_seed.values()) / len(row.record.statistics.by_seed)
        )


def test_verdicts_are_corrected_over_the_place(rows) -> None:
    """Holm over all proxies of a place: yes and no only where the corrected p is below .05."""
    first = next(row for row in rows if not row.is_count and row.record.scores.n == 1000)
    place = [row for row in rows if row.place == first.place and not row.is_count]
    assert first.family == len(place) > 1
    for vote in VOTES:
        against = [row.record.statistics.against["params"] for row in place]
        p_values = holm([getattr(one, vote).p if getattr(one, vote).p is not None else float("nan") for one in against])
        for row, p in zip(place, p_values, strict=True):
            decided = row.verdicts["params"][vote] in ("yes", "no")
            assert decided is (p < 0.05)


def test_more_hypotheses_make_fewer_verdicts(rows) -> None:
    """The same record among a hundred proxies that beat nothing: its p is multiplied, and its verdict withdrawn."""
    record = next(row.record for row in rows if not row.is_count and "params" in row.record.statistics.against)
    against = record.statistics.against["params"]
    sharp = dataclasses.replace(against.networks, delta=0.1, delta_low=0.01, delta_high=0.2, p=0.02)
    dull = dataclasses.replace(against.networks, delta=0.0, delta_low=-0.1, delta_high=0.1, p=0.9)

    def with_(contrast, name):
        one = dataclasses.replace(against, enumerated=False, networks=contrast)
        statistics = dataclasses.replace(record.statistics, against={"params": one})
        proxy = dataclasses.replace(record.proxy, name=name)
        return dataclasses.replace(record, statistics=statistics, proxy=proxy)

    (alone,) = corrected([with_(sharp, "sharp")])
    assert alone.verdicts["params"]["networks"] == "yes"
    among = corrected([with_(sharp, "sharp"), with_(dull, "dull"), with_(dull, "dim")])
    assert among[0].verdicts["params"]["networks"] == "undecided"  # .02 * 3


def test_the_front_holds_what_nothing_beats_in_both(rows) -> None:
    kept = [rows[at] for at in front(rows, "networks")]
    assert kept
    for row in kept:
        better = [
            other
            for other in rows
            if other.place == row.place
            and other.tau("networks") > row.tau("networks")
            and other.record.cost.seconds < row.record.cost.seconds
        ]
        assert not better


@pytest.fixture(scope="module")
def few_site(few_records, tmp_path_factory):
    out = tmp_path_factory.mktemp("few-site")
    write_site(few_records, out)
    return out


def test_there_is_a_page_for_each_proxy_and_benchmark(few_site, few_records) -> None:
    for row in read_rows(few_records):
        record = row.record
        text = (few_site / "proxy" / f"{record.proxy.name}.html").read_text()
        assert f'id="{record.identity}"' in text
        assert f"nas-harness verify results/records/{record.place.as_posix()}" in text
        assert record.scores.sha256[:16] in text
        assert (few_site / "benchmark" / f"{record.bench}.html").is_file()
    zico = (few_site / "proxy" / "zico.html").read_text()
    assert "arXiv:2301.11300, Table 1" in zico


def test_nothing_is_asked_of_another_host(few_site) -> None:
    for file in few_site.rglob("*.html"):
        text = file.read_text()
        assert "default-src 'none'" in text
        assert "Explore runs" not in text
        assert not re.findall(r'(?:src|href)="(?:https?:)?//', text), file
    assert "unsafe" not in (few_site / "index.html").read_text()


def test_the_texts_of_a_record_become_no_markup(tmp_path) -> None:
    (folder, *_) = record_folders(RECORDS)
    values = json.loads((folder / "record.json").read_text())
    values["truth"]["source"] = '<script>alert("1")</script>'
    values["run"]["command"] = "'); alert(2); ('</script>\" onload=\"alert(3)"
    copy = tmp_path / "records" / "x"
    shutil.copytree(folder, copy)
    (copy / "record.json").write_text(json.dumps(values))
    write_site(tmp_path / "records", tmp_path / "site")
    for file in (tmp_path / "site").rglob("*.html"):
        text = file.read_text()
        assert "<script>alert" not in text
        assert ' onload="' not in text
    page = (tmp_path / "site" / "proxy" / f"{values['proxy']['name']}.html").read_text()
    assert "&lt;script&gt;alert" in page


def test_runs_are_explored_within_the_site(digits_records, tmp_path) -> None:
    """Every page leads to them, and theirs leads back."""
    write_site(digits_records, tmp_path / "site", [digits_records.parent / "run"])
    explore = (tmp_path / "site" / "explore" / "index.html").read_text()
    assert '<a href="../index.html">Leaderboard</a>' in explore
    for file in ("index.html", "compare.html"):
        assert '<a href="explore/index.html">Explore runs</a>' in (tmp_path / "site" / file).read_text()
    assert '<a href="../explore/index.html">' in (tmp_path / "site" / "proxy" / "naswot.html").read_text()


def test_a_row_is_cited_by_its_record(rows) -> None:
    record = rows[0].record
    text = bibtex(record)
    assert record.identity in text
    assert record.scores.sha256[:16] in text
    assert text.count("{") == text.count("}")


@pytest.mark.parametrize(("name", "sentence"), [("none", "There is no record in"), ("bad", "has no format")])
def test_a_mistake_is_one_sentence(name, sentence, tmp_path, capsys) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "record.json").write_text("{}")
    assert main(["--records", str(tmp_path / name), "--out", str(tmp_path / "out")]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert sentence in line
    assert not (tmp_path / "out").exists()


def test_records_are_as_they_were_when_the_site_was_made(rows) -> None:
    by_identity = {read_record(folder).record.identity for folder in record_folders(RECORDS)}
    assert {row.record.identity for row in rows} == by_identity
