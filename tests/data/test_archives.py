import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from harness.errors import CorruptDataError
from harness.files.downloads import RemoteFile
from harness.inputs.archives import ImageArchive, fetch_archive, unpack

TOP = "cifar-10-batches-py"


def _file(name: str, content: bytes = b"images") -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    return info, content


def _link(name: str, target: str, kind: bytes) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info, b""


def _pack(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return path


def _inside(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_a_plain_archive_is_unpacked(tmp_path):
    archive = _pack(tmp_path / "a.tar.gz", _file(f"{TOP}/data_batch_1"), _file(f"{TOP}/sub/readme"))
    assert unpack(archive, tmp_path / "real" / TOP) is None
    assert _inside(tmp_path / "real") == {TOP, f"{TOP}/data_batch_1", f"{TOP}/sub", f"{TOP}/sub/readme"}


@pytest.mark.parametrize(
    "member",
    [
        _file("../escaped"),
        _file(f"{TOP}/../../escaped"),
        _file("ABSOLUTE/escaped"),
        _file("another-folder/file"),
        _file(f"{TOP}/..\\..\\escaped"),
        _link(f"{TOP}/link", "/etc/passwd", tarfile.SYMTYPE),
        _link(f"{TOP}/link", "../../escaped", tarfile.SYMTYPE),
        _link(f"{TOP}/hard", f"{TOP}/data_batch_1", tarfile.LNKTYPE),
        _link(f"{TOP}/device", "", tarfile.CHRTYPE),
        _link(f"{TOP}/pipe", "", tarfile.FIFOTYPE),
    ],
    ids=lambda member: f"{member[0].name}->{member[0].linkname}",
)
def test_a_malicious_archive_is_refused_before_anything_is_written(tmp_path, member):
    member[0].name = member[0].name.replace("ABSOLUTE", str(tmp_path))
    archive = _pack(tmp_path / "archives" / "evil.tar.gz", _file(f"{TOP}/data_batch_1"), member)
    with pytest.raises(CorruptDataError, match=r"evil\.tar\.gz holds .*Nothing was unpacked"):
        unpack(archive, tmp_path / "home" / "real" / TOP)
    assert _inside(tmp_path) == {"archives", "archives/evil.tar.gz", "home", "home/real"}


def test_a_bomb_is_refused_by_its_declared_size(tmp_path, monkeypatch):
    monkeypatch.setattr("harness.inputs.archives._MAX_UNPACKED_BYTES", 10)
    archive = _pack(tmp_path / "a.tar.gz", _file(f"{TOP}/a", b"123456"), _file(f"{TOP}/b", b"123456"))
    with pytest.raises(CorruptDataError, match="would unpack to 12 bytes; the limit is 10"):
        unpack(archive, tmp_path / TOP)


@pytest.mark.parametrize("content", [b"", b"no archive", None])
def test_a_truncated_archive_is_damaged(tmp_path, content):
    whole = _pack(tmp_path / "whole.tar.gz", _file(f"{TOP}/a", bytes(range(256)) * 64)).read_bytes()
    archive = tmp_path / "cut.tar.gz"
    archive.write_bytes(whole[: len(whole) // 2] if content is None else content)
    with pytest.raises(CorruptDataError, match=r"cut\.tar\.gz (is not a valid tar archive|holds no files)"):
        unpack(archive, tmp_path / "real" / TOP)
    assert _inside(tmp_path / "real") == set()


def test_what_lay_there_is_kept(tmp_path):
    (tmp_path / TOP).mkdir()
    (tmp_path / TOP / "mine").write_text("mine")
    former = unpack(_pack(tmp_path / "a.tar.gz", _file(f"{TOP}/data_batch_1")), tmp_path / TOP)
    assert former == tmp_path / f"{TOP}.before-1"
    assert (former / "mine").read_text() == "mine"
    assert _inside(tmp_path / TOP) == {"data_batch_1"}


def _served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> ImageArchive:
    """A small archive of one file in a mirror, described with its checksums."""
    packed = _pack(tmp_path / "mirror" / "kriz" / "small.tar.gz", _file(f"{TOP}/data_batch_1", content)).read_bytes()
    monkeypatch.setenv("HARNESS_MIRROR", str(tmp_path / "mirror"))
    sha256, md5 = hashlib.sha256(packed).hexdigest(), hashlib.md5(packed).hexdigest()
    remote = RemoteFile("kriz/small.tar.gz", "https://nowhere.invalid/small.tar.gz", sha256, len(packed), md5)
    return ImageArchive(remote, TOP, {"data_batch_1": hashlib.md5(b"images").hexdigest()})


def test_fetching_unpacks_once_and_then_does_nothing(tmp_path, monkeypatch):
    archive = _served(tmp_path, monkeypatch, b"images")
    home, downloads = tmp_path / "real", tmp_path / "downloads"
    assert fetch_archive(archive, home, downloads) == [f"Unpacked {archive.file.url} to {home / TOP}."]
    assert (home / TOP / "data_batch_1").read_bytes() == b"images"
    assert not downloads.exists()
    monkeypatch.setenv("HARNESS_MIRROR", "/no/such/mirror")
    assert fetch_archive(archive, home, downloads) == [f"{home / TOP} is complete."]


def test_fetching_repairs_a_damaged_file(tmp_path, monkeypatch):
    archive = _served(tmp_path, monkeypatch, b"images")
    home, downloads = tmp_path / "real", tmp_path / "downloads"
    fetch_archive(archive, home, downloads)
    (home / TOP / "data_batch_1").write_bytes(b"damaged")
    assert fetch_archive(archive, home, downloads)[1] == f"The previous contents were moved to {home / TOP}.before-1."
    assert (home / TOP / "data_batch_1").read_bytes() == b"images"


def test_an_archive_with_other_files_than_published_is_refused(tmp_path, monkeypatch):
    archive = _served(tmp_path, monkeypatch, b"others")
    with pytest.raises(CorruptDataError, match="its files differ from the published ones"):
        fetch_archive(archive, tmp_path / "real", tmp_path / "downloads")


@pytest.mark.skipif(not hasattr(tarfile, "data_filter"), reason="Python's tarfile has a filter from 3.11.4 on")
def test_the_filter_of_tarfile_refuses_by_itself_what_lies_outside(tmp_path, monkeypatch):
    """Two guards, neither hanging on the other: with the own checks gone, Python's filter is still there."""
    monkeypatch.setattr("harness.inputs.archives._check_members", lambda archive, members, top: None)
    archive = _pack(tmp_path / "archives" / "evil.tar.gz", _file(f"{TOP}/a"), _file("../../escaped"))
    with pytest.raises(
        CorruptDataError, match=r"holds '\.\./\.\./escaped', which Python's tarfile refuses\. Nothing was"
    ):
        unpack(archive, tmp_path / "home" / "real" / TOP)
    assert _inside(tmp_path) == {"archives", "archives/evil.tar.gz", "home", "home/real"}


@pytest.mark.parametrize("outside", ["../../escaped", "/escaped", f"{TOP}/../../escaped"])
def test_a_python_whose_tarfile_has_no_filter_refuses_it_as_well(outside, tmp_path, monkeypatch):
    monkeypatch.setattr("harness.inputs.archives._check_members", lambda archive, members, top: None)
    monkeypatch.delattr(tarfile, "data_filter", raising=False)
    archive = _pack(tmp_path / "archives" / "evil.tar.gz", _file(f"{TOP}/a"), _file(outside))
    with pytest.raises(CorruptDataError, match=r"escaped', which lies outside the folder\. Nothing was unpacked"):
        unpack(archive, tmp_path / "home" / "real" / TOP)
    assert _inside(tmp_path) == {"archives", "archives/evil.tar.gz", "home", "home/real"}
