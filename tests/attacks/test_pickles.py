"""Pickles from a stranger: nothing runs, and a few bytes cost neither gigabytes nor the process."""

import io
import os
import pickle
import random
import struct
import sys
import threading
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from attacks.size import n_attacks

from benchmarks.nasbench101 import frame_pickle
from harness.errors import CorruptDataError, HarnessError
from harness.files import limited
from harness.files.limited import Limits, Reading, call_limited, read_pickles
from harness.files.pickle_stand_ins import ARRAYS, Budget, array_stand_ins
from harness.files.safe_pickle import load

MEBIBYTE = 2**20
MISBEHAVING = "attacks.misbehaving"


def reduce(module: str, name: str, arguments: bytes) -> bytes:
    return f"c{module}\n{name}\n".encode() + b"(" + arguments + b"tR"


def of_array(shape: bytes, dtype: bytes, content: bytes) -> bytes:
    """A pickle of an array, protocol 2 in pieces."""
    made = reduce("numpy.core.multiarray", "_reconstruct", b"cnumpy\nndarray\n(K\x00tC\x01b")
    kind = reduce("numpy", "dtype", b"U" + bytes([len(dtype)]) + dtype + b"K\x00K\x01")
    return made + b"(K\x01" + shape + kind + b"I00\n" + content + b"tb."


def binbytes(n: int) -> bytes:
    return b"B" + struct.pack("<I", n) + b"x" * n


def binunicode(n: int) -> bytes:
    return b"X" + struct.pack("<I", n) + b"x" * n


