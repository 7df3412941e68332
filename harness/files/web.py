"""One file over HTTP: never more bytes than were published, tried three times, resumed, and given up after a while.

The standard library's client, because it tells what has arrived so far: a server that sends a byte now and then is
held to the deadline as one that sends nothing.
"""

import http.client
import socket
import ssl
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from harness.errors import CorruptDataError
from harness.progress import Progress

N_TRIES = 3
BACK_OFF_S = 1.0
"""Before the second try; twice as long before the third."""

_SILENCE_S = 30.0  # without a byte; then the connection counts as broken
_CHUNK = 2**16
_LARGE = 2**20  # a bar is drawn from here on
_OK, _PARTIAL, _RANGE_REFUSED = 200, 206, 416
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_BROKEN = (OSError, http.client.HTTPException)
_MALFORMED = (ValueError, LookupError)  # of addresses that servers redirect to


class WebError(Exception):
    """A file that did not come; the text says why in a few words."""


class _TryAgainError(WebError):
    """What may be over a moment later."""


@dataclass
class _Deadline:
    """Shuts whatever connection is open when the time is over."""

    seconds: float
    passed: bool = False
    _sockets: list[socket.socket] = field(default_factory=list)

    def __enter__(self) -> "_Deadline":
        self._timer = threading.Timer(self.seconds, self._end)
        self._timer.daemon = True
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def watch(self, connected: socket.socket) -> None:
        """Shut this one too."""
        self._sockets.append(connected)

    def _end(self) -> None:
        self.passed = True
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


def fetch(url: str, part: Path, n_bytes: int, *, seconds: float) -> None:
    """Write what a URL gives to `part`, at most the `n_bytes` that were published.

    Raises:
        WebError: if it did not come within `seconds`, or not in three tries.
        CorruptDataError: if the server has more bytes, or sends them compressed.
    """
    bar: AbstractContextManager[Progress | None] = nullcontext()
    if n_bytes >= _LARGE or sys.stderr.isatty():
        bar = Progress(url.rpartition("/")[2], n_bytes, "bytes")
    with part.open("wb") as output, bar as progress, _Deadline(seconds) as deadline:
        for number in range(1, N_TRIES + 1):
            try:
                return _try(url, output, n_bytes, deadline, progress)
            except _TryAgainError as error:
                if deadline.passed:
                    raise WebError(f"not whole after {seconds:,.0f} s") from error
                if number == N_TRIES:
                    raise WebError(f"{error}, {N_TRIES} times") from error
                time.sleep(BACK_OFF_S * 2 ** (number - 1))


def _try(url: str, output: BinaryIO, n_bytes: int, deadline: _Deadline, progress: Progress | None) -> None:
    """Add to what is there already, or write all of it."""
    n_here = output.tell()
    response = _opened(url, n_here, deadline)
    with response:
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise CorruptDataError(f"{url} is sent compressed, though that was declined. The file was discarded.")
        starts_at = _start(response, n_here)
        if starts_at != n_here:
            output.seek(starts_at)
            output.truncate()
            if progress:
                progress.advance(starts_at - n_here)
        length = response.headers.get("Content-Length", "")
        announced = starts_at + int(length) if length.isdecimal() and len(length) < 20 else None
        if announced is not None and announced > n_bytes:
            raise CorruptDataError(
                f"{url} has {announced:,} bytes instead of the published {n_bytes:,}. The file was discarded."
            )
        while content := _read(response, deadline):
            if output.tell() + len(content) > n_bytes:
                raise CorruptDataError(f"{url} gave more than the published {n_bytes:,} bytes. The file was discarded.")
            output.write(content)
            if progress:
                progress.advance(len(content))
        if announced is not None and output.tell() < announced:
            raise _TryAgainError("the connection broke")


def _opened(url: str, n_here: int, deadline: _Deadline) -> http.client.HTTPResponse:
    headers = {"Accept-Encoding": "identity", "User-Agent": "nas-proxy-harness"}
    if n_here:
        headers["Range"] = f"bytes={n_here}-"
    if deadline.passed:
        raise _TryAgainError("no time left")
    try:
        request = urllib.request.Request(url, headers=headers)
        response: http.client.HTTPResponse = _opener(deadline).open(request, timeout=_SILENCE_S)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == _RANGE_REFUSED and n_here:
                return _opened(url, 0, deadline)
            raise (_TryAgainError if error.code in _AGAIN else WebError)(f"HTTP {error.code}") from None
    except urllib.error.URLError as error:
        raise _reason(error.reason) from error
    except _BROKEN as error:
        raise _reason(error) from error
    except _MALFORMED as error:
        raise WebError("an address that is none") from error
    return response


def _start(response: http.client.HTTPResponse, n_here: int) -> int:
    """The place in the file of the answer's first byte."""
    if response.status == _OK:
        return 0
    if response.status == _PARTIAL and response.headers.get("Content-Range", "").startswith(f"bytes {n_here}-"):
        return n_here
    raise WebError(f"HTTP {response.status}")


def _read(response: http.client.HTTPResponse, deadline: _Deadline) -> bytes:
    """What has arrived, empty at the end."""
    try:
        content = response.read1(_CHUNK)
    except (*_BROKEN, ValueError) as error:
        raise _reason(error) from error
    if deadline.passed:
        raise _TryAgainError("no time left")
    return content


def _reason(error: object) -> WebError:
    """The short reason of a network failure, without addresses of objects."""
    if isinstance(error, ssl.SSLError):
        return WebError("no secure connection")
    if isinstance(error, TimeoutError):
        return _TryAgainError("no answer in time")
    if isinstance(error, ConnectionRefusedError | socket.gaierror):
        return WebError("no connection")
    return _TryAgainError("the connection broke")


class _HttpOnly(urllib.request.HTTPRedirectHandler):
    """Follows a few redirections, to web pages alone."""

    max_redirections = 5
    max_repeats = 2

    def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
        """The next request.

        Raises:
            ValueError: if the server names anything but a web page, or leaves an encrypted connection for an open one.
        """
        if not newurl.startswith("https://") and (req.type == "https" or not newurl.startswith("http://")):
            raise ValueError(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener(deadline: _Deadline) -> urllib.request.OpenerDirector:
    """A client whose connections the deadline knows."""

    class Plain(http.client.HTTPConnection):
        def connect(self) -> None:
            super().connect()
            deadline.watch(self.sock)

    class Secure(http.client.HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            deadline.watch(self.sock)

    class PlainHandler(urllib.request.HTTPHandler):
        def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(Plain, req)

    class SecureHandler(urllib.request.HTTPSHandler):
        def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(Secure, req, context=ssl.create_default_context())

    return urllib.request.build_opener(PlainHandler, SecureHandler, _HttpOnly)
