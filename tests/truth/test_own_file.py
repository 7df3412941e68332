"""Ground truth from a user's file: which rows, which column, what is declared of it, and what is refused."""

import gzip
import hashlib
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.errors import HarnessError
from harness.report.tables import truth_meaning
from harness.space import BENCHMARKS
from harness.truth import read_truth_file, read_truth_word

SPACE = BENCHMARKS.get("nats_tss")
FIRST, SECOND, THIRD = SPACE.architectures[:3]


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_names_and_values_of_a_column(tmp_path):
    file = written(tmp_path / "own.csv", f"arch,accuracy,loss\n{SECOND},71.5,.3\n{FIRST},80,.2\n")
    names, values, declared = read_truth_word(f"{file}:loss:min", SPACE)
    assert (names, values.tolist()) == ([SECOND, FIRST], [0.3, 0.2])
    assert (declared.name, declared.higher_is_better, declared.n_known) == ("own.csv:loss", False, 2)
    assert declared.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()


def test_what_nobody_wrote_down_is_unstated(tmp_path):
    file = written(tmp_path / "own.csv", f"arch,accuracy\n{FIRST},80\n")
    column = read_truth_file(file, None, SPACE).declared.described("digits")
    assert (column.name, column.epochs, column.seeds) == ("own.csv:accuracy", None, "unstated")
    assert (column.metric, column.split) == ("unstated", "unstated")
    meaning = truth_meaning(asdict(column))
    assert meaning == "split unstated, metric unstated; epochs unstated"


def test_what_the_file_declares(tmp_path):
    head = "# trained by us\n# top5: metric=top-5 accuracy, unit=%, split=test, epochs=90, note=a, b\n"
    text = f"{head}# error: metric=error, better=min\narch,top5,error\n{FIRST},80,1\n"
    file = written(tmp_path / "own.csv", text)
    column = read_truth_file(file, "top5", SPACE).declared.described("digits")
    assert (column.metric, column.unit, column.split, column.epochs) == ("top-5 accuracy", "%", "test", 90)
    assert column.note == "a, b"
    assert column.higher_is_better
    assert not read_truth_file(file, "error", SPACE).declared.higher_is_better
    assert read_truth_word(f"{file}:error:max", SPACE).declared.higher_is_better


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separators_byte_order_marks_and_gzip(tmp_path, separator):
    text = "\ufeff# acc: split=val\n" + separator.join(("arch", "acc")) + f"\n{FIRST}{separator}1.5\n"
    (tmp_path / "own.csv").write_text(text)
    (tmp_path / "own.csv.gz").write_bytes(gzip.compress(text.encode()))
    for name in ("own.csv", "own.csv.gz"):
        names, values, declared = read_truth_word(f"{tmp_path}/{name}:acc", SPACE)
        assert (names, values.tolist(), declared.split) == ([FIRST], [1.5], "val")


def test_parquet_with_declared_columns(tmp_path):
    table = pa.table({"arch": [FIRST, SECOND], "acc": [1.0, None]})
    pq.write_table(table.replace_schema_metadata({"acc": "metric=accuracy, split=test"}), tmp_path / "own.parquet")
    names, values, declared = read_truth_word(f"{tmp_path}/own.parquet:acc", SPACE)
    assert names == [FIRST, SECOND]
    assert values[0] == 1.0
    assert np.isnan(values[1])
    assert (declared.metric, declared.split, declared.n_known) == ("accuracy", "test", 1)


def test_the_harness_own_scores_are_read(tmp_path):
    table = pd.DataFrame({"arch": [FIRST, SECOND], "index": [0, 1], "truth": [3.0, 4.0], "zico": [1.0, 2.0]})
    table.to_parquet(tmp_path / "scores.parquet", index=False)
    names, values, _ = read_truth_word(f"{tmp_path}/scores.parquet:truth", SPACE)
    assert (names, values.tolist()) == ([FIRST, SECOND], [3.0, 4.0])


def test_an_index_names_architectures(tmp_path):
    file = written(tmp_path / "own.csv", "index,acc\n2,1\n0,2\n")
    assert read_truth_file(file, "acc", SPACE).names == [THIRD, FIRST]


