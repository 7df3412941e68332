"""Files of strangers, read in a process of their own that may use so much memory and time and no more.

Whatever a file does to the process that reads it, the command goes on: it gets plain data back, or one sentence.
`python -m harness.files.limited` is that process; it reads which function to call from its standard input.
"""

import json
import os
import pickle
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from harness import errors
from harness.errors import CorruptDataError, HarnessError
from harness.files import safe_pickle

_MEBIBYTE = 2**20


@dataclass(frozen=True)
class Limits:
    """What reading may use: bytes of memory beyond the interpreter with its modules, and seconds."""

    memory_bytes: int = 2**31
    seconds: float = 600.0


@dataclass(frozen=True)
class Reading:
    """A call of a module's function with texts: `name` is the file or folder that messages name."""

    module: str
    function: str
    arguments: tuple[str, ...]
    name: str


def call_limited(reading: Reading, limits: Limits) -> Any:
    """What the function returned, in another process: plain containers, numbers, texts and arrays.

    Raises:
        CorruptDataError: if it used more than its limits, or its process ended.
        HarnessError: of the class and with the sentence that the function raised.
    """
    request = json.dumps({**asdict(reading), **asdict(limits)}).encode()
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(os.path.abspath, filter(None, sys.path)))}
    command = [sys.executable, "-m", "harness.files.limited"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=_own_stderr(), env=environment
    ) as process:
        reader, stderr = None, process.stderr
        if stderr is not None:
            reader = threading.Thread(target=_forward, args=(stderr,), daemon=True)
            reader.start()
            process.stderr = None
        try:
            answer, _ = process.communicate(request, timeout=limits.seconds)
        except subprocess.TimeoutExpired as error:
            raise CorruptDataError(
                f"{reading.name} was not read: it took longer than {limits.seconds:,.0f} s. It is damaged, or made "
                "to harm; download it again from its authors."
            ) from error
        finally:
            process.kill()  # also when the user interrupts
            if reader is not None and stderr is not None:
                reader.join()
                stderr.close()
    return _result(answer, process.returncode, reading.name, limits)


def read_pickles(paths: list[Path], limits: Limits) -> list[Any]:
    """The plain objects in several pickles, each file of which is named if it is refused."""
    if not paths:
        return []
    reading = Reading(
        __name__, "load_all", tuple(map(str, paths)), str(paths[0] if len(paths) == 1 else paths[0].parent)
    )
    found: list[Any] = call_limited(reading, limits)
    return found


def load_all(*paths: str) -> list[Any]:
    """What `read_pickles` calls in the other process."""
    return [safe_pickle.plain_load(path) for path in paths]


def _own_stderr() -> int | None:
    """None, our own, on a terminal, where a bar moves; else a pipe, whose text goes to wherever `sys.stderr` does."""
    return None if sys.stderr.isatty() else subprocess.PIPE


def _forward(stderr: IO[bytes]) -> None:
    while text := stderr.read1(_MEBIBYTE):  # type: ignore[attr-defined]  # a buffered reader has it
        with suppress(ValueError, OSError):  # closed by a test, or a pipe that nobody reads
            sys.stderr.write(text.decode("utf-8", "replace"))


def _result(answer: bytes, status: int, name: str, limits: Limits) -> Any:
    """The value in an answer.

    Raises:
        HarnessError: that the answer holds, or if it holds nothing.
    """
    if not answer:
        how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
        raise CorruptDataError(
            f"{name} was not read: the process that read it {how}. It is damaged, or made to harm; download it "
            "again from its authors."
        )
    found = safe_pickle.load(answer, name=name)
    if "result" in found:
        return found["result"]
    if found["error"] == "MemoryError":
        raise CorruptDataError(
            f"{name} was not read: it needs more than {limits.memory_bytes // _MEBIBYTE:,} MiB of memory. It is "
            "damaged, or made to harm; download it again from its authors."
        )
    kind = getattr(errors, found["error"], None)
    if isinstance(kind, type) and issubclass(kind, HarnessError):
        raise kind(found["sentence"])
    raise CorruptDataError(f"{name} could not be read ({found['error']}: {found['sentence']}).")


def _restrict(limits: Limits) -> None:
    """Set the limits of this process, where the system has any."""
    try:
        import resource
    except ImportError:  # not a Unix
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    seconds = int(limits.seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    with suppress(OSError, ValueError):  # no /proc: the time alone is limited
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (used + limits.memory_bytes, hard))


def main() -> int:
    """Read a request, answer with its result or error as a pickle of plain data."""
    with os.fdopen(os.dup(1), "wb") as output:
        os.dup2(2, 1)  # what a library prints is no answer
        request = json.load(sys.stdin)
        function = getattr(import_module(request["module"]), request["function"])
        _restrict(Limits(request["memory_bytes"], request["seconds"]))
        try:
            answer = pickle.dumps({"result": function(*request["arguments"])}, protocol=4)
        except MemoryError:
            answer = pickle.dumps({"error": "MemoryError", "sentence": ""}, protocol=4)
        # All that goes wrong in reading is told to the process that asked; it cannot be raised there as it is.
        except Exception as error:
            answer = pickle.dumps({"error": type(error).__name__, "sentence": str(error)[:2000]}, protocol=4)
        output.write(answer)
    return 0


if __name__ == "__main__":
    sys.exit(main())
