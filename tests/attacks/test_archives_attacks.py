"""Archives, arrays, pictures and records from a stranger: one sentence, and no memory that their headers ask for."""

import io
import json
import random
import struct
import tarfile
import warnings
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from attacks.size import n_attacks

from benchmarks.inputs.pictures import DAMAGED_IMAGE, opened_image
from benchmarks.nasbench101.model_metrics import decode
from benchmarks.nasbench101.official import _parse
from benchmarks.nasbench101.tf_records import masked_crc32c, read_records
from harness.errors import CorruptDataError
from harness.files.arrays import read_npy, read_npz
from harness.inputs.archives import unpack


def tar_of(path: Path, *members: tuple[tarfile.TarInfo, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode, format=tarfile.PAX_FORMAT) as tar:
        for info, content in members:
            info.size = info.size or len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def member(name: str, **headers: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.pax_headers = {key: str(value) for key, value in headers.items()}
    return info, b"content"


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


ARCHIVES = {
    "twice": ([member("top/a"), member("top/a")], r"holds 'top/a' more than once"),
    "twice but for its letters": ([member("top/a"), member("top/A")], r"holds 'top/A' more than once"),
    "twice by another path": ([member("top/a"), member("top/./a")], r"holds 'top/(\./)?a' more than once"),
    "a file that is a folder": ([member("top/a"), member("top/a/b")], r"is not a valid tar archive|more than once"),
    "long": ([member("top/" + "a" * 300)], r"a name that no file can have"),
    "deep": ([member("top/" + "a/" * 2_000 + "b")], r"a name that no file can have"),
    "control characters": ([member("top/a\x1b[31m\nb")], r"'top/a\?\[31m\?b', a name that no file can have"),
    "outside by a PAX header": ([member("top/a", path="../../x")], r"lies outside the folder|holds no files"),
    "absolute by a PAX header": ([member("top/a", path="/etc/passwd")], r"lies outside the folder|holds no files"),
    "a PAX size": ([member("top/a", size=10**15)], r"is not a valid tar archive|would unpack to"),
    "a sparse file": ([member("top/a", **{"GNU.sparse.map": "0,1", "GNU.sparse.size": "9"})], r"sparse|whole tar"),
    "a sparse map": ([member("top/a", **{"GNU.sparse.major": 1, "GNU.sparse.minor": 0})], r"sparse|is not a valid tar"),
}


@pytest.mark.parametrize("how", ARCHIVES)
def test_an_archive_of_bad_members_ends_in_a_sentence(tmp_path, how):
    members, sentence = ARCHIVES[how]
    archive = tar_of(tmp_path / "a.tar.gz", *members)
    with pytest.raises(CorruptDataError, match=sentence) as raised:
        unpack(archive, tmp_path / "to" / "top")
    assert str(raised.value).isascii()
    assert str(raised.value).isprintable()
    assert left(tmp_path / "to") == set()


def test_a_header_of_gigabytes_is_not_read(tmp_path):
    """A PAX header is read whole before any member: here it announces 7 GiB of zeros, packed to a few kilobytes."""
    info = tarfile.TarInfo("header")
    info.type, info.size = tarfile.XHDTYPE, 2**33 - 1
    head = info.tobuf(tarfile.USTAR_FORMAT)
    packed = zlib.compressobj(wbits=31)
    (tmp_path / "a.tar.gz").write_bytes(packed.compress(head + bytes(2**24)) + packed.flush())
    with pytest.raises(CorruptDataError, match=r"a header that is too long"):
        unpack(tmp_path / "a.tar.gz", tmp_path / "to" / "top")


def test_a_chain_of_headers_ends(tmp_path):
    """Each extended header is read by a call within the call for the one before."""
    info = tarfile.TarInfo("header")
    info.type, info.size = tarfile.XHDTYPE, 512
    one = info.tobuf(tarfile.USTAR_FORMAT) + b"9 a=bbbb\n".ljust(512, b"\0")
    packed = zlib.compressobj(wbits=31)
    (tmp_path / "a.tar.gz").write_bytes(packed.compress(one * 5_000) + packed.flush())
    with pytest.raises(CorruptDataError, match=r"is not a valid tar archive"):
        unpack(tmp_path / "a.tar.gz", tmp_path / "to" / "top")


def test_damaged_archives_are_unpacked_or_refused(tmp_path):
    draw = random.Random(5)
    whole = tar_of(
        tmp_path / "whole.tar", member("top/a", comment="x"), member("top/" + "b" * 120), mode="w"
    ).read_bytes()
    for number in range(n_attacks(200)):
        damaged = bytearray(whole)
        for _ in range(draw.randint(1, 5)):
            damaged[draw.randrange(len(whole))] = draw.randrange(256)
        (tmp_path / "a.tar").write_bytes(damaged)
        try:
            unpack(tmp_path / "a.tar", tmp_path / f"to{number}" / "top")
        except CorruptDataError as error:
            assert str(error).isprintable()  # noqa: PT017 - some flips change nothing that matters
    assert {path.name.rstrip("0123456789") for path in tmp_path.iterdir()} <= {"whole.tar", "a.tar", "to"}


def npz(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(f"{name}.npy", content)
    return path


def npy(header: str, content: bytes = b"") -> bytes:
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + content


HEADERS = {
    "petabytes": "{'descr': '|u1', 'fortran_order': False, 'shape': (1000000, 1000000, 1000)}",
    "negative": "{'descr': '|u1', 'fortran_order': False, 'shape': (-5,)}",
    "no size": "{'descr': '|S0', 'fortran_order': False, 'shape': (10000000000,)}",
    "objects": "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}",
    "records": "{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (1,)}",
    "texts": "{'descr': '<U5', 'fortran_order': False, 'shape': (0,)}",
    "many axes": f"{{'descr': '|u1', 'fortran_order': False, 'shape': {(1,) * 9}}}",
    "a call": "{'descr': __import__('os').system('true'), 'fortran_order': False, 'shape': ()}",
    "parentheses": "(" * 100,
    "nothing": "",
}


@pytest.mark.parametrize("how", HEADERS)
def test_an_array_that_announces_more_than_it_holds_is_not_allocated(tmp_path, how):
    path = npz(tmp_path / "a.npz", images=npy(HEADERS[how], b"12345678"))
    with pytest.raises(CorruptDataError, match=r"a\.npz is not a valid npz file with 'images' \("):
        read_npz(path, {"images": True})
    (tmp_path / "a.npy").write_bytes(npy(HEADERS[how], b"12345678"))
    with pytest.raises(CorruptDataError, match=r"a\.npy is not a valid npy file \("):
        read_npy(tmp_path / "a.npy")


def test_arrays_twice_or_too_many_are_refused(tmp_path):
    content = npy("{'descr': '|u1', 'fortran_order': False, 'shape': (1,)}", b"1")
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that there are two is the point
        file.writestr("images.npy", content)
        file.writestr("images.npy", content)
    with pytest.raises(CorruptDataError, match="too many arrays, or one twice"):
        read_npz(tmp_path / "a.npz", {"images": True})


def test_what_numpy_writes_is_read(tmp_path):
    given = {"images": np.arange(24, dtype=np.uint8).reshape(2, 3, 4), "labels": np.asfortranarray(np.eye(3, 2))}
    np.savez_compressed(tmp_path / "a.npz", **given)
    found = read_npz(tmp_path / "a.npz", {"images": True, "labels": True, "split": False})
    assert set(found) == {"images", "labels"}
    for name, array in given.items():
        np.testing.assert_array_equal(found[name], array)


def test_damaged_npz_files_are_read_or_refused(tmp_path):
    draw = random.Random(6)
    np.savez(tmp_path / "a.npz", images=np.arange(64, dtype=np.uint8))
    whole = (tmp_path / "a.npz").read_bytes()
    for _ in range(n_attacks(300)):
        damaged = bytearray(whole)
        damaged[draw.randrange(len(whole))] ^= 1 << draw.randrange(8)
        (tmp_path / "a.npz").write_bytes(damaged)
        try:
            assert read_npz(tmp_path / "a.npz", {"images": True})["images"].size <= 64
        except CorruptDataError:
            continue


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "content",
    [
        png(60_000, 60_000), png(10_000, 10_000), png(0, 5),
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nsystem\n", b"GIF89a" + bytes(20), b"",
        b"<svg/>", b"BM" + bytes(60),
    ],
    ids=["3.6 gigapixels", "100 megapixels", "no pixels", "PostScript", "GIF", "empty", "SVG", "BMP"],
)  # fmt: skip
def test_a_picture_of_another_format_or_size_is_not_decoded(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(DAMAGED_IMAGE), opened_image(tmp_path / "a.png", ("PNG",)) as image:
        image.load()


def record(content: bytes) -> bytes:
    length = struct.pack("<Q", len(content))
    sums = struct.pack("<I", masked_crc32c(length)), struct.pack("<I", masked_crc32c(content))
    return length + sums[0] + content + sums[1]


def test_a_record_that_announces_gigabytes_is_not_read(tmp_path):
    length = struct.pack("<Q", 2**40)
    (tmp_path / "a.tfrecord").write_bytes(length + struct.pack("<I", masked_crc32c(length)) + b"x")
    with pytest.raises(CorruptDataError, match=r"Record 0 of .* has 1,099,511,627,776 bytes; at most 1,048,576 are"):
        list(read_records(tmp_path / "a.tfrecord"))


RECORDS = {
    "deep lists": b"[" * 100_000 + b"]" * 100_000,
    "deep dictionaries": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "a long number": b"[" + b"9" * 500_000 + b",4,1,2,3]",
    "another type": json.dumps([["a"], 4, "", "", ""]).encode(),
    "no list": b"5",
    "no JSON": b"\xff",
}


@pytest.mark.parametrize("how", RECORDS)
def test_a_record_of_bad_json_raises_what_the_reader_tells(how):
    with pytest.raises((ValueError, TypeError, LookupError, RecursionError)):
        _parse(RECORDS[how])


def test_deep_json_in_a_file_ends_in_a_sentence(tmp_path):
    from benchmarks.nasbench101.official import convert_official

    (tmp_path / "a.tfrecord").write_bytes(record(RECORDS["deep lists"]))
    with pytest.raises(CorruptDataError, match=r"Record 0 of .*a\.tfrecord is not about a training run .*RecursionErr"):
        convert_official(tmp_path / "a.tfrecord")


def test_damaged_messages_give_metrics_or_a_value_error():
    draw = random.Random(4)
    for _ in range(n_attacks(2_000)):
        try:
            decode(draw.randbytes(draw.randint(0, 60)))
        except ValueError:
            continue
    with pytest.raises(ValueError, match="an integer of more than 64 bits"):
        decode(b"\x80" * 10_000)
