"""HW-NAS-Bench-360: altered, truncated and other files are refused."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from benchmarks.nats_tss import NB360
from harness.data.__main__ import main
from harness.errors import CorruptDataError, MissingDataError

pytestmark = pytest.mark.long  # imports of files that rarely change


@pytest.fixture(scope="module")
def published(nb360_file: Path) -> pa.Table:
    return pq.read_table(nb360_file).replace_schema_metadata(None)


def changed(table: pa.Table, name: str, row: int, value: object) -> pa.Table:
    at = table.schema.get_field_index(name)
    mask = pa.array(np.arange(len(table)) == row)
    filled = pc.if_else(mask, pa.scalar(value, table.schema.field(name).type), table[name].combine_chunks())
    return table.set_column(at, name, filled)


def swapped(table: pa.Table) -> pa.Table:
    """Cells 1 and 2 in each other's place, in every setting."""
    index = table["arch_idx"].to_numpy()
    renamed = np.where(index == 1, 2, np.where(index == 2, 1, index))
    return table.set_column(table.schema.get_field_index("arch_idx"), "arch_idx", pa.array(renamed))


def degraded(table: pa.Table) -> pa.Table:
    """A possible accuracy of NinaPro for cell 7, in every setting."""
    there = (table["arch_idx"].to_numpy() == 7) & (np.array(table["task"]) == "ninapro")
    values = np.where(there, 12.3456, table["accuracy"].to_numpy())
    return table.set_column(table.schema.get_field_index("accuracy"), "accuracy", pa.array(values))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda t: t.drop_columns(["accuracy", "task"]), r"lacks the columns task, accuracy\.$"),
        (lambda t: t.slice(1), r"has 187,499 rows instead of 187,500\.$"),
        (
            lambda t: t.set_column(0, "arch_idx", t["task"]),
            r"something other than whole numbers in its column arch_idx",
        ),
        (lambda t: changed(t, "task", 3, None), r"has empty cells in the columns task\.$"),
        (swapped, r"has rep_arch_idx=\d+ for cell \d+ \(.*\); it must be that of the official order\.$"),
        (lambda t: changed(t, "arch_idx", 0, 15_625), r"has arch_idx=15625 for cell 15625 .*must be 0 to 15,624\.$"),
        (
            lambda t: changed(t, "status", 0, "failed"),
            r"has status=failed for cell 0 \(cifar100, pi5, litert\); it must",
        ),
        (
            lambda t: changed(t, "device", 0, "pi4"),
            r"15,624 rows of 15,624 cells for cifar100 on pi5 with litert; expected one for each of 15,625 cells\.$",
        ),
        (lambda t: changed(t, "device", 0, "x" * 60_000), r"has a text of 60,000 bytes in its column device\.$"),
        (lambda t: changed(t, "lat_ms_median", 0, -1.0), r"has lat_ms_median=-1\.0 for cell 0 .*; it must be above 0"),
        (lambda t: changed(t, "energy_mj", 0, None), r"has energy_mj=nan for cell 0 .*; it must be above 0\.$"),
        (lambda t: changed(t, "accuracy", 0, 101.0), r"has accuracy=101\.0 for cell 0 .*be between 0 and 100\.$"),
        (
            lambda t: changed(t, "accuracy", 0, 50.0),
            r"has different accuracies of cifar100 for cell 0 on different dev",
        ),
        (degraded, r"numbers that are not the published ones\. Take that of commit a9b243e from https://github\.com/"),
    ],
)
def test_altered_files_are_refused_in_one_sentence(published, tmp_path, change, sentence):
    path = tmp_path / "dataset.parquet"
    pq.write_table(change(published), path, compression="none")
    with pytest.raises(CorruptDataError, match=sentence) as caught:
        NB360.convert(path)
    assert "\n" not in str(caught.value)


def test_the_same_numbers_may_be_saved_anew(published, tmp_path):
    path = tmp_path / "dataset.parquet"
    pq.write_table(published, path, compression="none")
    assert len(NB360.convert(path).archs) == 15_625


def test_truncated_and_other_files_are_refused_in_one_sentence(nb360_file, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HARNESS_DATA", str(tmp_path / "home"))
    path = Path(shutil.copy(nb360_file, tmp_path / "dataset.parquet"))
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1000])
    assert main(["import", "nb360", str(path)]) == 2
    printed = capsys.readouterr().err
    assert "dataset.parquet is not a valid Parquet file (ArrowInvalid: " in printed
    assert printed.count("\n") == 1
    path.write_bytes(nb360_file.read_bytes()[:1000] + b"\0" * 1000 + nb360_file.read_bytes()[2000:])
    with pytest.raises(CorruptDataError, match=r"is not a valid Parquet file \("):
        NB360.convert(path)
    path.write_text("arch_idx,accuracy\n0,1\n")
    with pytest.raises(CorruptDataError, match=r"is not a valid Parquet file \(ArrowInvalid: "):
        NB360.convert(path)
    with pytest.raises(MissingDataError, match=r"is not a file; PATH is the file results/dataset\.parquet from https"):
        NB360.convert(tmp_path)
    assert not (tmp_path / "home" / "truth").exists()