def test_without_a_space_names_are_as_they_stand(tmp_path):
    file = written(tmp_path / "own.csv", "arch,acc\nsmall,1\nlarge,\n007,2\n")
    names, values, declared = read_truth_file(file, "acc", None)
    assert names == ["small", "large", "007"]
    assert np.isnan(values[1])
    assert (declared.n_rows, declared.n_known) == (3, 2)


def test_percentages_have_ties(tmp_path):
    file = written(tmp_path / "own.csv", "# acc: unit=%\narch,acc\na,71.199999999\nb,71.2\n")
    values = read_truth_file(file, "acc", None).values
    assert values[0] == values[1]


WRONG = {
    "unknown": (f"arch,acc\n{FIRST},1\n|no~0|,2\n", r"own\.csv', line 3: .*not an architecture of nats_tss"),
    "twice": (f"arch,acc\n{FIRST},1\n0,2\n", r"more than once, in lines 2 and 3"),
    "no rows": ("arch,acc\n", r"has no rows"),
    "empty": ("", r"has no header; it needs arch or index"),
    "text": (f"arch,acc\n{FIRST},good\n", r"has 'good' in line 2, column acc, which is not a number"),
    "comma": (f"arch;acc\n{FIRST};71,2\n", r"Write a point, not a comma"),
    "infinite": (f"arch,acc\n{FIRST},inf\n", r"has 'inf' in line 2"),
    "too large": (f"arch,acc\n{FIRST},1e999\n", r"has '1e999' in line 2"),
    "all missing": (f"arch,acc\n{FIRST},nan\n{SECOND},\n", r"has no value in the column acc: all 2 are empty"),
    "no names": ("name,acc\na,1\n", r"it needs arch or index beside acc"),
    "no name": ("arch,acc\n ,1\n", r"line 2: no architecture is named"),
    "cells": (f"arch,acc\n{FIRST},1,2\n", r"has 3 cells in line 2; its header has 2"),
    "column": (f"arch,accuracy\n{FIRST},1\n", r"No column of .* is called 'acc'. Did you mean 'accuracy'"),
    "column twice": (f"arch,acc,acc\n{FIRST},1,2\n", r"has the column 'acc' more than once"),
    "declared": (f"# acc: metrc=x\narch,acc\n{FIRST},1\n", r"declares metrc of its column acc; it must be one of"),
    "epochs": (f"# acc: epochs=many\narch,acc\n{FIRST},1\n", r"declares epochs=many of acc; it must be a whole number"),
    "better": (f"# acc: better=low\narch,acc\n{FIRST},1\n", r"declares better=low of acc; it must be min or max"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_files_end_in_one_sentence(tmp_path, case):
    text, message = WRONG[case]
    with pytest.raises(HarnessError, match=message) as error:
        read_truth_file(written(tmp_path / "own.csv", text), "acc", SPACE)
    assert str(error.value).isascii()
    assert "\n" not in str(error.value)


def test_files_that_are_none(tmp_path):
    with pytest.raises(HarnessError, match=r"There is no file"):
        read_truth_word(f"{tmp_path}/none.csv:acc", SPACE)
    (tmp_path / "own.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(HarnessError, match=r"is not a Parquet file"):
        read_truth_word(f"{tmp_path}/own.parquet:acc", SPACE)
    (tmp_path / "own.csv").write_bytes(b"arch,acc\n\xff\xfe,1\n")
    with pytest.raises(HarnessError, match=r"is not a CSV file: not UTF-8"):
        read_truth_word(f"{tmp_path}/own.csv:acc", SPACE)
    (tmp_path / "own.csv.gz").write_bytes(b"\x1f\x8b broken")
    with pytest.raises(HarnessError, match=r"is not a CSV file"):
        read_truth_word(f"{tmp_path}/own.csv.gz:acc", SPACE)
    with pytest.raises(HarnessError, match=r"must name a column, as .*own\.csv:a; the file has arch, a, b"):
        read_truth_word(str(written(tmp_path / "own.csv", "arch,a,b\nx,1,2\n")), None)
