"""Stages that are commands of the harness, run for the time that is left: what CPUs take too long for."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

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
    elapsed, _ = _run("harness", words, stage, "whole", stage.left_s)
    n = _n_scores(stage.store("whole"))
    yield [
        Figure("whole", "python -m harness sample=all: wall time", elapsed, "s"),
        Figure("whole", "networks scored by then", n, "networks"),
    ]


def papers(stage: Stage) -> Iterator[list[Figure]]:
    """Scores at the papers' own protocol, 100 architectures of each row; the store is what is wanted."""
    figures: list[Figure] = []
    proxies = f"proxy=[{','.join([*SUITE_ZERO, 'zico'])}]"
    for bench, task in _PAPER_ROWS:
        if stage.left_s < _END_S:
            return
        words = [proxies, f"bench={bench}", f"dataset={task}", "inputs=[real,noise]", "protocol=paper", "sample=100"]
        elapsed, code = _run("harness", words, stage, "papers", stage.left_s)
        figures.append(Figure("papers", f"{bench} {task}, {'whole' if code == 0 else 'a part'}", elapsed, "s"))
        yield figures


def search(stage: Stage) -> Iterator[list[Figure]]:
    """ZiCo's search for ImageNet networks of 450 MFLOPs, for the time that is left."""
    words = ["+preset=imagenet_450m", "inputs=noise"]
    elapsed, _ = _run("harness.search", words, stage, "search", stage.left_s - _END_S)
    n = _n_scores(stage.store("search"))
    figures = [Figure("search", "distinct networks scored", n, "networks"), Figure("search", "for", elapsed, "s")]
    if n:
        hours = _SEARCH_STEPS * elapsed / n / 3600
        name = f"{_SEARCH_STEPS:,} distinct networks, projected"
        figures.append(Figure("search", name, hours, "h", _SEARCH_HOURS))
    yield figures


def _run(module: str, words: Sequence[str], stage: Stage, name: str, most_s: float) -> tuple[float, int]:
    """Wall time and exit code of a command; it is asked to end after `most_s`, and keeps what it has."""
    with TemporaryDirectory() as folder:
        common = [f"device={stage.device}", f"workers={max(stage.workers)}", f"store={stage.store(name).resolve()}"]
        command = [sys.executable, "-m", module, *words, *common, f"out={Path(folder) / name}"]
        started = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as run:
            try:
                run.wait(max(most_s, 1))
            except subprocess.TimeoutExpired:
                run.send_signal(signal.SIGTERM)
                run.wait()
        return time.perf_counter() - started, run.returncode


def _n_scores(store: Path) -> int:
    """Scores of networks, without counts."""
    if not store.exists():
        return 0
    with ScoreStore(store, read_only=True) as opened:
        return max((len(opened.find(key)) for key in opened.score_keys() if key.proxy.startswith("zico@")), default=0)