LAUGHS = b"]q\x00(K\x01K\x01e" + b"".join(
    b"]q" + bytes([level]) + b"(" + (b"h" + bytes([level - 1])) * 10 + b"e" for level in range(1, 30)
)
LONG = 10**7
BOMBS = {
    "bytearray of a length": reduce("builtins", "bytearray", b"J\xff\xff\xff\x7f") + b".",
    "bytearray by its Python 2 name": reduce("__builtin__", "bytearray", b"J\xff\xff\xff\x7f") + b".",
    "list of bytes, again and again": binbytes(10**6) + b"q\x00" + reduce("builtins", "list", b"h\x00") * 99 + b".",
    "tuple of bytes": reduce("builtins", "tuple", binbytes(100)) + b".",
    "set of bytes": reduce("builtins", "set", binbytes(100)) + b".",
    "set of a list, again and again": (
        b"](" + b"K\x01" * 10**5 + b"eq\x00(" + reduce("builtins", "frozenset", b"h\x00") * 10**4 + b"l."
    ),
    "text encoded again and again": (
        binunicode(10**6) + b"q\x00(" + reduce("_codecs", "encode", b"h\x00X\x06\x00\x00\x00latin1") * 100 + b"l."
    ),
    "encoded by bz2": reduce("_codecs", "encode", b"C\x03aaaX\x03\x00\x00\x00bz2") + b".",
    "encoded by zlib": reduce("_codecs", "encode", b"C\x03aaaX\x04\x00\x00\x00zlib") + b".",
    "encoded by utf-8": reduce("_codecs", "encode", b"X\x01\x00\x00\x00aX\x05\x00\x00\x00utf-8") + b".",
    "dtype of no size": of_array(b"(J\xff\xff\xff\x7fJ\xff\xff\xff\x7ft", b"S0", b"C\x00"),
    "dtype without a size": of_array(b"(J\xff\xff\xff\x7fJ\xff\xff\xff\x7ft", b"U", b"C\x00"),
    "void of no size": of_array(b"(J\xff\xff\xff\x7ft", b"V0", b"C\x00"),
    "dtype of an array": of_array(b"(K\x01t", b"(9999999,)f8", b"C\x00"),
    "dtype of records": of_array(b"(K\x01t", b"i4,f8", b"C\x0c" + b"x" * 12),
    "negative lengths": of_array(b"(J\xff\xff\xff\xffJ\xff\xff\xff\xfft", b"u1", b"C\x01x"),
    "a length that is a float": of_array(b"(G\x3f\xf0\x00\x00\x00\x00\x00\x00t", b"u1", b"C\x01x"),
    "more axes than there are": of_array(b"(" + b"K\x01" * 70 + b"t", b"u1", b"C\x01x"),
    "objects of one long and many short texts": of_array(
        b"(J" + struct.pack("<i", 10**5) + b"t", b"O8",
        b"](" + binunicode(10**5) + b"X\x00\x00\x00\x00" * (10**5 - 1) + b"e",
    ),
    "ten to the thirtieth ones": LAUGHS + b".",
    "a list of itself": b"]q\x00h\x00a.",
    "a dictionary of itself": b"}q\x00K\x01h\x00s.",
    "lists nested deeply": b"]" * 10**5 + b"a" * (10**5 - 1) + b".",
    "tuples nested deeply": b")" + b"\x85" * 10**6 + b".",
    "a deep tuple as a key": b"})" + b"\x85" * 10**6 + b"K\x01s.",
    "a deep tuple in a set": b"\x8f()" + b"\x85" * 10**6 + b"\x90.",
    "a deep tuple of marks as a key": b"}" + b"(" * 10**5 + b"t" * 10**5 + b"K\x01s.",
    "a deep tuple by way of the memo": b"})q\x00" + b"0h\x00\x85q\x00" * 10**5 + b"K\x01s.",
    "a memo of two billion entries": b"K\x01r\xff\xff\xff\x7f.",
    "a memo of many entries in text": b"K\x01p2147483647\n.",
    "a negative entry of the memo": b"K\x01p-5\n.",
    "a number of ten million digits": b"I" + b"9" * LONG + b"\n.",
    "a frame that is not there": b"\x80\x04\x95" + struct.pack("<Q", 2**62) + b"K\x01.",
    "bytes that are not there": b"\x8e" + struct.pack("<Q", 2**62) + b"x.",
    "text that is not there": b"\x8d" + struct.pack("<Q", 2**62) + b"x.",
    "a bytearray that is not there": b"\x80\x05\x96" + struct.pack("<Q", 2**62) + b"x.",
    "an extension": b"\x82\x01.",
    "a complex of texts": reduce("builtins", "complex", b"X\x01\x00\x00\x001X\x01\x00\x00\x002") + b".",
    "an ordered dictionary of texts": reduce("collections", "OrderedDict", binunicode(100)) + b".",
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_within_its_own_size(name):
    content = BOMBS[name]
    tracemalloc.start()
    start = time.monotonic()
    try:
        with pytest.raises(CorruptDataError, match=r"is not a valid pickle \(|refers to '(__)?builtin"):
            load(content)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 300 * len(content) + 20 * MEBIBYTE
    assert time.monotonic() - start < 60


def names_of(kind: object) -> set[str]:
    return set(vars(kind)) if hasattr(kind, "__dict__") else set()


STAND_INS = {**array_stand_ins(Budget(0)), **frame_pickle._STAND_INS}


@pytest.mark.parametrize("state", [b"}X\x01\x00\x00\x00aK\x01s", b"N}X\x08\x00\x00\x00__call__K\x01s\x86", b"}", b"N"])
@pytest.mark.parametrize("key", [key for key, made in STAND_INS.items() if made is not None], ids=".".join)
def test_a_stand_in_cannot_be_given_attributes(key, state):
    """BUILD sets attributes of whatever has no `__setstate__`: of our own classes and functions, for the next file."""
    made = STAND_INS[key]
    before = names_of(made)
    content = f"c{key[0]}\n{key[1]}\n".encode() + state + b"b."
    with pytest.raises(CorruptDataError, match="is not a valid pickle"):
        load(content, frozenset(STAND_INS), stand_ins=frame_pickle._STAND_INS)
    assert names_of(made) == before


def test_parts_of_a_frame_cannot_be_given_attributes():
    """A block whose values were replaced after they were checked."""
    slices = reduce("builtins", "slice", b"K\x00K\x01N")
    array = of_array(b"(K\x01K\x01t", b"u1", b"C\x01x")[:-1]
    block = reduce("pandas.core.internals.blocks", "new_block", array + slices)
    with pytest.raises(CorruptDataError, match=r"Block has no state"):
        load(
            block + b"}X\x06\x00\x00\x00valuesK\x01sb.",
            ARRAYS | {("builtins", "slice")},
            stand_ins=frame_pickle._STAND_INS,
        )


def test_what_repeats_a_little_is_read():
    """Sharing is no bomb: the same text as a key of a thousand dictionaries, the same tuple in all of them."""
    shared = ("a" * 20, 1)
    given = [{"a" * 20: shared, "number": float(n)} for n in range(1_000)]
    assert load(pickle.dumps(given, protocol=4)) == given
    assert load(pickle.dumps(given, protocol=0)) == given


def flipped(content: bytes, draw: random.Random) -> bytes:
    """A few bytes changed, taken out or doubled."""
    made = bytearray(content)
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(made))
        how = draw.randrange(4)
        if how == 0:
            made[at] ^= 1 << draw.randrange(8)
        elif how == 1:
            made[at] = draw.randrange(256)
        elif how == 2:
            del made[at : at + draw.randint(1, 8)]
        else:
            made[at:at] = made[at : at + draw.randint(1, 8)]
        if not made:
            return b"."
    return bytes(made)


def test_damaged_pickles_give_an_object_or_our_error():
    """The truth of this test is that the process is alive and unchanged after it."""
    draw = random.Random(15)
    given = {"data": np.arange(8.0), "pairs": [(1, "a"), (2, "b")], "set": {1, 2}, "text": np.array(["ab"], object)}
    wholes = [pickle.dumps(given, protocol=protocol) for protocol in range(6)]
    before = set(sys.modules)
    held = 0
    for _ in range(n_attacks(2_000)):
        try:
            load(flipped(draw.choice(wholes), draw))
        except CorruptDataError:
            held += 1
    assert held > 0
    assert set(sys.modules) - before == set()


