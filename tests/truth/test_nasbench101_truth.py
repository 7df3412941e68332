"""NAS-Bench-101's accuracies: FreeREA's pickles of data frames, and small files in the official TFRecord format."""

import base64
import functools
import gzip
import json
import os
import pickle
import struct
from pathlib import Path

import google_crc32c
import numpy as np
import pytest

from benchmarks.nasbench101 import FREEREA, OFFICIAL
from benchmarks.nasbench101.frame_pickle import read_frame
from benchmarks.nasbench101.model_metrics import FinalMetrics, decode
from benchmarks.nasbench101.tf_records import masked_crc32c, read_records
from harness.errors import CorruptDataError, MissingDataError
from harness.inputs import DATA_SETS
from harness.space import BENCHMARKS
from harness.truth import Truth
from harness.truth.imports import import_truth

pytestmark = pytest.mark.long  # imports of files that rarely change

SPACE = BENCHMARKS.get("nasbench101")


def test_the_fetched_table_equals_the_joined_and_checked_one(fetched_home, truth_oracle):
    truth = Truth.open("nasbench101", fetched_home)
    values = truth.values(SPACE.architectures, "cifar10", "test108")
    with np.load(truth_oracle / "nasbench101.npz", allow_pickle=False) as table:
        np.testing.assert_allclose(values, table["test108_mean"], rtol=0, atol=6e-5)
    assert values[0] == pytest.approx(92.060632)
    assert values.max() == pytest.approx(94.3176, abs=1e-4)
    assert values.argmax() == 4789
    column = truth.column("cifar10", "test108")
    assert (column.split, column.epochs, column.seeds, column.unit) == ("test", 108, "mean of 3 runs", "%")
    assert column.source == "NiccoloCavagnero/FreeREA@9c2a726 nasbench101/cifar10/accuracies.pkl.gz"


def test_rows_in_another_order_are_refused(mirror, tmp_path):
    accuracies, params = (mirror / file.key for file in FREEREA.files)
    frame = read_frame(params)
    content = bytearray(gzip.decompress(params.read_bytes()))
    first, second = (struct.pack("<d", value) for value in frame["params"][:2])
    at = content.index(first + second)
    content[at : at + 16] = second + first
    changed = tmp_path / "params.pkl.gz"
    changed.write_bytes(gzip.compress(bytes(content), 1))
    with pytest.raises(CorruptDataError, match=r"params\.pkl\.gz has other parameter counts than the networks of"):
        FREEREA.convert([accuracies, changed])
    with pytest.raises(CorruptDataError, match=r"does not have rows 0 to 423623 and a column 'accuracy'"):
        FREEREA.convert([params, params])


def test_a_cut_file_is_no_frame(mirror, tmp_path):
    whole = (mirror / FREEREA.files[0].key).read_bytes()
    cut = tmp_path / "accuracies.pkl.gz"
    cut.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CorruptDataError, match=r"accuracies\.pkl\.gz is not a valid gzip file"):
        read_frame(cut)
    cut.write_bytes(gzip.compress(gzip.decompress(whole)[:1000]))
    with pytest.raises(CorruptDataError, match=r"accuracies\.pkl\.gz is not a valid pickle"):
        read_frame(cut)


class _Calls:
    """Pickles as a call of any function."""

    def __init__(self, function, *arguments):
        self._call = function, arguments

    def __reduce__(self):
        return self._call


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (_Calls(os.system, "true"), r"refers to '(posix|nt)\.system'"),
        (functools.partial(os.system, "true"), r"refers to '(posix|nt)\.system'"),
        (functools.partial(list, [1]), r"refers to 'builtins\.list'"),
        (_Calls(functools.partial, dict), r"refers to 'builtins\.dict'"),
        ({"accuracy": np.zeros(3)}, "contains no data frame"),
    ],
)
def test_what_is_no_frame_is_refused_and_nothing_of_it_is_called(given, sentence, tmp_path):
    file = tmp_path / "frame.pkl.gz"
    file.write_bytes(gzip.compress(pickle.dumps(given)))
    with pytest.raises(CorruptDataError, match=sentence):
        read_frame(file)


