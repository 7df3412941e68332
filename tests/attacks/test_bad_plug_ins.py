"""One bad plug-in harms only itself: the scores of a proxy beside it are those of a run without it, to the bit.

HARNESS_ATTACKS=N makes each attack on N times as many architectures (default 1).
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from attacks.bad_plug_ins import DAMAGES, DIES, LEAVES, LINGERS, RAISES, SOURCE, on_one_arch, plug_in

from harness.errors import HarnessError
from harness.inputs import DATA_SETS, InputKind, draw_batches
from harness.placement import EngineSettings
from harness.protocol import Protocol
from harness.proxy import PROXIES
from harness.scoring import ContextSpec, ExecutionOptions, ScoringRun, Workers, compute, missing_units
from harness.scoring.guard import Guard
from harness.scoring.proxy_spec import parse_proxies
from harness.scoring.worker import work_on
from harness.space import BENCHMARKS
from harness.store import FAILED, OK, Score, ScoreStore

N_ARCHS = 3 * int(os.environ.get("HARNESS_ATTACKS", "1"))
SPACE = BENCHMARKS.get("nats_tss")
ARCHS = [SPACE.canonical(arch) for arch in SPACE.architectures[200 : 200 + N_ARCHS]]
BAD_ARCH = ARCHS[1]
CONTEXT = ContextSpec("nats_tss", "digits", InputKind.noise, Protocol(batch_size=2), 0, "cpu")


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Score]:
    """The scores of the good proxy when nothing runs beside it."""
    return scores(tmp_path_factory.mktemp("alone"), ["grad_norm"])["grad_norm"]


def scores(
    folder: Path, words: list[str], workers: int = 1, timeout_s: float | None = 2.0
) -> dict[str, dict[str, Score]]:
    specs = tuple(parse_proxies(words, {}))
    run = ScoringRun(CONTEXT, specs, draw_batches(DATA_SETS.get("digits"), CONTEXT.request))
    execution = ExecutionOptions(workers, timeout_s=timeout_s)
    with ScoreStore(folder / "scores.sqlite") as store:
        compute(run, missing_units(run, ARCHS, store, execution), store, execution)
        return {spec.name: store.find(run.key(spec), ARCHS) for spec in specs}


def values(found: dict[str, Score]) -> dict[str, tuple[object, str]]:
    return {arch: (dict(score.components), score.status) for arch, score in found.items()}


@pytest.mark.parametrize(
    "attack",
    [
        pytest.param(attack, marks=pytest.mark.long) if "took more" in DIES[attack][1] and attack != "hang" else attack
        for attack in DIES
    ],
)
def test_what_dies_or_hangs_costs_its_own_score_on_one_architecture(attack, tmp_path, alone, capfd):
    do, reason = DIES[attack]
    name = f"dies_{list(DIES).index(attack)}"
    word = plug_in(tmp_path, name, do, on_one_arch(BAD_ARCH))
    found = scores(tmp_path, ["grad_norm", word])
    assert values(found["grad_norm"]) == values(alone)
    assert found[name][BAD_ARCH].status == FAILED
    assert reason in found[name][BAD_ARCH].reason
    assert {score.status for arch, score in found[name].items() if arch != BAD_ARCH} == {OK}
    warning = capfd.readouterr().err.splitlines()[-1]
    assert warning.startswith(f"Warning: {name} has no score on 1 architecture, such as {BAD_ARCH}; alone in a process")


def test_a_gpu_that_refuses_the_process_costs_the_score_that_made_it_refuse(tmp_path, alone):
    lost = "sys.lost = True; raise RuntimeError('CUDA error: device-side assert triggered')"
    word = plug_in(tmp_path, "loses", lost, f"hasattr(sys, 'lost') or {on_one_arch(BAD_ARCH)}")
    found = scores(tmp_path, [word, "grad_norm"], timeout_s=60)
    assert values(found["grad_norm"]) == values(alone)
    assert "CUDA error" in found["loses"][BAD_ARCH].reason
    assert {score.status for arch, score in found["loses"].items() if arch != BAD_ARCH} == {OK}


def test_a_gpu_that_refuses_this_process_ends_the_run_and_stores_nothing_false(tmp_path, monkeypatch):
    def refused(*_: object) -> float:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(PROXIES.get("grad_norm"), "measure", refused)
    with pytest.raises(HarnessError, match="ended with RuntimeError: CUDA error"):
        scores(tmp_path, ["grad_norm"])
    with ScoreStore(tmp_path / "scores.sqlite", read_only=True) as store:
        assert not any(len(store.find(key)) for key in store.score_keys())


@pytest.mark.parametrize("attack", RAISES)
def test_whatever_is_raised_is_the_proxys_own_failure(attack, tmp_path, alone):
    do, reason = RAISES[attack]
    name = f"raises_{list(RAISES).index(attack)}"
    found = scores(tmp_path, ["grad_norm", plug_in(tmp_path, name, do)], timeout_s=60)
    assert values(found["grad_norm"]) == values(alone)
    told = {(score.status, score.reason.partition(" while")[0]) for score in found[name].values()}
    assert {(status, text.partition(f" ({name}.py, line ")[0]) for status, text in told} == {(FAILED, reason)}


@pytest.mark.parametrize("attack", DAMAGES)
def test_replaced_code_and_changed_evidence_are_put_back_and_named(attack, tmp_path, alone):
    do, reason = DAMAGES[attack]
    name = f"damages_{list(DAMAGES).index(attack)}"
    found = scores(tmp_path, [plug_in(tmp_path, name, do), "grad_norm"], timeout_s=60)
    assert values(found["grad_norm"]) == values(alone)
    for score in found[name].values():
        assert score.status == FAILED
        assert score.reason.startswith("it changed ")
        assert reason in score.reason


@pytest.mark.parametrize("attack", LEAVES)
def test_settings_are_put_back(attack, tmp_path, alone, capfd):
    name = f"leaves_{list(LEAVES).index(attack)}"
    found = scores(tmp_path, [plug_in(tmp_path, name, LEAVES[attack]), "grad_norm"], timeout_s=60)
    assert values(found["grad_norm"]) == values(alone)
    assert {score.status for score in found[name].values()} == {OK}
    told = capfd.readouterr().err
    assert (f"Warning: {name} leaves " in told) == (attack != "generators")


@pytest.mark.parametrize("attack", LINGERS)
def test_threads_and_forks_end_with_the_run(attack, tmp_path, alone):
    name = f"lingers_{list(LINGERS).index(attack)}"
    marked = f"{LINGERS[attack]}; open({str(tmp_path / 'pids')!r}, 'a').write(f'{{os.getpid()}}\\n')"
    found = scores(tmp_path, [plug_in(tmp_path, name, marked), "grad_norm"], timeout_s=60)
    assert values(found["grad_norm"]) == values(alone)
    assert {score.status for score in found[name].values()} == {OK}
    deadline = time.monotonic() + 60
    left = {int(pid) for pid in (tmp_path / "pids").read_text().split()}
    while left and time.monotonic() < deadline:
        left = {pid for pid in left if is_running(pid)}
        time.sleep(0.05)
    assert not left


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@contextmanager
def in_a_notebook(name: str, does: str) -> Iterator[None]:
    """A proxy that is registered by a module without a file."""
    source = SOURCE.replace("NAME", name).replace("WHERE", "True").replace("DO", does)
    sys.modules["a_notebook"] = type(sys)("a_notebook")
    try:
        exec(compile(source, "a_notebook", "exec"), {"__name__": "a_notebook"})
        yield
    finally:
        del sys.modules["a_notebook"]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_proxy_of_this_process_alone_is_guarded_too(workers, tmp_path, alone):
    """Defined in a script or a notebook, it has no file that a worker could import."""
    with in_a_notebook("here", LEAVES["dtype"]):
        found = scores(tmp_path, ["here", "grad_norm"], workers)
    assert values(found["grad_norm"]) == values(alone)
    assert {score.status for score in found["here"].values()} == {OK}
    assert torch.get_default_dtype() is torch.float32


def test_a_proxy_of_this_process_alone_is_not_sent_to_a_cluster():
    """Before anything is sent, so that neither Ray nor a cluster is needed to be told."""
    with in_a_notebook("only_here", "pass"):
        units = missing_units_of("only_here")
        execution = ExecutionOptions(1, engine=EngineSettings("ray"))
        said = r"^only_here cannot be sent to engine=ray: it is defined in a script .* use engine=local\.$"
        with Workers(execution) as workers, pytest.raises(HarnessError, match=said):
            list(workers.results(CONTEXT, units))


def test_the_users_own_interruption_is_no_score(monkeypatch):
    def interrupted(self, gradients):
        raise KeyboardInterrupt

    monkeypatch.setattr(PROXIES.get("grad_norm"), "measure", interrupted)
    units = missing_units_of("grad_norm")
    with pytest.raises(KeyboardInterrupt):
        work_on(CONTEXT, True, units[0], Guard())


def missing_units_of(name: str):
    from harness.scoring import Unit

    return [Unit(arch, "live", tuple(parse_proxies([name], {}))) for arch in ARCHS]


def test_a_fault_of_the_machine_is_told_after_the_rest_is_scored_and_never_stored(tmp_path):
    from harness.errors import HarnessError

    full = plug_in(tmp_path, "full_disk", "raise OSError(errno.ENOSPC, 'No space left')", on_one_arch(BAD_ARCH))
    with pytest.raises(HarnessError, match=r"ended with OSError: \[Errno 28\] No space left. No score was stored"):
        scores(tmp_path, ["grad_norm", full], timeout_s=60)
    run = ScoringRun(
        CONTEXT,
        tuple(parse_proxies(["grad_norm", full], {})),
        draw_batches(DATA_SETS.get("digits"), CONTEXT.request),
    )
    with ScoreStore(tmp_path / "scores.sqlite") as store:
        assert set(store.find(run.key(run.specs[0]))) == set(ARCHS)
        assert set(store.find(run.key(run.specs[1]))) == set(ARCHS) - {BAD_ARCH}


def test_what_trains_has_no_time_limit(monkeypatch):
    from harness.scoring.pool import Pool
    from harness.scoring.unit_groups import is_limited
    from harness.scoring.worker import Job

    (unit, *_) = missing_units_of("grad_norm")

    def limit():
        return Pool(1, 2.0)._limit(Job(CONTEXT, True, (unit,), is_limited(unit.specs)))

    assert limit() == 2.0
    (kind,) = PROXIES.get("grad_norm").evidence().values()
    monkeypatch.setattr(kind, "trains", True)
    assert limit() is None


def test_workers_serve_several_rounds_and_end_with_the_pool(tmp_path):
    word = plug_in(tmp_path, "sound", "pass")
    specs = tuple(parse_proxies([word], {}))
    with Workers(ExecutionOptions(2)) as workers:
        units = [unit._replace(specs=specs) for unit in missing_units_of("grad_norm")]
        first = dict(workers.results(CONTEXT, units))
        again = dict(workers.results(CONTEXT, units))
    assert {unit.arch: found["sound"].components for unit, found in first.items()} == {
        unit.arch: found["sound"].components for unit, found in again.items()
    }


@pytest.mark.long
def test_a_script_without_a_main_guard_works(tmp_path):
    word = plug_in(tmp_path, "guardless", "time.sleep(1000)", on_one_arch(BAD_ARCH))
    script = tmp_path / "script.py"
    script.write_text(
        "from pathlib import Path\n"
        "from harness import evaluate\n"
        "from harness.inputs import InputKind\n"
        "from harness.protocol import Protocol\n"
        "from harness.settings import Settings\n"
        "settings = Settings(sample=4, workers=2, inputs=(InputKind.noise,), protocol=Protocol(batch_size=2))\n"
        f"print(evaluate([{word!r}, 'params'], settings=settings).agreement['n'].tolist())\n"
    )
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("[4, 4]") == 1
