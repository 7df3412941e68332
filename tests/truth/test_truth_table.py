import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from harness.errors import CorruptDataError, HarnessError, MissingDataError, UnknownNameError
from harness.truth import Truth
from harness.truth.imports import TRUTH_IMPORTS
from harness.truth.table import TableFile, TruthColumn, TruthTable, write_table

TEST = TruthColumn(
    name="test200",
    dataset="cifar10",
    metric="accuracy",
    unit="%",
    split="test",
    epochs=200,
    seeds="mean over the available seeds",
    higher_is_better=True,
    source="owner/repo@c0ffee a.csv",
    sha256="0" * 64,
)
LATENCY = replace(
    TEST, name="latency", metric="latency", unit="ms", epochs=None, higher_is_better=False, note="of a phone"
)
TABLE = TruthTable(["a", "b", "c"], (TEST, LATENCY), (np.array([1.0, 2.0, 3.0]), np.array([0.1, np.nan, 0.3])))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A written table of a benchmark that has no sources."""
    path = tmp_path / "truth" / "toy" / "measured.parquet"
    write_table(TABLE, path, "origin")
    return path


@pytest.fixture
def truth(path: Path, tmp_path: Path) -> Truth:
    return Truth.open("toy", tmp_path)


def test_values_follow_the_order_that_is_asked_for_and_are_nan_where_there_are_none(truth):
    np.testing.assert_array_equal(truth.values(["c", "?", "a", "c"], "cifar10", "test200"), [3, np.nan, 1, 3])
    np.testing.assert_array_equal(truth.values(["a", "b"], "cifar10", "latency"), [0.1, np.nan])
    assert truth.values([], "cifar10", "test200").shape == (0,)
    assert truth.values(["a"], "cifar10", "test200").dtype == np.float64


def test_columns_come_back_as_they_were_described(truth):
    assert truth.columns("cifar10") == [LATENCY, TEST]
    assert truth.column("cifar10", "test200") == TEST
    assert truth.datasets() == ["cifar10"]


def test_an_unknown_column_lists_those_that_there_are(truth):
    with pytest.raises(
        UnknownNameError, match=r"on cifar10 is called 'test20'. Did you mean 'test200'\? Known: latency, test200"
    ):
        truth.values(["a"], "cifar10", "test20")
    with pytest.raises(
        UnknownNameError, match=r"No data set with truth of toy is called 'cifar1'\. Did you mean 'cifar10'"
    ):
        truth.column("cifar1", "test200")


def test_no_table_at_all_names_the_command(tmp_path):
    with pytest.raises(
        MissingDataError,
        match=r"no ground truth of nats_sss in .*Run `python -m harness\.data fetch nats_sss`",
    ):
        Truth.open("nats_sss", tmp_path)


def test_a_data_set_whose_tables_are_still_to_be_fetched_names_the_command(tmp_path):
    other = replace(TEST, dataset="other")
    path = tmp_path / "truth" / "nats_tss" / "other.parquet"
    write_table(TruthTable(["a"], (other,), (np.array([1.0]),)), path, "")
    truth = Truth.open("nats_tss", tmp_path)
    with pytest.raises(MissingDataError, match=r"There is no ground truth of nats_tss on cifar10 in .*fetch nats_tss`"):
        truth.column("cifar10", "test200")
    with pytest.raises(
        UnknownNameError, match=r"Known: test200\. Run `python -m harness\.data fetch nats_tss` for more"
    ):
        truth.column("other", "val200")


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-100], lambda data: data[:50] + b"?" + data[51:], lambda data: b""]
)
def test_a_damaged_table_is_named_with_the_command_that_repairs_it(path, tmp_path, damage):
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(
        CorruptDataError, match=r"measured\.parquet does not match .*Run `python -m harness\.data fetch toy`"
    ):
        Truth.open("toy", tmp_path)


def test_a_table_without_its_checksum_is_not_trusted(path, tmp_path):
    path.with_name("measured.parquet.sha256").unlink()
    with pytest.raises(CorruptDataError, match="does not match its checksum file"):
        Truth.open("toy", tmp_path)


def test_the_checksum_is_in_the_format_of_sha256sum(path):
    checksum, name = path.with_name("measured.parquet.sha256").read_text().split()
    assert len(checksum) == 64
    assert name == "measured.parquet"


def test_an_embedded_table_that_is_none_is_named(tmp_path):
    path = tmp_path / "truth.parquet"
    for content in (b"", b"PAR1 half PAR1"):
        path.write_bytes(content)
        with pytest.raises(CorruptDataError, match=r"truth\.parquet is not a truth table"):
            TableFile(path, "command", embedded=True)
    write_table(TABLE, path, "origin")
    other = pq.read_table(path)
    pq.write_table(other.replace_schema_metadata({}), path)
    with pytest.raises(CorruptDataError, match=r"truth\.parquet is not a truth table"):
        TableFile(path, "command", embedded=True)
    pq.write_table(other.drop_columns(["cifar10/latency"]), path)
    with pytest.raises(CorruptDataError, match=r"truth\.parquet lacks the columns cifar10/latency"):
        TableFile(path, "command", embedded=True)


def test_a_table_of_a_later_version_with_more_to_say_is_read(path):
    table = pq.read_table(path)
    contents = json.loads(table.schema.metadata[b"harness"])
    contents["columns"][0]["colour"] = "green"
    del contents["columns"][0]["note"]
    pq.write_table(table.replace_schema_metadata({b"harness": json.dumps(contents)}), path)
    assert TableFile(path, "command", embedded=True).columns["cifar10/test200"] == TEST


def test_two_tables_with_one_column_are_an_error(path, tmp_path):
    write_table(TABLE, path.with_name("again.parquet"), "origin")
    with pytest.raises(HarnessError, match=r"again\.parquet and .*\.parquet contain the column 'cifar10/test200'"):
        Truth.open("toy", tmp_path)


def table_of(archs: list[str], value: float, source: str) -> TruthTable:
    return TruthTable(archs, (replace(TEST, source=source),), (np.full(len(archs), value),))


@pytest.mark.parametrize(
    ("n_imported", "first"), [(2, "fetched"), (3, "imported"), (4, "imported")], ids=["fewer", "as many", "more"]
)
def test_an_imported_column_is_read_before_a_fetched_one_unless_it_has_fewer_architectures(tmp_path, n_imported, first):
    release = TRUTH_IMPORTS.get("nats_tss")
    fetched = tmp_path / "truth" / "nats_tss" / "zz.parquet"
    write_table(table_of(["a", "b", "c"], 1.0, "fetched"), fetched, "")
    write_table(table_of(["a", "b", "c", "d"][:n_imported], 2.0, "imported"), release.path(tmp_path), "")
    truth = Truth.open("nats_tss", tmp_path)
    column = truth.column("cifar10", "test200")
    assert column.source == first
    assert truth.columns("cifar10") == [column]
    assert truth.values(["a"], "cifar10", "test200") == [1.0 if first == "fetched" else 2.0]
    other = "zz" if first == "imported" else "imported-nats_tss"
    assert column.note == f"also in {other}.parquet, for {3 if first == 'imported' else n_imported} architectures"


def test_a_damaged_imported_table_names_the_command_that_imports_it(tmp_path):
    path = TRUTH_IMPORTS.get("nats_sss").path(tmp_path)
    write_table(TABLE, path, "origin")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CorruptDataError, match=r"Run `python -m harness\.data import nats_sss PATH` to restore it"):
        Truth.open("nats_sss", tmp_path)


def test_an_unknown_column_of_a_benchmark_with_official_releases_names_them(tmp_path):
    write_table(TABLE, tmp_path / "truth" / "nats_sss" / "lighton.parquet", "origin")
    with pytest.raises(
        UnknownNameError, match=r"Official releases have more columns: `python -m harness\.data import nats_sss PATH`\."
    ):
        Truth.open("nats_sss", tmp_path).column("cifar10", "test90")


def test_known_architectures_are_those_with_a_finite_number(truth):
    assert truth.n_known("cifar10", "test200") == 3
    assert truth.n_known("cifar10", "latency") == 2


def test_an_architecture_twice_or_a_short_column_is_not_written(tmp_path):
    path = tmp_path / "table.parquet"
    for table in (replace(TABLE, archs=["a", "b", "a"]), replace(TABLE, archs=["a", "b"])):
        with pytest.raises(
            CorruptDataError, match=r"table\.parquet lists an architecture twice or has columns of unequal"
        ):
            write_table(table, path, "origin")
    assert not list(tmp_path.iterdir())


def test_writing_that_fails_leaves_the_old_table(path, tmp_path, monkeypatch):
    def disk_full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq, "write_table", disk_full)
    with pytest.raises(OSError, match="No space left"):
        write_table(replace(TABLE, archs=["x", "y", "z"]), path, "newer")
    assert Truth.open("toy", tmp_path).values(["b"], "cifar10", "test200") == [2]
    assert sorted(found.name for found in path.parent.iterdir()) == ["measured.parquet", "measured.parquet.sha256"]