def varint(number: int) -> bytes:
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + varint(number >> 7)


def evaluation(train: float, validation: float, test: float) -> bytes:
    """Epoch, training time, three accuracies, and a checkpoint's path."""
    numbers = (0.0, 1.0, train, validation, test)
    doubles = b"".join(bytes([number << 3 | 1]) + struct.pack("<d", value) for number, value in enumerate(numbers, 1))
    return doubles + b"\x32\x04path"


def metrics(accuracies: tuple[float, float, float], n_params: int) -> bytes:
    evaluations = [evaluation(0.1, 0.1, 0.1), evaluation(0.5, 0.5, 0.5), evaluation(*accuracies)]
    message = b"".join(b"\x0a" + varint(len(one)) + one for one in evaluations)
    return message + b"\x10" + varint(n_params) + b"\x19" + struct.pack("<d", 60.0)


def row(name: str, epochs: int, accuracies: tuple[float, float, float], n_params: int) -> bytes:
    encoded = base64.b64encode(metrics(accuracies, n_params)).decode()
    return json.dumps([name, epochs, "0100", "input,output", encoded]).encode()


def framed(record: bytes) -> bytes:
    length = struct.pack("<Q", len(record))
    checksums = [struct.pack("<I", masked_crc32c(part)) for part in (length, record)]
    return length + checksums[0] + record + checksums[1]


def write(path: Path, *records: bytes) -> Path:
    path.write_bytes(b"".join(map(framed, records)))
    return path


NAMES = ["00005c142e6f48ac74fdcf73e3439874", "0000718c96730a92ea6d5242f8ce77e2"]  # the table's first two
N_PARAMS = [8_555_530, 5_878_154]


def test_checksums_are_those_of_the_format():
    assert google_crc32c.value(b"123456789") == 0xE3069283  # the check value of CRC-32C (RFC 3720, B.4)
    # rotated right by 15 bits: 0x2507_C60D; plus 0xA282_EAD8
    assert masked_crc32c(b"123456789") == (0x2507C60D + 0xA282EAD8) & 0xFFFFFFFF


def test_records_come_back(tmp_path):
    records = [b"", b"one", bytes(range(256)) * 100]
    assert list(read_records(write(tmp_path / "a.tfrecord", *records))) == records


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda whole: whole[:-1], "Record 1 of .* is cut short"),
        (lambda whole: whole[:-10], "Record 1 of .* is cut short"),
        (lambda whole: whole[: 16 + 5 + 7], "Record 1 of .* is cut short"),
        (lambda whole: whole[:13] + b"X" + whole[14:], "Record 0 of .* differs from its checksum"),
        (lambda whole: b"\xff" + whole[1:], "Record 0 of .* has a length that differs from its checksum"),
    ],
)
def test_damaged_records_are_refused(damage, sentence, tmp_path):
    path = write(tmp_path / "a.tfrecord", b"first", b"second")
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(CorruptDataError, match=sentence):
        list(read_records(path))


def test_final_metrics_are_decoded():
    message = metrics((1.0, 0.93, 0.92), 8_555_530)
    assert decode(message) == FinalMetrics(train=1.0, validation=0.93, test=0.92, n_params=8_555_530)
    unknown_fields = b"\x3d\x00\x00\x00\x00\x40\x07"  # field 7 of four bytes, field 8 an integer
    assert decode(message + unknown_fields) == decode(message)


@pytest.mark.parametrize("cut", [0, 1, 5, 60, 150, -1, -12])
def test_a_cut_message_is_refused(cut):
    with pytest.raises(ValueError, match=r"cut short|not three evaluations|accuracy is missing"):
        decode(metrics((1.0, 0.93, 0.92), 8_555_530)[:cut])


