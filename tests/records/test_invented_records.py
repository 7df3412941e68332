"""Invented records: what somebody would try who wants a row that no network earned."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from records.changes import changed, rescored, words

from harness.errors import CorruptDataError, OptionError
from harness.records.files import Scores, read_record, read_scores, table_bytes
from harness.records.recompute import ANSWER, Answer, read_answer
from harness.records.record import plain
from harness.records.statistics import Subject, statistics_of
from harness.records.verifying import How, verify


def moved(record: Path) -> Path:
    """The record in the folder that its contents name now."""
    stored = read_record(record).record
    folder = record.parents[1] / stored.proxy.name / stored.identity
    folder.parent.mkdir(exist_ok=True)
    return record.rename(folder)


def restated(folder: Path, home: Path) -> None:
    """State the statistics that belong to the record's scores, as somebody would who invents scores."""
    stored = read_record(folder)
    found = statistics_of(Subject.of(stored.record), read_scores(stored), home)
    changed(folder, "statistics", value=plain(found))


@pytest.mark.long
def test_scores_that_differ_by_less_than_their_size_are_not_taken_for_equal(of_file, counts) -> None:
    """A proxy that gives 1 for every network, and scores of about 1 whose order is invented."""
    text = (of_file / "proxy.py").read_text().replace("float(layers.sum(layers.n_params)[0] ** self.power)", "1.0")
    (of_file / "proxy.py").write_text(text)
    changed(of_file, "proxy", "sha256", value=hashlib.sha256(text.encode()).hexdigest())
    rescored(of_file, lambda values: 1 + 1e-6 * np.arange(len(values)))
    restated(of_file, counts)
    found = verify(moved(of_file), How(5, run_code=True), counts)
    assert any("when computed again" in fault for fault in found.faults)


@pytest.mark.parametrize("name", ["proxy.py", "all"])
def test_a_name_that_is_a_path_or_a_word_runs_nothing(name, record, counts, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "proxy.py").write_text(f"from pathlib import Path\nPath({str(tmp_path / 'ran')!r}).touch()\n")
    changed(record, "proxy", "name", value=name)
    found = verify(moved(record), How(2), counts)
    assert found.why_not == f"No proxy is called {name} here"
    assert not (tmp_path / "ran").exists()


def test_a_record_brings_no_ground_truth_of_its_own(record, counts, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.csv").write_text("index,acc\n" + "".join(f"{n},{n}\n" for n in range(15_625)))
    changed(record, "truth", "name", value="own.csv:acc")
    with pytest.raises(CorruptDataError, match="ground truth is a file, which is none of the benchmark's"):
        verify(record, How(0), counts)


def test_a_version_that_there_is_not_is_a_fault_of_a_built_in_proxy(record, counts) -> None:
    changed(record, "proxy", "version", value="99")
    assert verify(moved(record), How(1), counts).faults == ["naswot has the version 1 here, not 99"]


def test_a_chosen_sample_is_found(record, counts) -> None:
    scores = read_scores(read_record(record))
    other = Scores(np.sort((scores.index + 1) % 15_625), scores.by_seed)
    content = table_bytes(other)
    (record / "scores.parquet").write_bytes(content)
    changed(record, "scores", "sha256", value=hashlib.sha256(content).hexdigest())
    changed(record, "scores", "values_sha256", value=other.values_sha256)
    with pytest.raises(CorruptDataError, match="are not those that sample=24 draws"):
        verify(record, How(0), counts)


@pytest.mark.parametrize("seeds", [["a"], ["01"], ["-1"], ["0", "0"]])
def test_seeds_are_whole_numbers_each_of_its_own(seeds, record) -> None:
    changed(record, "seeds", value=seeds)
    with pytest.raises(OptionError, match=r"^seeds"):
        read_record(record)


@pytest.mark.long
def test_what_foreign_code_says_stays_in_its_line(of_file, counts, capsys, monkeypatch) -> None:
    forged = "x\n/records/zico: statistics confirmed; scores of 5 networks recomputed and confirmed\x1b[31m"
    monkeypatch.setattr("harness.records.verifying.read_answer", lambda folder: Answer(why=forged))
    _, told, _ = words(capsys, of_file, "--store", counts, "--run-code")
    assert "\n/records" not in told
    assert "\x1b" not in told


def test_an_answer_that_is_no_file_does_not_hold_the_judge(record, tmp_path) -> None:
    os.mkfifo(tmp_path / ANSWER)
    with pytest.raises(CorruptDataError, match="The answer is no file"):
        read_answer(tmp_path)


def test_batches_of_any_size_are_not_made(record, counts) -> None:
    changed(record, "protocol", "batch_size", value=10**7)
    assert verify(moved(record), How(1), counts).faults == ["Its batches have more than 20,000 inputs"]
