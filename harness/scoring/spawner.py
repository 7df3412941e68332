"""The owner of the process that worker processes are forked from, which has imported what scoring needs.

A fork takes a hundredth of a second where a start of Python with torch takes seconds, and shares that memory. The
process that asks may run threads or use a GPU, and its script need not have a main guard: nothing of it is forked or
imported. Workers, and whatever they leave running, end with this process, which ends when its owner is gone.
"""

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from harness.scoring.fork_server import ONE_THREAD

_LIBRARIES = ("sklearn", "scipy", "pandas", "PIL")  # where the owner has imported a module of theirs, workers will too
_START = (
    "import sys, json; fd, path, modules = json.loads(sys.argv[1]); sys.path[:] = path; "
    "from harness.scoring.fork_server import serve; serve(fd, modules)"
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
        environment = dict(os.environ) | dict.fromkeys(ONE_THREAD, "1")
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
        self._ended.pop(pid, None)  # of a worker that had this number before
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
            OSError: if nothing is told any more, or a process was refused by the system.
        """
        while line := self._lines.readline():
            word, pid, *status = line.split()
            if word == "ended":
                self._ended[int(pid)] = int(status[0])
            if word == "refused":
                raise OSError(int(pid), os.strerror(int(pid)))
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