def test_an_official_file_becomes_columns_for_each_number_of_epochs_and_run(tmp_path):
    rows = [
        row(NAMES[1], 108, (1.0, 0.90, 0.89), N_PARAMS[1]),
        row(NAMES[0], 108, (1.0, 0.93, 0.91), N_PARAMS[0]),
        row(NAMES[0], 108, (1.0, 0.94, 0.92), N_PARAMS[0]),
        row(NAMES[0], 108, (1.0, 0.95, 0.94), N_PARAMS[0]),
        row(NAMES[0], 4, (0.5, 0.45, 0.40), N_PARAMS[0]),
    ]
    table = import_truth(OFFICIAL, write(tmp_path / "nasbench_part.tfrecord", *rows), tmp_path)
    assert list(table.archs) == NAMES
    truth = Truth.open("nasbench101", tmp_path)

    def values(name: str) -> list[float]:
        return truth.values(NAMES, "cifar10", name).tolist()

    assert values("test108") == pytest.approx([(91 + 92 + 94) / 3, 89])
    assert values("val108_run1") == pytest.approx([94, np.nan], nan_ok=True)
    assert values("train4") == pytest.approx([50, np.nan], nan_ok=True)
    assert values("test4_run0") == pytest.approx([40, np.nan], nan_ok=True)
    names = {column.name for column in truth.columns("cifar10")}
    assert names == {
        f"{split}{epochs}{run}"
        for split in ("test", "val", "train")
        for epochs in (4, 108)
        for run in ("", "_run0", "_run1", "_run2")
    }
    column = truth.column("cifar10", "val108")
    assert (column.split, column.epochs, column.seeds) == ("validation", 108, "mean of 1 or 3 runs")
    assert column.source == "nasbench_part.tfrecord, 2 of 423,624 architectures, not one of the published files"


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        (row("f" * 32, 108, (1.0, 0.9, 0.9), 1), r"Record 1 of .* is not about .*KeyError: 'f{32}'"),
        (
            row(NAMES[0], 100, (1.0, 0.9, 0.9), N_PARAMS[0]),
            r"Record 1 of .* is not about .*KeyError: 100",
        ),
        (row(NAMES[0], 4, (1.0, 0.9, 0.9), 5), rf"states 5 parameters for {NAMES[0]}, which is wrong"),
        (b"[1, 2]", r"Record 1 of .* is not about a training run of a cell of nasbench101 \(ValueError"),
        (b'["a", 4, "", "", "?"]', r"Record 1 of .* is not about a training run of a cell of nasbench101 \(Error"),
        (b"\xff", r"Record 1 of .* is not about a training run of a cell of nasbench101 \(UnicodeDecodeError"),
    ],
)
def test_a_record_of_something_else_is_named(record, sentence, tmp_path):
    good = row(NAMES[0], 4, (0.5, 0.45, 0.40), N_PARAMS[0])
    with pytest.raises(CorruptDataError, match=sentence):
        OFFICIAL.convert(write(tmp_path / "a.tfrecord", good, record))


def test_a_fourth_run_is_refused(tmp_path):
    same = [row(NAMES[0], 4, (0.5, 0.45, 0.40), N_PARAMS[0])] * 4
    with pytest.raises(CorruptDataError, match=rf"Record 3 of .* is run 4 of {NAMES[0]} with 4 epochs"):
        OFFICIAL.convert(write(tmp_path / "a.tfrecord", *same))


def test_an_empty_or_missing_file_is_named(tmp_path):
    with pytest.raises(CorruptDataError, match="contains no records"):
        OFFICIAL.convert(write(tmp_path / "a.tfrecord"))
    with pytest.raises(MissingDataError, match=r"b\.tfrecord is not a file; PATH is that of nasbench_full\.tfrecord"):
        OFFICIAL.convert(tmp_path / "b.tfrecord")


def test_the_parameter_counts_of_the_test_are_those_of_the_space():
    assert list(SPACE.architectures[:2]) == NAMES
    assert [SPACE.params(name, DATA_SETS.get("cifar10")) for name in NAMES] == N_PARAMS
