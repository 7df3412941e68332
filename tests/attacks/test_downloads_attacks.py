"""Servers that fail or lie: what is published comes whole, or one sentence does, in bounded time and space."""

import hashlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from harness.errors import CorruptDataError, HarnessError, MissingDataError
from harness.files import downloads, web
from harness.files.downloads import RemoteFile, download

CONTENT = bytes(range(256)) * 40
FILE = RemoteFile("a/b.bin", "https://nowhere.invalid/b.bin", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))

Answer = Callable[[BaseHTTPRequestHandler, int], None]


class Server:
    """Answers the n-th request, counted from 0, as `answer` says; keeps the requests' headers."""

    def __init__(self) -> None:
        self.answer: Answer = lambda request, number: whole(request)
        self.headers: list[dict[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.headers.append(dict(self.headers))
                try:
                    outer.answer(self, len(outer.headers) - 1)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("HARNESS_MIRROR", made.url)
    monkeypatch.setattr(web, "BACK_OFF_S", 0.01)
    yield made
    made.http.shutdown()
    thread.join()
    made.http.server_close()


def reply(request: BaseHTTPRequestHandler, status: int, content: bytes = b"", **headers: object) -> None:
    request.send_response(status)
    for name, value in {"Content_Length": len(content), **headers}.items():
        if value is not None:
            request.send_header(name.replace("_", "-"), str(value))
    request.end_headers()
    request.wfile.write(content)


def whole(request: BaseHTTPRequestHandler) -> None:
    reply(request, 200, CONTENT)


def breaks(request: BaseHTTPRequestHandler, n_bytes: int) -> None:
    """Announces all and sends some."""
    reply(request, 200, CONTENT[:n_bytes], Content_Length=len(CONTENT))
    request.close_connection = True
    request.connection.shutdown(socket.SHUT_RDWR)


def left(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_a_server_that_recovers_is_asked_again(server, tmp_path, status):
    server.answer = lambda request, number: reply(request, status) if number < 2 else whole(request)
    assert download(FILE, tmp_path).read_bytes() == CONTENT
    assert len(server.headers) == 3


def test_after_three_tries_it_says_so(server, tmp_path):
    server.answer = lambda request, number: reply(request, 503)
    with pytest.raises(MissingDataError, match=r"b\.bin could not be downloaded \(HTTP 503, 3 times\)\. Set HARNESS_M"):
        download(FILE, tmp_path)
    assert len(server.headers) == 3
    assert left(tmp_path) == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_what_will_not_change_is_asked_once(server, tmp_path, status):
    server.answer = lambda request, number: reply(request, status)
    with pytest.raises(MissingDataError, match=rf"\(HTTP {status}\)"):
        download(FILE, tmp_path)
    assert len(server.headers) == 1


def test_a_broken_download_goes_on_where_it_broke(server, tmp_path):
    def answer(request: BaseHTTPRequestHandler, number: int) -> None:
        if number == 0:
            return breaks(request, 4_000)
        first = int(request.headers["Range"].removeprefix("bytes=").rstrip("-"))
        span = f"bytes {first}-{len(CONTENT) - 1}/{len(CONTENT)}"
        return reply(request, 206, CONTENT[first:], Content_Range=span)

    server.answer = answer
    assert download(FILE, tmp_path).read_bytes() == CONTENT
    assert "Range" not in server.headers[0]
    assert server.headers[1]["Range"] == "bytes=4000-"


def test_a_server_without_ranges_begins_again(server, tmp_path):
    server.answer = lambda request, number: breaks(request, 4_000) if number == 0 else whole(request)
    assert download(FILE, tmp_path).read_bytes() == CONTENT


def test_a_refused_range_begins_again(server, tmp_path):
    def answer(request: BaseHTTPRequestHandler, number: int) -> None:
        if number == 0:
            return breaks(request, 4_000)
        return reply(request, 416) if "Range" in request.headers else whole(request)

    server.answer = answer
    assert download(FILE, tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("span", ["bytes 0-9/10", "bytes 4001-10239/10240", "nonsense", ""])
def test_a_range_that_was_not_asked_for_is_refused(server, tmp_path, span):
    server.answer = lambda request, number: (
        breaks(request, 4_000) if number == 0 else reply(request, 206, CONTENT[4_000:], Content_Range=span)
    )
    with pytest.raises(MissingDataError, match=r"\(HTTP 206\)"):
        download(FILE, tmp_path)
    assert left(tmp_path) == []


def test_more_bytes_than_published_are_not_announced_to_the_disk(server, tmp_path):
    server.answer = lambda request, number: reply(request, 200, b"x", Content_Length=10**15)
    with pytest.raises(CorruptDataError, match=r"has 1,000,000,000,000,000 bytes instead of the published 10,240"):
        download(FILE, tmp_path)
    assert left(tmp_path) == []


def test_an_endless_answer_is_left_at_the_published_length(server, tmp_path):
    sent = 0

    def answer(request: BaseHTTPRequestHandler, number: int) -> None:
        nonlocal sent
        reply(request, 200, Content_Length=None)
        while True:
            request.wfile.write(CONTENT)
            sent += len(CONTENT)

    server.answer = answer
    with pytest.raises(CorruptDataError, match=r"gave more than the published 10,240 bytes"):
        download(FILE, tmp_path)
    assert sent < 50 * 10**6  # what the sockets' buffers take
    assert left(tmp_path) == []


def test_compression_is_declined_and_a_bomb_is_not_unpacked(server, tmp_path):
    server.answer = lambda request, number: reply(request, 200, b"\x1f\x8b", Content_Encoding="gzip")
    with pytest.raises(CorruptDataError, match="is sent compressed, though that was declined"):
        download(FILE, tmp_path)
    assert server.headers[0]["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("part", ["headers", "body"])
def test_a_server_that_drips_is_held_to_the_deadline(server, tmp_path, monkeypatch, part):
    monkeypatch.setattr(downloads, "_SECONDS", 0.5)

    def answer(request: BaseHTTPRequestHandler, number: int) -> None:
        if part == "body":
            reply(request, 200, Content_Length=len(CONTENT))
        else:
            request.wfile.write(b"HTTP/1.1 200 OK\r\nX-A: ")
        for _ in range(200):
            request.wfile.write(b"x")
            time.sleep(0.05)

    server.answer = answer
    start = time.monotonic()
    with pytest.raises(MissingDataError, match=r"could not be downloaded \(not whole after 1 s\)"):
        download(FILE, tmp_path)
    assert time.monotonic() - start < 5
    assert left(tmp_path) == []


REDIRECTS = (
    "", "http://", "http://[", "http://[::1", "file:///etc/passwd", "ftp://127.0.0.1/x", "http://127.0.0.1:99999/",
    "http://127.0.0.1:port/", "//", "javascript:alert(1)", "data:,x", "http://\u00e9.invalid:1/", "http://a b/",
    "http://127.0.0.1:0/", "http://" + "a" * 300 + "/", "\\\\host\\share",
)  # fmt: skip


@pytest.mark.parametrize("target", REDIRECTS)
def test_a_malformed_redirection_ends_in_a_sentence(server, tmp_path, target):
    server.answer = lambda request, number: reply(
        request, 302, Location=target.encode("utf-8").decode("latin1") if number == 0 else "http://["
    )
    with pytest.raises(HarnessError, match=r"b\.bin could not be downloaded \([^)]*\)\. Set HARNESS_MIRROR"):
        download(FILE, tmp_path)
    assert left(tmp_path) == []


def test_redirections_in_a_circle_end(server, tmp_path):
    server.answer = lambda request, number: reply(request, 302, Location=f"/{number % 3}")
    with pytest.raises(MissingDataError, match=r"\(HTTP 302\)"):
        download(FILE, tmp_path)
    assert len(server.headers) <= 8


def test_a_redirection_is_followed(server, tmp_path):
    server.answer = lambda request, number: reply(request, 302, Location="/there") if number == 0 else whole(request)
    assert download(FILE, tmp_path).read_bytes() == CONTENT


NO_HTTP = (b"", b"\r\n\r\n", b"garbage\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/9.9 200 OK\r\n\r\n",
           b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 1_000 + b"\r\n", b"HTTP/1.1 200 OK\r\nx: " + b"y" * 10**5,
           b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
           b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nabc",
           b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5_000 + b"\r\n\r\nabc")  # fmt: skip


@pytest.mark.parametrize("text", NO_HTTP, ids=range(len(NO_HTTP)))
def test_what_is_no_http_ends_in_a_sentence(server, tmp_path, text):
    def answer(request: BaseHTTPRequestHandler, number: int) -> None:
        request.wfile.write(text)
        request.close_connection = True

    server.answer = answer
    with pytest.raises(HarnessError, match=r"b\.bin (could not be downloaded|gave|has|is) .*HARNESS_MIRROR"):
        download(FILE, tmp_path)
    assert left(tmp_path) == []


def test_another_files_bytes_of_the_same_length_are_not_kept(server, tmp_path):
    server.answer = lambda request, number: reply(request, 200, CONTENT[::-1])
    with pytest.raises(CorruptDataError, match="is damaged or changed"):
        download(FILE, tmp_path)
    assert left(tmp_path) == []
