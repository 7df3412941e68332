"""The process that worker processes are forked from: it has imported what scoring needs, and runs nothing itself.

A fork takes a hundredth of a second where a start of Python with torch takes seconds, and shares that memory. The
process that asks may run threads or use a GPU, and its script need not have a main guard: nothing of it is forked or
imported. Workers, and whatever they leave running, end with this process, which ends when its owner is gone.
"""

import atexit
import ctypes
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_LIBRARIES = ("sklearn", "scipy", "pandas", "PIL")  # where the owner has imported a module of theirs, workers will too
_START = (
    "import sys, json; fd, path, modules = json.loads(sys.argv[1]); sys.path[:] = path; "
    "from harness.scoring.spawner import serve; serve(fd, modules)"
)


class WorkerProcess(NamedTuple):
    """A worker by its process number, with the connection to it."""

    pid: int
    connection: "Connection[Any, Any]"


class Spawner:
    """The owner's end: asks for workers, ends them, and learns how they ended."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair()
        self._lines = self._control.makefile("r", encoding="ascii")
        self._ended: dict[int, int] = {}
        self._prepared: set[str] = set()
        environment = dict(os.environ) | dict.fromkeys(_ONE_THREAD, "1")
        modules = [name for name in list(sys.modules) if name.split(".")[0] in _LIBRARIES and "._" not in name]
        with theirs:
            theirs.set_inheritable(True)
            self._process = subprocess.Popen(
                [sys.executable, "-c", _START, json.dumps([theirs.fileno(), sys.path, modules])],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=environment,
                start_new_session=True,  # Ctrl-C is for the owner alone
            )

    def start(self) -> WorkerProcess:
        """A new worker.

        Raises:
            OSError: if there cannot be one.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self._control, [b"+\n"], [theirs.fileno()])
        pid = self._read_until("started")
        connection: Connection[Any, Any] = Connection(ours.detach())
        connection.send((dict(os.environ), str(Path.cwd()), list(sys.path)))
        return WorkerProcess(pid, connection)

    def prepare(self, bench: str, arch: str) -> None:
        """Have what a search space remembers made once, for all workers that are started later."""
        if bench not in self._prepared:
            self._prepared.add(bench)
            self._control.sendall(f"={json.dumps([bench, arch])}\n".encode())

    def kill(self, worker: WorkerProcess) -> None:
        """End a worker and what it has started; does nothing if it has ended."""
        worker.connection.close()
        if worker.pid not in self._ended:
            with suppress(OSError):  # gone, and its workers with it
                self._control.sendall(f"-{worker.pid}\n".encode())

    def how_ended(self, worker: WorkerProcess) -> str:
        """How a worker that is ending has ended, in words: `died of SIGSEGV`, `exited with code 3`."""
        self.kill(worker)
        while worker.pid not in self._ended:
            self._read_until("ended")
        code = os.waitstatus_to_exitcode(self._ended[worker.pid])
        if code >= 0:
            return f"exited with code {code}"
        try:
            return f"died of {signal.Signals(-code).name}"
        except ValueError:
            return f"died of signal {-code}"

    def close(self) -> None:
        """End all workers and the process that they were forked from."""
        self._lines.close()
        self._control.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def _read_until(self, wanted: str) -> int:
        """Read what is told up to a word, and return the process number with it.

        Raises:
            OSError: if nothing is told any more.
        """
        while line := self._lines.readline():
            word, pid, *status = line.split()
            if word == "ended":
                self._ended[int(pid)] = int(status[0])
            if word == wanted:
                return int(pid)
        raise OSError("the process that worker processes are forked from has ended")


_spawners: list[Spawner] = []


def spawner() -> Spawner:
    """The one of this process, made when first requested."""
    if _spawners and not _spawners[0].is_alive:
        _spawners.pop().close()
    if not _spawners:
        _spawners.append(Spawner())
    return _spawners[0]


@atexit.register
def close_spawners() -> None:
    """End that of this process with all its workers; the next is made when requested."""
    while _spawners:
        _spawners.pop().close()


os.register_at_fork(after_in_child=_spawners.clear)


# What follows runs in the process that workers are forked from.


def serve(control_fd: int, modules: list[str]) -> None:
    """Fork workers as asked, tell how they end, and end when the owner is gone."""
    from harness.scoring.worker import import_all, prepare_space, work  # the imports that each worker would make

    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = socket.socket(fileno=control_fd)
    import_all(modules)
    _Server(control, work, prepare_space).run()


class _Server:
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
        pid = os.fork()
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
    os.environ.update(environment | dict.fromkeys(_ONE_THREAD, "1"))
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
