import bz2
import os
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from harness.errors import CorruptDataError
from harness.files.safe_pickle import load


class _Calls:
    """Pickles as a call of any function."""

    def __init__(self, function, *arguments):
        self._call = function, arguments

    def __reduce__(self):
        return self._call


@pytest.mark.parametrize("protocol", range(5))
def test_arrays_and_plain_containers_come_back(protocol):
    given = {"data": np.arange(6, dtype=np.uint8).reshape(2, 3), "labels": [1, 2], "more": OrderedDict(a=(1.5, {2}))}
    found = load(pickle.dumps(given, protocol=protocol))
    np.testing.assert_array_equal(found["data"], given["data"])
    assert found["labels"] == [1, 2]
    assert found["more"] == given["more"]


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["?", "<i4", ">i2", "f8", "c16", "S3", "U2"])
def test_arrays_of_every_plain_type_and_order_come_back(dtype, order):
    given = np.array([[0, 1, 0], [1, 1, 0]]).astype(dtype, order=order)
    found = np.asarray(load(pickle.dumps(given, protocol=2)))
    np.testing.assert_array_equal(found, given)
    assert found.dtype.newbyteorder("=") == given.dtype.newbyteorder("=")


def test_numpy_scalars_come_back():
    assert load(pickle.dumps([np.float64(1.5), np.uint8(7)], protocol=2)) == [1.5, 7]


@pytest.mark.parametrize(
    "given", [np.array([{}, []], dtype=object), np.zeros(2, dtype="i4,f8")], ids=["objects", "records"]
)
def test_arrays_that_could_hold_pointers_are_refused(given):
    with pytest.raises(CorruptDataError, match="not a valid pickle"):
        load(pickle.dumps(given, protocol=2))


def test_an_object_array_of_strings_becomes_one_of_strings():
    given = np.array([["index", "accuracy"]], dtype=object)
    found = np.asarray(load(pickle.dumps(given, protocol=4)))
    np.testing.assert_array_equal(found, given.astype(str))
    assert found.dtype == np.dtype("<U8")


def test_a_stand_in_is_called_in_place_of_a_global():
    given = pickle.dumps(_Calls(os.system, "true"))
    stand_ins = {(os.system.__module__, "system"): lambda command: f"not run: {command}"}
    assert load(given, stand_ins=stand_ins) == "not run: true"
    with pytest.raises(CorruptDataError, match="refers to"):
        load(given)


def test_a_type_cannot_claim_that_bytes_are_pointers():
    # The last number of a dtype's state is its flags: 63 says that every element is a reference to be released.
    whole = pickle.dumps(np.arange(8, dtype=np.uint8), protocol=2)
    flags = whole.rindex(b"K\x00tq")
    forged = whole[:flags] + b"K\x3ftq" + whole[flags + 4 :]
    assert np.asarray(load(forged)).dtype == np.dtype(np.uint8)
    assert not np.asarray(load(forged)).dtype.hasobject


@pytest.mark.parametrize("protocol", range(5))
def test_a_command_in_a_pickle_is_named_and_not_run(tmp_path, protocol):
    marker, file = tmp_path / "ran", tmp_path / "evil"
    file.write_bytes(pickle.dumps(_Calls(os.system, f"touch {marker}"), protocol=protocol))
    with pytest.raises(CorruptDataError, match=r"evil is a pickle that refers to '(posix|nt)\.system'"):
        load(file)
    assert not marker.exists()


def test_eval_is_not_run(tmp_path):
    marker = tmp_path / "ran"
    with pytest.raises(CorruptDataError, match=r"refers to 'builtins\.eval'"):
        load(pickle.dumps(_Calls(eval, f"__import__('pathlib').Path({str(marker)!r}).touch()"), protocol=4))
    assert not marker.exists()


def test_attributes_cannot_be_walked_to():
    by_getattr = b"cbuiltins\ngetattr\n(cnumpy\nndarray\nS'tofile'\ntR."
    with pytest.raises(CorruptDataError, match=r"refers to 'builtins\.getattr'"):
        load(by_getattr)
    by_dots = b"\x80\x04\x8c\x05numpy\x8c\x0endarray.tofile\x93."
    with pytest.raises(CorruptDataError, match=r"refers to 'numpy\.ndarray\.tofile'"):
        load(by_dots)
    of_python_2 = b"c__builtin__\napply\n."
    with pytest.raises(CorruptDataError, match="apply"):
        load(of_python_2)


def test_a_modules_own_imports_are_not_reachable():
    # A function of numpy.core.multiarray is on the list, what that module imported is not.
    with pytest.raises(CorruptDataError, match=r"refers to 'numpy\.core\.multiarray\.os'"):
        load(b"cnumpy.core.multiarray\nos\n.")


def test_references_to_outside_objects_are_refused():
    with pytest.raises(CorruptDataError, match="refers to something outside itself"):
        load(b"Psomewhere\n.")


def test_a_longer_list_allows_more():
    assert load(b"cdatetime\ndate\n.", frozenset({("datetime", "date")})).__name__ == "date"


@pytest.mark.parametrize("n_bytes", [0, 1, 10, 60, 150])
def test_a_truncated_pickle_is_damaged(tmp_path, n_bytes):
    file = tmp_path / "cut"
    file.write_bytes(pickle.dumps({"data": np.zeros(100, dtype=np.uint8)}, protocol=2)[:n_bytes])
    with pytest.raises(CorruptDataError, match=rf"cut is not a valid pickle \(it is cut short; {n_bytes} bytes\)"):
        load(file)


def test_any_flipped_byte_gives_an_object_or_our_error():
    whole = pickle.dumps({"data": np.arange(8, dtype=np.uint8), "labels": [0, 1]}, protocol=2)
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 0xFF
        try:
            load(bytes(damaged))
        except CorruptDataError:
            continue


def test_official_cifar_files_are_read(official: Path):
    batch = load(official / "cifar-10-batches-py" / "data_batch_1", encoding="bytes")
    assert batch[b"data"].shape == (500, 3072)
    assert load(official / "cifar-10-batches-py" / "data_batch_1")["labels"] == batch[b"labels"]


def test_official_nats_bench_files_are_read(official: Path):
    packed = official / "NATS-tss-v1_0-3ffb9-simple" / "000011.pickle.pbz2"
    found = load(bz2.decompress(packed.read_bytes()))
    assert found["12"]["arch_index"] == found["200"]["arch_index"] == 11
