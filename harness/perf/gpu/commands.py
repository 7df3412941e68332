"""Stages that are commands of the harness, run for the time that is left: what CPUs take too long for."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from harness.perf.figure import Figure
from harness.perf.gpu.cases import Stage
from harness.perf.proxies import SUITE_ZERO
from harness.store import ScoreStore

_PAPER_ROWS = (
    *(("transnas_micro", task) for task in ("class_scene", "class_object", "room_layout", "jigsaw")),
    ("nasbench101", "cifar10"),
    *(("transnas_macro", task) for task in ("class_scene", "class_object", "room_layout", "jigsaw")),
    *(("transnas_micro", task) for task in ("autoencoder", "normal", "segmentsemantic")),
)
"""Shortest first."""

_SEARCH_STEPS, _SEARCH_HOURS = 100_000, 10.0  # ZiCo's search for ImageNet, on one RTX 3090
_END_S = 30.0


def whole(stage: Stage) -> Iterator[list[Figure]]:
    """Wall time of the command that scores and evaluates all of NATS-Bench topology by zico."""
    words = ["proxy=zico", "bench=nats_tss", "dataset=cifar10", "inputs=noise", "sample=all"]
    done = _run("harness", words, stage, "whole", stage.left_s)
    yield [
        Figure("whole", f"python -m harness sample=all, {done.how}: wall time", done.elapsed_s, "s"),
        Figure("whole", "networks scored in that time", done.n_new, "networks"),
    ]


def papers(stage: Stage) -> Iterator[list[Figure]]:
    """Scores at the papers' own protocol, 100 architectures of each row; the store is what is wanted."""
    figures: list[Figure] = []
    proxies = f"proxy=[{','.join([*SUITE_ZERO, 'zico'])}]"
    for bench, task in _PAPER_ROWS:
        if stage.left_s < _END_S:
            return
        words = [proxies, f"bench={bench}", f"dataset={task}", "inputs=[real,noise]", "protocol=paper", "sample=100"]
        done = _run("harness", words, stage, "papers", stage.left_s - _END_S)
        figures.append(Figure("papers", f"{bench} {task}, {done.how}", done.elapsed_s, "s"))
        figures.append(Figure("papers", f"{bench} {task}: networks scored by zico", done.n_new, "networks"))
        yield figures


def search(stage: Stage) -> Iterator[list[Figure]]:
    """ZiCo's search for ImageNet networks of 450 MFLOPs, for the time that is left."""
    done = _run("harness.search", ["+preset=imagenet_450m", "inputs=noise"], stage, "search", stage.left_s - _END_S)
    figures = [
        Figure("search", f"distinct networks scored, {done.how}", done.n_new, "networks"),
        Figure("search", "for", done.elapsed_s, "s"),
    ]
    if done.n_new:
        hours = _SEARCH_STEPS * done.elapsed_s / done.n_new / 3600
        name = f"{_SEARCH_STEPS:,} distinct networks, projected"
        figures.append(Figure("search", name, hours, "h", _SEARCH_HOURS))
    yield figures


class Done(NamedTuple):
    """A command: its wall time, whether it ended by itself, and the scores by zico that it added to its store."""

    elapsed_s: float
    how: str
    n_new: int


def _run(module: str, words: Sequence[str], stage: Stage, name: str, most_s: float) -> Done:
    """Run a command, which is asked to end after `most_s` and keeps what it has."""
    store = stage.store(name)
    before = n_scores(store)
    with TemporaryDirectory() as folder:
        common = [f"device={stage.device}", f"workers={max(stage.workers)}", f"store={store.resolve()}"]
        command = [sys.executable, "-m", module, *words, *common, f"out={Path(folder) / name}"]
        started = time.perf_counter()
        how = run_for(command, most_s)
        elapsed_s = time.perf_counter() - started
    return Done(elapsed_s, how, n_scores(store) - before)


def run_for(command: Sequence[str], most_s: float) -> str:
    """Run a command, which is asked to end after `most_s` seconds: whole, a part, or failed."""
    how = "whole"
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as run:
        try:
            run.wait(max(most_s, 1))
        except subprocess.TimeoutExpired:
            how = "a part"
        finally:  # also where this process is asked to end
            if run.poll() is None:
                run.send_signal(signal.SIGTERM)
                run.wait()
    is_failed = how == "whole" and run.returncode
    return f"failed with exit code {run.returncode}" if is_failed else how


def n_scores(store: Path) -> int:
    """Scores by zico, over all its keys."""
    if not store.exists():
        return 0
    with ScoreStore(store, read_only=True) as opened:
        return sum(len(opened.find(key)) for key in opened.score_keys() if key.proxy.startswith("zico@"))
