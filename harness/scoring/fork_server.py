"""What runs in the process that worker processes are forked from: it forks them as asked, and tells how they end.

One line for each request: `+` with the worker's end of its connection makes a worker, `=[bench, arch]` prepares a
space, `-PID` ends a worker. The answers are `started PID` and `ended PID STATUS`. The owner's end is `spawner`.
"""

import ctypes
import json
import os
import selectors
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
"""The variables that the libraries of numbers read their number of threads from; a worker has one."""


def serve(control_fd: int, modules: list[str]) -> None:
    """Fork workers as asked, tell how they end, and end when the owner is gone."""
    from harness.scoring.worker import import_all, prepare_space, work  # the imports that each worker would make

    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = socket.socket(fileno=control_fd)
    import_all(modules)
    _Server(control, work, prepare_space).run()


class _Server:
    """The owner's requests and the ends of workers, as they come."""

    def __init__(
        self,
        control: socket.socket,
        work: Callable[["Connection[Any, Any]"], None],
        prepare: Callable[[str, str], None],
    ) -> None:
        self._control, self._work, self._prepare = control, work, prepare
        self._workers: set[int] = set()
        self._read, self._write = socket.socketpair()
        self._write.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)

    def run(self) -> None:
        """Until the owner is gone."""
        waiting = selectors.DefaultSelector()
        waiting.register(self._control, selectors.EVENT_READ)
        waiting.register(self._read, selectors.EVENT_READ)
        while True:
            for key, _ in waiting.select():
                if key.fileobj is self._read:
                    self._read.recv(4096)
                elif not self._obey():
                    self._end()
            self._reap()

    def _obey(self) -> bool:
        try:
            # One byte at a time, so that no message is read beyond the one that a descriptor comes with.
            message, descriptors, _, _ = socket.recv_fds(self._control, 1, 1)
            text = b""
            while message and not message.endswith(b"\n"):
                text, message = text + message, self._control.recv(1)
        except OSError:
            return False
        if not message:
            return False
        if text == b"+":
            self._fork(descriptors[0])
        elif text.startswith(b"="):
            self._prepare(*json.loads(text[1:]))
        elif int(text[1:]) in self._workers:
            _kill_group(int(text[1:]))
        return True

    def _fork(self, descriptor: int) -> None:
        server = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:  # the machine has no more processes or memory; those that run go on
            os.close(descriptor)
            self._tell(f"refused {error.errno}")
            return
        if pid:
            os.close(descriptor)
            self._workers.add(pid)
            self._tell(f"started {pid}")
            return
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for end in (self._control, self._read, self._write):
                end.close()
            os.setsid()
            _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            _die_with(server)
            connection: Connection[Any, Any] = Connection(descriptor)
            _move_to(*connection.recv())
            self._work(connection)
            code = 0
        finally:
            os._exit(code)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            if pid in self._workers:
                self._workers.discard(pid)
                _kill_group(pid, leader=False)  # what the worker has left running
                self._tell(f"ended {pid} {status}")

    def _tell(self, line: str) -> None:
        try:
            self._control.sendall(f"{line}\n".encode())
        except OSError:  # the owner is gone
            self._end()

    def _end(self) -> None:
        for pid in self._workers:
            _kill_group(pid)
        deadline = time.monotonic() + 5
        while (children := _children()) and time.monotonic() < deadline:
            for pid in children:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            try:
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            except ChildProcessError:
                break
            time.sleep(0.005)
        os._exit(0)


def _move_to(environment: dict[str, str], folder: str, path: list[str]) -> None:
    """Work where the owner does now: environment, folder and `sys.path`."""
    os.environ.clear()
    os.environ.update(environment | dict.fromkeys(ONE_THREAD, "1"))
    os.chdir(folder)
    sys.path[:] = path


def _children() -> list[int]:
    """The children of this process, those of workers that have ended included; empty where the system does not say."""
    try:
        return [int(pid) for pid in Path("/proc/self/task", str(os.getpid()), "children").read_text().split()]
    except OSError:
        return []


def _kill_group(pid: int, *, leader: bool = True) -> None:
    for end in (os.killpg, os.kill) if leader else (os.killpg,):  # the worker may not have made its group yet
        try:
            end(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


def _prctl(option: int, value: int) -> None:
    prctl = getattr(_libc(), "prctl", None) if sys.platform == "linux" else None
    if prctl is not None:
        prctl(option, value, 0, 0, 0)


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def _die_with(parent: int) -> None:
    """End this worker soon after its parent is gone: a killed run must not keep cores busy."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
