"""Verification: what holds is confirmed, whatever was changed is found, and foreign files are data."""

import hashlib
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from records.changes import changed, rescored, words

from harness.records.files import read_record
from harness.records.making import submit
from harness.records.recompute import ANSWER, Request, read_answer, recomputed
from harness.records.record import Origin
from harness.records.verifying import How, contained, verify


def test_a_record_is_confirmed_with_its_scores(record, counts, capsys) -> None:
    code, told, _ = words(capsys, record, "--store", counts, "--networks", 2)
    assert code == 0
    assert f"{record}: statistics confirmed; scores of 2 networks recomputed and confirmed" in told
    assert "1 records: 1 confirmed, 1 of them with scores recomputed; 0 not confirmed, 0 could not be verified" in told


def test_a_changed_statistic_is_found(record, counts, capsys) -> None:
    changed(record, "statistics", "by_seed", "0", "cells", "tau", value=0.99)
    code, told, _ = words(capsys, record, "--store", counts, "--networks", 0)
    assert code == 1
    assert "NOT CONFIRMED: by_seed.0.cells.tau is 0.99 in the record and" in told


@pytest.mark.parametrize("path", [("cells", "beats"), ("networks", "beats"), ("cells", "delta_low")])
def test_a_changed_verdict_is_found(record, counts, path) -> None:
    value = {"beats": "certainly", "delta_low": 0.5}[path[1]]
    changed(record, "statistics", "against", "params", *path, value=value)
    found = verify(record, How(0), counts)
    assert any(fault.startswith(f"against.params.{'.'.join(path)} is") for fault in found.faults)


def test_statistics_of_changed_scores_are_found(record, counts) -> None:
    """The scores are changed and the digests with them: the stated statistics are no longer theirs."""
    rescored(record, lambda values: values * np.where(np.arange(len(values)) % 2, -1, 1))
    assert any("by_seed.0.cells.tau" in fault for fault in verify(record, How(0), counts).faults)


def test_a_change_that_keeps_every_rank_is_found_by_scoring_again(record, counts) -> None:
    """Doubled scores have the same ranks, so the statistics hold; the networks do not give these scores."""
    rescored(record, lambda values: values * 2)
    assert verify(record, How(0), counts).faults == []
    found = verify(record, How(2, seed=1), counts)
    assert len(found.faults) == 2
    assert "when computed again (relative tolerance 0.0001)" in found.faults[0]


def test_a_wrong_digest_is_one_sentence(record, counts, capsys) -> None:
    rescored(record, lambda values: values)
    changed(record, "scores", "sha256", value="0" * 64)
    code, told, error = words(capsys, record, "--store", counts)
    assert code == 2
    assert f"{record}: not verified" in told
    assert "but its record states 000000000000...: one of the two was changed. Submit the run again." in error


def test_scores_made_elsewhere_are_never_confirmed_by_words(record, counts) -> None:
    changed(record, "proxy", "origin", value="elsewhere")
    moved = record.parent / read_record(record).record.identity
    record.rename(moved)
    found = verify(moved, How(2), counts)
    assert found.n_networks == 0
    assert found.why_not == "they were computed elsewhere, and are verified by nobody"


def test_other_images_than_those_that_are_the_same_everywhere_are_a_fault(record, counts) -> None:
    changed(record, "inputs", "kind", value="real")
    changed(record, "inputs", "sha256", value={"0": "1" * 64})
    changed(record, "proxy", "options", value={})
    found = verify(record, How(1), counts)
    assert "its folder must be" in found.faults[0]  # what was measured is the folder's name
    moved = record.parent / read_record(record).record.identity
    record.rename(moved)
    sentence = verify(moved, How(1), counts).sentence
    assert sentence == (
        "NOT CONFIRMED: The images of digits here are not those of the record, and they are the same everywhere"
    )


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (("author",), "me", "'author'"),
        (("statistics", "by_seed", "0", "n"), "many", "statistics.by_seed.0.n=many is invalid: it must be a whole"),
        (("statistics", "by_seed"), {"1": {}}, "The field statistics.by_seed.1.n is missing"),
        (("format",), 99, "has the format 99; this harness reads 1 to 1."),
        (("format",), True, "has the format True"),
        (("bench",), "../../etc", "bench=../../etc is invalid: it must be 1 to 64 letters"),
        (("proxy", "name"), "..", "proxy.name=.. is invalid"),
        (("proxy", "name"), "x" * 65, "is invalid: it must be 1 to 64 letters"),
        (("proxy", "name"), "a\x1b[2Jb", "or some that cannot be printed"),
        (("run", "command"), "y" * 5000, "a text has over 4,000 characters"),
        (("proxy", "sha256"), "beef", "proxy.sha256=beef is invalid: it must be a sha256"),
        (("truth", "sha256"), "2" * 64, "it is another version. Fetch or import"),
        (("truth", "name"), "test900", "test900"),
        (("space_version",), "0", "The record is of nats_tss@0, but this harness has nats_tss@1"),
        (("population", "name"), "mine.csv", "nats_tss has no population 'mine.csv'"),
        (("bench",), "nats_tsss", "nats_tsss"),
        (("scores", "n"), 10**12, "it has 24 rows, its record 1,000,000,000,000"),
    ],
)  # fmt: skip
def test_a_bad_record_is_one_sentence(path, value, sentence, record, counts, capsys) -> None:
    changed(record, *path, value=value)
    code, _, error = words(capsys, record, "--store", counts, "--networks", 0)
    assert code == 2
    assert sentence in error
    assert error.isascii()
    assert error.isprintable()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "is not a record: it is not JSON."),
        ("[" * 100_000, "is not a record"),
        ("[1]", "it must be an object with fields."),
        ('{"format": 1, "format": 1}', "a field is there twice."),
        ('{"format": NaN}', "NaN is no number of JSON."),
        ('{"format": 1, "bench": 1e999}', "a number is too large."),
        ("{}", "has no format"),
        (" " * 300_000, "has 300,000 bytes; at most 262,144 are read."),
    ],
)
def test_what_is_no_record_is_one_sentence(text, sentence, record, capsys) -> None:
    (record / "record.json").write_text(text)
    code, _, error = words(capsys, record)
    assert code == 2
    assert sentence in error


