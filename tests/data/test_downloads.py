import hashlib
import socket
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from harness.errors import CorruptDataError, MissingDataError, OptionError
from harness.files.atomic import replacing
from harness.files.downloads import RemoteFile, discard, download, github_file, location

CONTENT = b"index,accuracy\n0,94.37\n"
FILE = RemoteFile(
    key="owner/repo/commit/a.csv",
    url="https://nowhere.invalid/a.csv",
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    n_bytes=len(CONTENT),
    md5=hashlib.md5(CONTENT).hexdigest(),
)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def _put(mirror: Path, content: bytes = CONTENT) -> Path:
    path = mirror / FILE.key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.fixture
def mirror_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "mirror"
    folder.mkdir()
    monkeypatch.setenv("HARNESS_MIRROR", str(folder))
    return folder


@pytest.fixture
def web_mirror(mirror_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(mirror_folder))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("HARNESS_MIRROR", f"http://127.0.0.1:{server.server_port}/")
        yield mirror_folder
        server.shutdown()
        thread.join()


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_github_file_has_its_raw_address_and_the_mirror_has_the_same_layout(mirror_folder, monkeypatch):
    file = github_file("owner/repo/c0ffee", "data/a.csv", "0" * 64, 1)
    assert location(file) == str(mirror_folder / "owner" / "repo" / "c0ffee" / "data" / "a.csv")
    monkeypatch.delenv("HARNESS_MIRROR")
    assert location(file) == "https://raw.githubusercontent.com/owner/repo/c0ffee/data/a.csv"


def test_a_file_comes_whole_from_a_folder(mirror_folder, tmp_path):
    _put(mirror_folder)
    assert download(FILE, tmp_path / "to").read_bytes() == CONTENT
    assert len(_files(tmp_path / "to")) == 1


def test_a_file_comes_whole_from_a_url(web_mirror, tmp_path):
    _put(web_mirror)
    assert download(FILE, tmp_path / "to").read_bytes() == CONTENT
    assert len(_files(tmp_path / "to")) == 1


def test_a_checked_download_is_not_fetched_again(mirror_folder, tmp_path):
    served = _put(mirror_folder)
    download(FILE, tmp_path / "to")
    served.unlink()
    assert download(FILE, tmp_path / "to").read_bytes() == CONTENT


@pytest.mark.parametrize("source", ["mirror_folder", "web_mirror"])
@pytest.mark.parametrize(
    ("served", "sentence"),
    [(CONTENT[:10], "gave 10 bytes instead of the published 23"), (CONTENT[::-1], "is damaged or changed: its sha256")],
)
def test_a_half_or_changed_file_is_named_and_nothing_of_it_is_kept(source, served, sentence, tmp_path, request):
    _put(request.getfixturevalue(source), served)
    with pytest.raises(CorruptDataError, match=rf"a\.csv {sentence}.*HARNESS_MIRROR"):
        download(FILE, tmp_path / "to")
    assert _files(tmp_path / "to") == []


def test_a_damaged_download_is_replaced(mirror_folder, tmp_path):
    _put(mirror_folder)
    path = download(FILE, tmp_path / "to")
    path.write_bytes(b"damaged")
    assert download(FILE, tmp_path / "to").read_bytes() == CONTENT


def test_a_file_that_the_mirror_lacks_is_named(mirror_folder, tmp_path):
    with pytest.raises(MissingDataError, match=r"The mirror has no readable file .*a\.csv\. Unset HARNESS_MIRROR"):
        download(FILE, tmp_path / "to")


def test_an_answer_of_404_is_one_sentence(web_mirror, tmp_path):
    with pytest.raises(MissingDataError, match=r"http://127.*a\.csv could not be downloaded \(HTTP 404\)"):
        download(FILE, tmp_path / "to")


def test_without_network_the_sentence_names_the_url_and_the_way_round(tmp_path, monkeypatch):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        monkeypatch.setenv("HARNESS_MIRROR", f"http://127.0.0.1:{port}")
        with pytest.raises(MissingDataError) as raised:
            download(FILE, tmp_path / "to")
    assert str(raised.value) == (
        f"http://127.0.0.1:{port}/{FILE.key} could not be downloaded (no connection). "
        f"Set HARNESS_MIRROR to a folder or URL that holds it as {FILE.key}."
    )


@pytest.mark.parametrize("named", ["/no/such/folder", "ftp://host/files"])
def test_a_mirror_that_cannot_be_is_an_option_error(named, tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_MIRROR", named)
    with pytest.raises(OptionError, match=f"HARNESS_MIRROR={named} is neither a folder nor"):
        download(FILE, tmp_path / "to")


def test_discarding_leaves_no_empty_folders(mirror_folder, tmp_path):
    _put(mirror_folder)
    download(FILE, tmp_path / "to")
    discard(FILE, tmp_path / "to")
    assert not (tmp_path / "to").exists()
    assert tmp_path.exists()


def test_a_failed_replacement_leaves_the_old_file_alone(tmp_path):
    def fail_half_way() -> None:
        with replacing(target) as part:
            part.write_text("ne")
            raise ValueError("half way")

    target = tmp_path / "table"
    target.write_text("old")
    with pytest.raises(ValueError, match="half way"):
        fail_half_way()
    assert target.read_text() == "old"
    assert _files(tmp_path) == [target]
