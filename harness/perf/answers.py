"""What a command costs that computes nothing: help, version, lists, and the sentence for a misspelt name."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping

from harness.errors import HarnessError
from harness.paths import DATA_VARIABLE
from harness.perf.figure import Bench, Figure

_AT_ONCE, _LISTED = 1.5, 3.0  # CPU s


def help_cpu(bench: Bench) -> Iterator[Figure]:
    """CPU seconds of the help of a command with settings and of one with options."""
    yield _figure("help", "python -m harness --help", _AT_ONCE)
    yield _figure("help", "python -m harness.score --help", _AT_ONCE)


def version_cpu(bench: Bench) -> Iterator[Figure]:
    """CPU seconds of the version."""
    yield _figure("version", "python -m harness --version", _AT_ONCE)


def list_cpu(bench: Bench) -> Iterator[Figure]:
    """CPU seconds of lists: the first time the plug-ins are imported, then their rows are kept.

    The byte code of the plug-ins is there, as after any other command, also where the environment says not to write it.
    """
    for what in ("proxies", "benchmarks"):
        command = f"python -m harness.list {what}"
        with tempfile.TemporaryDirectory() as home, tempfile.TemporaryDirectory() as compiled:
            places = os.environ | {DATA_VARIABLE: home, "PYTHONPYCACHEPREFIX": compiled, "PYTHONDONTWRITEBYTECODE": ""}
            cpu_seconds(command.split()[1:], 0, places)
            first = cpu_seconds(command.split()[1:], 0, places | {DATA_VARIABLE: f"{home}/another"})
            yield Figure("list", f"{command}, the first time", first, "CPU s", _LISTED)
            yield Figure("list", command, cpu_seconds(command.split()[1:], 0, places), "CPU s", _LISTED)


def typo_cpu(bench: Bench) -> Iterator[Figure]:
    """CPU seconds until a misspelt proxy, benchmark, data set or setting is told."""
    for word in ("proxy=zicoo", "bench=nats_ts", "dataset=cifar1", "smaple=3"):
        yield _figure("typo", f"python -m harness {word}", _AT_ONCE, code=2)


def _figure(group: str, command: str, target: float, code: int = 0) -> Figure:
    return Figure(group, command, cpu_seconds(command.split()[1:], code), "CPU s", target)


def cpu_seconds(words: list[str], code: int, environment: Mapping[str, str] | None = None) -> float:
    """CPU seconds, user and system, of `python WORDS` in a process of its own.

    Raises:
        HarnessError: if it ends with another code than `code`.
    """
    process = subprocess.Popen(
        [sys.executable, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != code:
        raise HarnessError(f"`python {' '.join(words)}` ended with {process.returncode} instead of {code}.")
    return usage.ru_utime + usage.ru_stime
