"""What a run costs beyond one process: engines compared, and runs that lose a process or a node.

    python -m harness.perf.scale --out results/scale --networks 60

Everything is measured in one run on one machine; without the extra `ray` the rows of Ray are left out.
"""

import argparse
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from textwrap import dedent
from typing import Any, NamedTuple

from harness.cli.command import ended
from harness.files.atomic import write_whole
from harness.inputs import DATA_SETS, InputKind, draw_batches
from harness.perf.figure import Figure
from harness.perf.figure_tables import write_figures
from harness.placement import EngineSettings, read_shard
from harness.protocol import Protocol
from harness.scoring import ContextSpec, ExecutionOptions, ScoringRun, compute, missing_units
from harness.scoring.proxy_spec import parse_proxies
from harness.scoring.shards import archs_of_shard
from harness.space import BENCHMARKS, Architecture
from harness.store import ScoreStore, merge

_UNDER_WAY_S = 1.0
"""How much longer a network takes after it is logged while losses are tried, so that they meet networks under way."""

_LOGGING = """
    import os
    import time
    from dataclasses import dataclass
    from typing import ClassVar

    from harness.evidence import WeightGradients
    from harness.proxy import PROXIES, Proxy, Sees


    @PROXIES.register("logged_norm")
    @dataclass(frozen=True)
    class LoggedNorm(Proxy):
        version: ClassVar[int] = 1
        sees: ClassVar[Sees] = Sees.ALL

        def measure(self, gradients: WeightGradients) -> float:
            with open({log!r}, "a") as log:
                log.write("x\\n")
            if os.path.exists({slow!r}):
                time.sleep({seconds})
            return float(sum(layer.norm() for layer in gradients.layers.values()))
"""


