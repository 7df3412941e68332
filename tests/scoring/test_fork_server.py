"""The process that workers are forked from, where the system refuses one more."""

import errno
import os
import signal
import socket

import pytest

from harness.scoring import fork_server, spawner


@pytest.fixture
def ends(monkeypatch):
    """Both ends of the connection between a server in this process and its owner; `os.fork` is refused."""
    before = signal.getsignal(signal.SIGCHLD)
    ours, theirs = socket.socketpair()

    def refused() -> int:
        raise OSError(errno.EAGAIN, "no more")

    monkeypatch.setattr(os, "fork", refused)
    server = fork_server._Server(theirs, lambda _: None, lambda *_: None)
    yield server, ours
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, before)
    for end in (ours, theirs, server._read, server._write):
        end.close()


def test_a_refused_process_is_the_error_of_its_start_and_the_server_goes_on(ends):
    server, ours = ends
    for _ in range(2):
        server._fork(os.open(os.devnull, os.O_RDONLY))
    owner = object.__new__(spawner.Spawner)
    with ours.makefile("r") as owner._lines:
        owner._ended = {}
        for _ in range(2):
            with pytest.raises(BlockingIOError) as caught:  # what Python calls EAGAIN
                owner._read_until("started")
            assert caught.value.errno == errno.EAGAIN