def test_links_are_not_followed(record, capsys, tmp_path) -> None:
    (tmp_path / "secret").write_text("{}")
    (record / "record.json").unlink()
    (record / "record.json").symlink_to(tmp_path / "secret")
    code, _, error = words(capsys, record)
    assert code == 2
    assert "is a link; the files of a record are files." in error


def test_a_table_of_another_kind_is_refused(record, capsys) -> None:
    """Digests agree, since who writes a record writes these too."""
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"index": [str(i) for i in range(24)], "seed0": [0.0] * 24}), sink)
    content = bytes(sink.getvalue())
    (record / "scores.parquet").write_bytes(content)
    changed(record, "scores", "sha256", value=hashlib.sha256(content).hexdigest())
    code, _, error = words(capsys, record)
    assert code == 2
    assert "its columns must be index, seed0, of whole numbers and floats" in error


def test_one_bad_record_hides_no_other(record, counts, capsys) -> None:
    other = record.parent.parent / "broken" / "0"
    other.mkdir(parents=True)
    (other / "record.json").write_text("{}")
    code, told, _ = words(capsys, record.parents[3], "--store", counts, "--networks", 0)
    assert code == 2
    assert "2 records: 1 confirmed, 0 of them with scores recomputed; 0 not confirmed, 1 could not be verified" in told


@pytest.mark.long
def test_the_code_of_a_record_runs_only_where_it_is_said(of_file, counts, tmp_path, monkeypatch) -> None:
    record = read_record(of_file).record
    assert record.proxy.origin is Origin.file
    assert record.proxy.options == {"power": 0.5}
    found = verify(of_file, How(2), counts)
    assert found.why_not == "the proxy's code is foreign and was not run; --run-code runs it"
    assert not (tmp_path / "imported").exists()
    found = verify(of_file, How(2, run_code=True), counts)
    assert found.sentence == "statistics confirmed; scores of 2 networks recomputed and confirmed"
    assert (tmp_path / "imported").exists()
    (of_file / "proxy.py").write_text("print('another one')")
    with pytest.raises(ValueError, match="is not the proxy of its record: its sha256 is another one"):
        verify(of_file, How(2, run_code=True), counts)


def test_a_request_holds_no_score(of_file) -> None:
    record = read_record(of_file).record
    request = Request.of(record, [3, 1])
    assert set(Request.__dataclass_fields__) == {"bench", "data_set", "proxy", "index", "seeds", "protocol", "inputs"}
    assert request.index == (3, 1)
    assert recomputed(request, None).why == "The code of mine is foreign and was not run; --run-code runs it"


def test_a_container_has_no_network_and_writes_nothing_but_its_answer(tmp_path) -> None:
    command = contained("verify:test", tmp_path)
    assert command[:2] == ["docker", "run"]
    assert command[command.index("--network") + 1] == "none"
    assert "--read-only" in command
    assert command[command.index("--cap-drop") + 1] == "ALL"
    volumes = [command[at + 1] for at, word in enumerate(command) if word == "--volume"]
    assert [volume for volume in volumes if not volume.endswith(":ro")] == [f"{tmp_path}:/request:rw"]
    assert command[command.index("verify:test") :] == [
        "verify:test",
        "python",
        "-m",
        "harness.records.recompute",
        "/request",
    ]


@pytest.mark.parametrize(
    "text", ["", "{}}", '{"scores": {"0": [1, 2]}}', '{"scores": {"0": ["1"]}}', '{"scores": {"0": ["one", "2"]}}']
)  # fmt: skip
def test_an_answer_of_foreign_code_is_data(text, record, tmp_path) -> None:
    (tmp_path / ANSWER).write_text(text)
    request = Request.of(read_record(record).record, [0, 1])
    with pytest.raises(ValueError, match=r"The answer has|ended without an answer"):
        read_answer(tmp_path).values(request)


def test_the_answer_is_no_link(tmp_path) -> None:
    (tmp_path / "other").write_text(json.dumps({"scores": {}}))
    (tmp_path / ANSWER).symlink_to(tmp_path / "other")
    with pytest.raises(ValueError, match="is a link or too large"):
        read_answer(tmp_path)


def test_nothing_is_left_half_written(record, run_folder, home, tmp_path, monkeypatch) -> None:
    root = tmp_path / "new"

    def fail(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(ValueError, match="cannot be written: No space left on device"):
        submit(run_folder, root, home / "scores.sqlite", ["params"])
    assert not [file for file in root.rglob("*") if file.is_file()]


def test_copies_elsewhere_are_told(record, counts, tmp_path) -> None:
    shutil.copytree(record, tmp_path / "here")
    assert verify(tmp_path / "here", How(0), counts).faults == [
        f"its folder must be {read_record(record).record.place.as_posix()}"
    ]