class Setting(NamedTuple):
    """What is scored: a run by a proxy that logs each measurement, some networks, the log, and a folder for stores."""

    run: ScoringRun
    archs: tuple[Architecture, ...]
    log: Path
    folder: Path

    @classmethod
    def of(cls, n: int, folder: Path) -> "Setting":
        """The setting of `n` random cells of NATS-Bench topology on digits, protocol paper."""
        log, file = folder / "log", folder / "logged_norm.py"
        source = dedent(_LOGGING).format(log=str(log), slow=str(folder / "slow"), seconds=_UNDER_WAY_S)
        write_whole(file, source.encode())
        context = ContextSpec("nats_tss", "digits", InputKind.real, Protocol(), 0, "cpu")
        space = BENCHMARKS.get("nats_tss")
        archs = tuple(space.architectures[row * (len(space.architectures) // n)] for row in range(n))
        batches = draw_batches(DATA_SETS.get("digits"), context.request)
        return cls(ScoringRun(context, tuple(parse_proxies([str(file)], {})), batches), archs, log, folder)

    def score(self, store: Path, execution: ExecutionOptions, archs: Sequence[Architecture] | None = None) -> float:
        """Seconds of wall time that scoring into a store takes."""
        started = time.perf_counter()
        with ScoreStore(store) as opened:
            compute(self.run, missing_units(self.run, archs or self.archs, opened, execution), opened, execution)
        return time.perf_counter() - started

    def scores(self, store: Path) -> dict[str, Any]:
        """What a store holds, without seconds."""
        with ScoreStore(store, read_only=True) as opened:
            return {
                arch: (one.components, one.status) for arch, one in opened.find(self.run.key(self.run.specs[0])).items()
            }

    def n_logged(self) -> int:
        """How many times the proxy has measured since the log was last cleared."""
        return len(self.log.read_text().splitlines()) if self.log.exists() else 0

    def n_measured(self) -> int:
        """The same, and clear the log."""
        n = self.n_logged()
        self.log.unlink(missing_ok=True)
        return n


def engines(setting: Setting, cluster: Any) -> Iterator[Figure]:
    """The same networks on two cores: two local workers, two shards with their merging, two Ray nodes."""
    reference = setting.folder / "local.sqlite"
    setting.score(setting.folder / "warm.sqlite", ExecutionOptions(2), setting.archs[:2])
    yield from _engine("local, two workers", setting, setting.score(reference, ExecutionOptions(2)), reference)
    parts = [setting.folder / f"shard{index}.sqlite" for index in range(2)]
    words = [sys.executable, "-m", "harness.perf.scale", "--networks", str(len(setting.archs)), "--one-run"]
    started = time.perf_counter()
    shards = [subprocess.Popen([*words, str(setting.folder), str(part), f"{at}/2"]) for at, part in enumerate(parts)]
    try:
        for shard in shards:
            shard.wait()
    finally:  # also where this process is asked to end
        for shard in shards:
            shard.kill()
            shard.wait()
    scored_s = time.perf_counter() - started
    merged = setting.folder / "merged.sqlite"
    merge(merged, parts)
    yield from _engine("two shards, merged", setting, time.perf_counter() - started, merged, reference)
    yield Figure("engines", "two shards: merging alone", time.perf_counter() - started - scored_s, "s")
    if cluster is not None:
        ray = ExecutionOptions(1, engine=EngineSettings("ray"))
        setting.score(setting.folder / "warm-ray.sqlite", ray, setting.archs[:4])
        store = setting.folder / "ray.sqlite"
        yield from _engine("Ray, two nodes of one core", setting, setting.score(store, ray), store, reference)


def _engine(name: str, setting: Setting, wall_s: float, store: Path, reference: Path | None = None) -> Iterator[Figure]:
    n = len(setting.archs)
    with ScoreStore(store, read_only=True) as opened:
        scoring = sum(one.seconds for one in opened.find(setting.run.key(setting.run.specs[0])).values())
    yield Figure("engines", f"{name}: wall time", wall_s, "s")
    yield Figure("engines", f"{name}: two cores, less CPU seconds of scoring", (2 * wall_s - scoring) / n, "s per unit")
    if reference is not None:
        differing = sum(setting.scores(store)[arch] != one for arch, one in setting.scores(reference).items())
        yield Figure("engines", f"{name}: scores that differ from local", differing, "scores", 0)
    setting.n_measured()


def losses(setting: Setting, cluster: Any) -> Iterator[Figure]:
    """Runs on Ray that lose a node, a worker process or themselves after a third of their networks."""
    reference, third = setting.scores(setting.folder / "local.sqlite"), len(setting.archs) // 3
    (setting.folder / "slow").touch()
    for name in ("node removed", "worker killed", "run killed and started again"):
        store = setting.folder / f"{name.split()[0]}-lost.sqlite"
        words = [sys.executable, "-m", "harness.perf.scale", "--networks", str(len(setting.archs))]
        words += ["--one-run", str(setting.folder), str(store), cluster.address]
        node = cluster.add_node(num_cpus=1) if name == "node removed" else None
        setting.n_measured()
        run = subprocess.Popen(words)
        while run.poll() is None and setting.n_logged() < third:
            time.sleep(0.05)
        if node is not None:
            cluster.remove_node(node, allow_graceful=False)
        elif name == "worker killed":
            for pid in processes(b"ray::answer"):
                os.kill(pid, signal.SIGKILL)
        else:
            run.kill()
            run.wait()
            run = subprocess.Popen(words)
        run.wait()
        found, n = setting.scores(store), setting.n_measured()
        wrong = sum(found.get(arch) != one for arch, one in reference.items())
        yield Figure("losses", f"{name}: scores that are missing or differ", wrong, f"of {len(reference)}", 0)
        yield Figure("losses", f"{name}: networks measured again", n - len(reference), f"of {len(reference)}")


def processes(name: bytes) -> list[int]:
    """Numbers of the processes whose command begins with `name`."""
    found = []
    for folder in Path("/proc").iterdir():
        with suppress(OSError):
            if folder.name.isdigit() and (folder / "cmdline").read_bytes().startswith(name):
                found.append(int(folder.name))
    return found


def main(words: Sequence[str] | None = None) -> int:
    """Measure and write scale.csv and scale.md."""
    parser = argparse.ArgumentParser(prog="python -m harness.perf.scale", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("results/scale"))
    parser.add_argument("--networks", type=int, default=60)
    parser.add_argument("--one-run", nargs=3, metavar=("FOLDER", "STORE", "ADDRESS"), help=argparse.SUPPRESS)
    given = parser.parse_args(words)
    if given.one_run:
        folder, store, where = given.one_run
        _one_run(Setting.of(given.networks, Path(folder)), Path(store), where)
        return 0
    figures: list[Figure] = []
    command = f"python -m harness.perf.scale --networks {given.networks}"
    with tempfile.TemporaryDirectory() as folder:
        setting = Setting.of(given.networks, Path(folder))
        cluster = _cluster()
        try:
            figures += engines(setting, cluster)
            write_figures(given.out, "scale", "Engines and losses", command, figures)
            if cluster is not None:
                figures += losses(setting, cluster)
                write_figures(given.out, "scale", "Engines and losses", command, figures)
        finally:
            if cluster is not None:
                _leave(cluster)
    print(given.out)
    return 0


def _one_run(setting: Setting, store: Path, where: str) -> None:
    """A run in a process of its own: the shard I/N, or on the Ray cluster at HOST:PORT."""
    if "/" in where:
        shard = read_shard(where)
        archs = archs_of_shard(setting.run, setting.archs, shard)
        setting.score(store, ExecutionOptions(1), archs)
    else:
        setting.score(store, ExecutionOptions(1, engine=EngineSettings("ray", where)))


def _cluster() -> Any:
    """Two virtual nodes of one core each, which this process has joined; None without Ray."""
    if find_spec("ray") is None:
        return None
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_raylet_start_wait_time_s", "600")  # on a busy machine
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.add_node(num_cpus=1)
    ray.init(address=cluster.address, log_to_driver=False, configure_logging=False, logging_level=logging.ERROR)
    return cluster


def _leave(cluster: Any) -> None:
    """Leave the cluster and end it; a cluster's own head ends only when nobody is connected to it."""
    import ray

    ray.shutdown()
    cluster.shutdown()


if __name__ == "__main__":
    sys.exit(ended(main, "Finished tables are kept."))
