"""engine=ray on two virtual nodes of one machine: equal scores, and nothing lost where nodes and processes are."""

import builtins
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import pandas as pd
import pytest

from harness.errors import HarnessError
from harness.inputs import DATA_SETS, InputKind, draw_batches
from harness.placement import EngineSettings
from harness.protocol import Protocol
from harness.scoring import ContextSpec, ExecutionOptions, ScoringRun, Workers, compute, missing_units
from harness.scoring.engines import ray_cluster
from harness.scoring.engines.ray_cluster import ANSWER_WITHIN_S, RayCluster
from harness.scoring.proxy_spec import parse_proxies
from harness.space import BENCHMARKS
from harness.store import FAILED, ScoreStore

os.environ.setdefault("RAY_raylet_start_wait_time_s", "600")  # on a busy machine
ray = pytest.importorskip("ray", reason="engine=ray needs the extra ray, which is not installed")

pytestmark = [
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:.*:FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
CONTEXT = ContextSpec("nats_tss", "digits", InputKind.real, Protocol(batch_size=4), 0, "cpu")
ARCHS = tuple(BENCHMARKS.get("nats_tss").architectures[7:15_000:1_200])
RAY = ExecutionOptions(1, engine=EngineSettings("ray"))
SLOW = """
    import time
    from dataclasses import dataclass
    from harness.evidence import WeightGradients
    from harness.proxy import PROXIES, Proxy, Sees

    @PROXIES.register("NAME")
    @dataclass(frozen=True)
    class SlowCount(Proxy):
        version = 1
        sees = Sees.ALL

        def measure(self, gradients: WeightGradients) -> float:
            time.sleep(0.3)
            return float(sum(layer.abs().sum() for layer in gradients.layers.values()))
"""


@pytest.fixture(scope="module")
def cluster():
    """Two nodes with one CPU each; this process joins them."""
    from ray.cluster_utils import Cluster

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    made.add_node(num_cpus=1)
    ray.init(address=made.address, log_to_driver=False, configure_logging=False, logging_level="ERROR")
    yield made
    ray.shutdown()
    made.shutdown()


def run_of(*words: str) -> ScoringRun:
    batches = draw_batches(DATA_SETS.get(CONTEXT.data_set), CONTEXT.request)
    return ScoringRun(CONTEXT, tuple(parse_proxies(words, {})), batches)


def scored(run: ScoringRun, store: Path, execution: ExecutionOptions) -> dict[tuple[str, str], object]:
    with ScoreStore(store) as opened:
        compute(run, missing_units(run, ARCHS, opened, execution), opened, execution)
        return {
            (spec.name, arch): (score.components, score.status)
            for spec in run.specs
            for arch, score in opened.find(run.key(spec)).items()
        }


def proxy_file(folder: Path, name: str) -> Path:
    """A plug-in; of another name in each test, because the processes of the cluster outlive a test."""
    file = folder / f"{name}.py"
    file.write_text(dedent(SLOW).replace("NAME", name))
    return file


def test_scores_are_bit_equal_to_those_of_this_machine_with_a_proxy_by_path_shipped_along(cluster, tmp_path):
    run = run_of("zico", "naswot", "synflow", str(proxy_file(tmp_path, "shipped_count")))
    here = scored(run, tmp_path / "local.sqlite", ExecutionOptions(1))
    assert len(here) >= 3 * len(ARCHS) // 2
    assert scored(run, tmp_path / "ray.sqlite", RAY) == here


def test_score_and_search_with_the_cluster_give_what_this_machine_gives(cluster, tmp_path, monkeypatch):
    from harness.score import main as score
    from harness.search.__main__ import main as search

    monkeypatch.chdir(tmp_path)
    Path("archs.csv").write_text("arch\n" + "\n".join(ARCHS[:3]) + "\n")
    words = ["nats_tss", "archs.csv", "--dataset=digits", "--proxy=naswot", "--batch-size=4"]
    assert score([*words, "--store=here.sqlite", "--out=here.csv"]) == 0
    assert score([*words, "--store=ray.sqlite", "--out=ray.csv", "--engine=ray"]) == 0
    found = [[line.split(",")[:2] for line in Path(name).read_text().splitlines()] for name in ("here.csv", "ray.csv")]
    assert found[0] == found[1]
    assert len(found[0]) == 4
    words = ["search=random", "proxy=naswot", "dataset=digits", "protocol.batch_size=4", "steps=4", "seeds=1"]
    for engine in ("local", "ray"):
        monkeypatch.setattr(
            "sys.argv", ["search", *words, f"engine={engine}", f"store={engine}.sqlite", f"out={engine}"]
        )
        assert search() == 0
    kept = [pd.read_csv(f"{engine}/search.csv").drop(columns="seconds") for engine in ("local", "ray")]
    pd.testing.assert_frame_equal(*kept)


def test_lens_and_choose_with_the_cluster_give_what_this_machine_gives(cluster, tmp_path, monkeypatch):
    from harness.choose.__main__ import main as choose
    from harness.lens.__main__ import main as lens

    monkeypatch.chdir(tmp_path)
    archs = BENCHMARKS.get("nats_tss").architectures
    rows = [f"{arch},{accuracy}" for arch, accuracy in zip(archs[300:15_300:1_000], range(15), strict=True)]
    Path("mine.csv").write_text("arch,acc\n" + "\n".join(rows) + "\n")
    shared = ["proxy=[naswot,params]", "bench=nats_tss", "dataset=digits", "protocol.batch_size=4", "sample=40"]
    for engine in ("local", "ray"):
        words = [*shared, f"engine={engine}", f"store={engine}.sqlite"]
        assert lens(["study=pairs", *words, f"out=lens_{engine}"]) == 0
        own = ["truth=mine.csv:acc", "score_tables=null", "k=1", "repeats=2"]
        assert choose([*words, *own, f"out=choose_{engine}"]) == 0
    for name in ("lens_{}/pairs.csv", "choose_{}/rankings.csv"):
        kept = [pd.read_csv(name.format(engine)) for engine in ("local", "ray")]
        assert len(kept[0]) >= 1
        pd.testing.assert_frame_equal(*(one.drop(columns="seconds", errors="ignore") for one in kept))


def test_the_batches_are_put_into_the_object_store_once(cluster, tmp_path, monkeypatch):
    put = ray.put
    sizes: list[int] = []
    n_bytes = sum(batch.images.numpy().nbytes for batch in draw_batches(DATA_SETS.get("digits"), CONTEXT.request))
    monkeypatch.setattr(
        ray, "put", lambda value: sizes.append(sum(images.values.nbytes for images, _ in value)) or put(value)
    )
    scored(run_of("naswot"), tmp_path / "ray.sqlite", RAY)
    assert sizes == [n_bytes]


def test_a_node_that_is_removed_in_the_middle_loses_nothing(cluster, tmp_path):
    run = run_of(str(proxy_file(tmp_path, "left_count")))
    added = cluster.add_node(num_cpus=1)
    found = {}
    with ScoreStore(tmp_path / "s.sqlite") as store, Workers(RAY) as workers:
        for n, (unit, scores) in enumerate(workers.results(CONTEXT, missing_units(run, ARCHS, store, RAY))):
            assert unit.arch not in found  # nothing twice
            found[unit.arch] = scores["left_count"].status
            if n == 3:
                cluster.remove_node(added, allow_graceful=False)
    assert len(found) == len(ARCHS)
    assert FAILED not in found.values()


def test_a_worker_that_is_killed_loses_nothing(cluster, tmp_path):
    run = run_of(str(proxy_file(tmp_path, "killed_count")))
    found, killed = {}, 0
    with ScoreStore(tmp_path / "s.sqlite") as store, Workers(RAY) as workers:
        for n, (unit, scores) in enumerate(workers.results(CONTEXT, missing_units(run, ARCHS, store, RAY))):
            found[unit.arch] = scores["killed_count"].status
            if n >= 3 and not killed:  # between two networks a worker is called otherwise: then after the next one
                for pid in processes("ray::answer"):
                    os.kill(pid, signal.SIGKILL)
                    killed += 1
    assert killed
    assert len(found) == len(ARCHS)
    assert FAILED not in found.values()


def test_a_driver_that_is_killed_goes_on_where_it_stopped(cluster, tmp_path):
    store, file = tmp_path / "s.sqlite", proxy_file(tmp_path, "resumed_count")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import test_ray as t; from pathlib import Path; import ray; "
        "ray.init(address=sys.argv[4], log_to_driver=False); "
        "t.scored(t.run_of(sys.argv[2]), Path(sys.argv[3]), t.RAY)"
    )
    words = [sys.executable, "-c", code, str(Path(__file__).parent), str(file), str(store), cluster.address]
    driver = subprocess.Popen(words, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while n_stored(store, file) < 3 and time.monotonic() < deadline:
        time.sleep(0.2)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    run = run_of(str(file))
    with ScoreStore(store) as opened:
        before = opened.find(run.key(run.specs[0]))
        left = missing_units(run, ARCHS, opened, RAY)
    assert 3 <= len(before) < len(ARCHS)
    assert len(left) == len(ARCHS) - len(before)
    assert len(scored(run, store, RAY)) == len(ARCHS)
    with ScoreStore(store) as opened:  # what was there was not computed again: its seconds are the same
        assert opened.find(run.key(run.specs[0]), before) == before


def test_what_proxies_are_watched_for_is_left_alone_by_ray(cluster):
    """Ray replaces print when it first draws a bar: every proxy that ran later would be blamed for it."""
    from ray.experimental import tqdm_ray

    before = builtins.print
    RayCluster(RAY.engine, None).ready()
    tqdm_ray.instance()
    assert builtins.print is before


def test_an_address_that_does_not_answer_is_one_sentence_within_seconds(tmp_path):
    code = (
        "import time; from harness.placement import EngineSettings\n"
        "from harness.scoring.engines.ray_cluster import RayCluster; started = time.monotonic()\n"
        "try: RayCluster(EngineSettings('ray', '127.0.0.1:9'), None).ready()\n"
        "except Exception as error: print(type(error).__name__, error)\n"
        "print(time.monotonic() - started)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.startswith("HarnessError No Ray cluster answers at engine.address=127.0.0.1:9. Start one with")
    assert said.count("\n") == 2
    assert float(said.splitlines()[1]) < ANSWER_WITHIN_S + 45  # and to import Ray on a busy machine


@pytest.mark.parametrize(("has_token", "mode"), [(True, "token"), (False, None)])
def test_a_cluster_that_wants_a_token_is_joined_with_the_one_that_is_here(has_token, mode, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(ray_cluster, "_answers", lambda address: os.environ.get("RAY_AUTH_MODE") == "token")
    if has_token:
        (tmp_path / ".ray").mkdir()
        (tmp_path / ".ray" / "auth_token").write_text("0" * 64)
        with pytest.raises(HarnessError, match=r"Ray was imported here before .* RAY_AUTH_MODE=token"):
            ray_cluster._require_answer("head:6379")
        assert "RAY_AUTH_MODE" not in os.environ
        with monkeypatch.context() as dead:
            dead.setattr(ray_cluster, "_answers", lambda address: False)
            with pytest.raises(HarnessError, match=r"^No Ray cluster answers at"):
                ray_cluster._require_answer("head:6379")
        monkeypatch.delitem(sys.modules, "ray")
        ray_cluster._require_answer("head:6379")
    else:
        with pytest.raises(HarnessError, match=r"a cluster with token authentication needs its token in ~/\.ray"):
            ray_cluster._require_answer("head:6379")
    assert os.environ.get("RAY_AUTH_MODE") == mode
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)


def test_a_unit_that_fits_no_node_is_one_sentence(cluster, tmp_path):
    too_large = replace(RAY, engine=EngineSettings("ray", cpus_per_unit=64))
    with pytest.raises(HarnessError, match=r"^No node of the Ray cluster has 64 CPU, as a unit needs; lower"):
        scored(run_of("zico"), tmp_path / "s.sqlite", too_large)


def n_stored(store: Path, file: Path) -> int:
    if not store.is_file():
        return 0
    import sqlite3

    try:
        with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as connection:
            return int(connection.execute("SELECT count(*) FROM scores").fetchone()[0])
    except sqlite3.Error:
        return 0


def processes(name: str) -> list[int]:
    """Numbers of the processes whose title begins with `name`, of this test's cluster or none."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and folder.joinpath("cmdline").read_bytes().startswith(name.encode()):
                found.append(int(folder.name))
        except OSError:
            continue
    return found