OPCODES = b"()]}.abcdeghijlopqrstuBCGIJKLMNPQRSTUVX012" + bytes([*range(0x80, 0x8A), *range(0x8C, 0x98)])


def test_programs_drawn_at_random_give_an_object_or_our_error():
    """Opcodes in any order, with globals of the list among them."""
    draw = random.Random(16)
    allowed = [f"c{module}\n{name}\n".encode() for module, name in sorted(ARRAYS)]
    small = [b"K\x01", b"X\x01\x00\x00\x00a", b"C\x01b", b"q\x00", b"h\x00"]
    pieces = [*(bytes([code]) for code in OPCODES), *allowed, *small]
    for _ in range(n_attacks(2_000)):
        program = b"".join(draw.choices(pieces, k=draw.randint(1, 40))) + b"."
        try:
            load(program)
        except CorruptDataError:
            continue


def test_a_scan_and_the_unpickler_see_the_same_opcodes():
    """`pickletools` is the oracle: the same opcodes at the same places, for every protocol."""
    import pickletools

    from harness.files.pickle_scan import _opcodes

    given = {"a": [1, -5, 2**70, 1.5, None, True], "b": ("x" * 300, b"y" * 300, {1, 2}), "c": np.arange(3)}
    for protocol in range(6):
        content = pickle.dumps(given, protocol=protocol)
        ours = [(code, start - 1) for code, start, _ in _opcodes(content)]
        assert ours == [(ord(op.code), at) for op, _, at in pickletools.genops(content)]


def test_our_pickler_is_understood():
    buffer = io.BytesIO()
    pickle.Pickler(buffer, protocol=5).dump([1, "a"])
    assert load(buffer.getvalue()) == [1, "a"]


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        ("takes_memory", r"the file was not read: it needs more than 256 MiB of memory"),
        ("takes_time", r"the file was not read: it took longer than 3 s"),
        ("dies", r"the file was not read: the process that read it was ended by signal 11"),
        ("leaves", r"the file was not read: the process that read it ended with status 3"),
        ("raises", r"^one sentence$"),
        ("errs", r"the file could not be read \(ZeroDivisionError: nothing to divide\)"),
    ],
)
def test_a_process_that_fails_ends_in_a_sentence(function, sentence):
    limits = Limits(memory_bytes=2**28, seconds=3 if function == "takes_time" else 120)
    with pytest.raises(CorruptDataError, match=sentence):
        call_limited(Reading(MISBEHAVING, function, (), "the file"), limits)


def test_what_a_process_prints_is_no_answer(capsys):
    assert call_limited(Reading(MISBEHAVING, "prints", (), "the file"), Limits()) == 5
    assert "on the answer's way" in capsys.readouterr().err


def test_pickles_come_back_from_another_process_as_plain_data(tmp_path):
    given = {"data": np.arange(6, dtype=np.uint8).reshape(2, 3), "labels": [1, 2]}
    for protocol in (2, 4):
        (tmp_path / f"{protocol}").write_bytes(pickle.dumps(given, protocol=protocol))
    for found in read_pickles([tmp_path / "2", tmp_path / "4"], Limits()):
        np.testing.assert_array_equal(found["data"], given["data"])
        assert found["labels"] == [1, 2]
    assert read_pickles([], Limits()) == []


def test_a_refused_pickle_is_named_from_the_other_process(tmp_path: Path):
    (tmp_path / "evil").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(HarnessError, match=r"evil is a pickle that refers to 'os\.system'"):
        read_pickles([tmp_path / "evil"], Limits())


def test_a_small_pickle_takes_little_memory(tmp_path: Path):
    """To read as much as any pickle may have would take that memory, whatever the file has."""
    (tmp_path / "small").write_bytes(pickle.dumps({"a": [1]}))
    assert read_pickles([tmp_path / "small"], Limits(memory_bytes=16 * MEBIBYTE)) == [{"a": [1]}]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_what_has_no_size_is_no_file(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=lambda: (tmp_path / "pipe").write_bytes(pickle.dumps(1)), daemon=True)
    writer.start()
    with pytest.raises(CorruptDataError, match="is not a file of one size"):
        load(tmp_path / "pipe")
    with pytest.raises(CorruptDataError, match="is not a file of one size"):
        load(Path("/dev/zero"))


def test_an_answer_is_parsed_as_a_strangers_file():
    """Whoever took over the other process still hands over a pickle that calls nothing."""
    with pytest.raises(CorruptDataError, match=r"refers to 'os\.system'"):
        limited._result(b"cos\nsystem\n(S'true'\ntR.", 0, "the file", Limits())
