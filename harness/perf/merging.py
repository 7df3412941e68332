"""Time and memory of merging many score stores, and what `compact` saves.

    python -m harness.perf.merging --out results/scale --scores 1e5 1e6 5e6

Each figure is of a forked process of its own, without the start of Python.
"""

import argparse
import random
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from harness.cli.command import ended
from harness.errors import HarnessError
from harness.perf.figure import Figure
from harness.perf.figure_tables import write_figures
from harness.space import BENCHMARKS, Architecture
from harness.store import OK, Score, ScoreKey, ScoreStore, merge
from harness.store.command import compact, info

_N_STORES = 200
_ARCHS_PER_KEY = 15_625
_COMMITS_OF = 100
_MIB = 2**20


class Measured(NamedTuple):
    """What a call returned; its seconds of wall and CPU time; the most memory beyond that before it, in bytes."""

    result: object
    wall_s: float
    cpu_s: float
    bytes_more: int


def measured(call: Callable[[], object]) -> Measured:
    """A call in a forked process.

    Raises:
        HarnessError: if it ends without a result.
    """
    context = get_context("fork")
    ours, theirs = context.Pipe(duplex=False)

    def run() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to both; the other process ends this one
        with Path("/proc/self/clear_refs").open("w") as file:
            file.write("5")  # the peak so far counts no more
        before, started = _resident("VmRSS"), time.perf_counter()
        result = call()
        wall_s = time.perf_counter() - started
        used = resource.getrusage(resource.RUSAGE_SELF)
        theirs.send(Measured(result, wall_s, used.ru_utime + used.ru_stime, _resident("VmHWM") - before))

    process = context.Process(target=run)
    process.start()
    theirs.close()
    try:
        found: Measured = ours.recv()
    except EOFError:
        raise HarnessError("A process that measures merging has ended without a result.") from None
    except BaseException:
        process.kill()
        raise
    finally:
        process.join()
    return found


def merging(n_scores: int) -> Iterator[Figure]:
    """Merging of 200 stores of equal size, then `info` and `compact` of the merged store."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{index:03d}.sqlite" for index in range(_N_STORES)]
        archs = BENCHMARKS.get("nats_tss").architectures
        n_keys = max(1, round(n_scores / _ARCHS_PER_KEY))
        n = n_keys * len(archs)
        for index, path in enumerate(paths):
            _fill(path, archs[index::_N_STORES], n_keys, len(archs))
        size = sum(path.stat().st_size for path in paths)
        target = Path(folder) / "all.sqlite"
        merged = measured(lambda: merge(target, paths))
        if merged.result != n:
            raise HarnessError(f"{_N_STORES} stores have {n} scores; merging them gave {merged.result}.")
        name = f"{_N_STORES} stores, {n:,} scores"
        yield Figure("merge", f"{name}: wall time", merged.wall_s, "s")
        yield Figure("merge", f"{name}: CPU time", merged.cpu_s, "CPU s")
        yield Figure("merge", f"{name}: CPU time of a million scores", merged.cpu_s / n * 1e6, "CPU s")
        yield Figure("merge", f"{name}: most memory", merged.bytes_more / _MIB, "MiB")
        yield Figure("merge", f"{name}: size of the 200", size / _MIB, "MiB")
        yield Figure("merge", f"{name}: size merged", target.stat().st_size / _MIB, "MiB")
        yield Figure("info", f"{n:,} scores merged: CPU time", measured(lambda: info(target)).cpu_s, "CPU s")
        compacted = measured(lambda: compact(target))
        yield Figure("compact", f"{n:,} scores merged: CPU time", compacted.cpu_s, "CPU s")
        yield Figure("compact", f"{n:,} scores merged: size after", target.stat().st_size / _MIB, "MiB")


def compaction(n_keys: int = 10) -> Iterator[Figure]:
    """What `compact` saves of a store that was written as a run does: in many commits, in the order of a sample."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.sqlite"
        archs = list(BENCHMARKS.get("nats_tss").architectures)
        random.Random(0).shuffle(archs)
        _fill(path, archs, n_keys, _COMMITS_OF)
        name = f"{n_keys * len(archs):,} scores in the order of a sample"
        yield Figure("compact", f"{name}: size before", path.stat().st_size / _MIB, "MiB")
        compact(path)
        yield Figure("compact", f"{name}: size after", path.stat().st_size / _MIB, "MiB")


def _fill(path: Path, archs: Sequence[Architecture], n_keys: int, of_commit: int) -> None:
    """Write a store of a score for each key and architecture, `of_commit` architectures in a commit."""
    keys = [ScoreKey("nats_tss@1", "cifar10", "", "{}", f"proxy{at}@1", "{}", "", 0) for at in range(n_keys)]
    with ScoreStore(path) as store:
        for first in range(0, len(archs), of_commit):
            some = [
                Score(arch, {"value": row * 0.37}, OK, "", 0.5)
                for row, arch in enumerate(archs[first : first + of_commit])
            ]
            store.add([(key, score) for key in keys for score in some])


def _resident(field: str) -> int:
    """A field of /proc/self/status in bytes: VmRSS, what is resident, or VmHWM, the most that was."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:")) * 1024


def main(words: Sequence[str] | None = None) -> int:
    """Measure and write merging.csv and merging.md."""
    parser = argparse.ArgumentParser(prog="python -m harness.perf.merging", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("results/scale"))
    parser.add_argument("--scores", type=float, nargs="*", default=[1e5, 1e6, 5e6])
    given = parser.parse_args(words)
    command = f"python -m harness.perf.merging --scores {' '.join(f'{n:g}' for n in given.scores)}"
    figures = list(compaction())
    for n_scores in given.scores:
        figures += merging(int(n_scores))
        write_figures(given.out, "merging", "Merging of score stores", command, figures)
        print(figures[-8], flush=True)
    print(given.out)
    return 0


if __name__ == "__main__":
    sys.exit(ended(main, "Finished tables are kept."))
