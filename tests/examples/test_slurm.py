"""examples/slurm/array.sh: under a SLURM of two virtual nodes, and with the environment of an array alone."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from harness.store import ScoreStore, main

SCRIPT = Path(__file__).parents[2] / "examples" / "slurm" / "array.sh"
PROXY = """
    import time
    from dataclasses import dataclass
    from typing import ClassVar

    from harness.evidence import Layers
    from harness.proxy import PROXIES, Proxy, Sees


    @PROXIES.register("slow_sum")
    @dataclass(frozen=True)
    class SlowSum(Proxy):
        version: ClassVar[int] = 1
        sees: ClassVar[Sees] = Sees.ALL

        def measure(self, layers: Layers) -> float:
            if len(layers.flops) > 1:
                raise ValueError("one at a time")
            time.sleep(0.7)
            with open("{log}", "a") as log:
                log.write(f"{{layers.sum(layers.flops)[0]}}\\n")
            return float(layers.sum(layers.flops)[0])
"""
CONFIG = """
    ClusterName=t
    SlurmctldHost={host}(127.0.0.1)
    SlurmUser=root
    AuthType=auth/munge
    AuthInfo=socket={folder}/munge.sock
    CredType=cred/munge
    SlurmctldPort={port}
    StateSaveLocation={folder}/state
    SlurmdSpoolDir={folder}/spool-%n
    SlurmctldPidFile={folder}/slurmctld.pid
    SlurmdPidFile={folder}/slurmd-%n.pid
    ProctrackType=proctrack/linuxproc
    TaskPlugin=task/none
    MpiDefault=none
    SwitchType=switch/none
    SelectType=select/cons_tres
    SelectTypeParameters=CR_Core
    ReturnToService=2
    JobAcctGatherType=jobacct_gather/none
    AccountingStorageType=accounting_storage/none
    NodeName=n0 NodeHostname={host} NodeAddr=127.0.0.1 Port={port0} CPUs=1 RealMemory=1000 State=UNKNOWN
    NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={port1} CPUs=1 RealMemory=1000 State=UNKNOWN
    PartitionName=p Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
WORDS = ["sample=12", "against=params", "timeout_per_network=null"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """What tasks are given: where shards and stores go, and this checkout."""
    (tmp_path / "slow_sum.py").write_text(dedent(PROXY).format(log=tmp_path / "log"))
    own = {"SHARDS": tmp_path / "shards", "LOCAL": tmp_path / "local", "PYTHON": sys.executable, "PIECE_S": 100}
    return dict(os.environ) | {name: str(value) for name, value in own.items()} | {"PYTHONPATH": str(SCRIPT.parents[2])}


@pytest.fixture
def slurm(tmp_path: Path, environment: dict[str, str]) -> Iterator[Callable[..., str]]:
    """Runs a command of a SLURM of two nodes on this machine, whose daemons end with the test."""
    programs = ("munged", "slurmctld", "slurmd", "sbatch", "scontrol", "scancel", "squeue")
    missing = [name for name in programs if shutil.which(name) is None]
    if missing or os.geteuid() != 0:
        pytest.skip(f"SLURM cannot be started here: {', '.join(missing) or 'this is not root'}")
    with socket.socket() as one, socket.socket() as two, socket.socket() as three:
        for opened in (one, two, three):
            opened.bind(("127.0.0.1", 0))
        ports = [opened.getsockname()[1] for opened in (one, two, three)]
    folder = Path(f"/tmp/slurm-of-test-{os.getpid()}")  # paths of sockets are short
    for name in ("state", "spool-n0", "spool-n1"):
        (folder / name).mkdir(parents=True)
    key = folder / "munge.key"
    key.write_bytes(os.urandom(32))
    key.chmod(0o600)
    names = {"host": socket.gethostname().partition(".")[0], "folder": folder}
    names |= dict(zip(("port", "port0", "port1"), ports, strict=True))
    config = folder / "slurm.conf"
    config.write_text(dedent(CONFIG).format(**names))
    known = environment | {"SLURM_CONF": str(config)}
    munge = [f"--key-file={key}", f"--socket={folder}/munge.sock", f"--pid-file={folder}/munge.pid"]
    munge += [f"--log-file={folder}/munge.log", f"--seed-file={folder}/seed"]
    daemons = [["munged", "-f", "-F", *munge], ["slurmctld", "-D"]]
    daemons += [["slurmd", "-D", "-N", name] for name in ("n0", "n1")]
    running = []

    def run(*words: str) -> str:
        return subprocess.run(words, env=known, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.strip()

    try:
        for daemon in daemons:
            log = (folder / f"{len(running)}.log").open("w")
            running.append(subprocess.Popen(daemon, env=known, stdout=log, stderr=log))
            log.close()
            time.sleep(2)
        if not until(lambda: run("sinfo", "-h", "-o", "%T") == "idle", 40):
            pytest.skip("SLURM was started, but its nodes do not become idle")
        yield run
    finally:
        for daemon in reversed(running):
            daemon.send_signal(signal.SIGTERM)
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        shutil.rmtree(folder, ignore_errors=True)


def until(is_so: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if is_so():
            return True
        time.sleep(0.3)
    return False


def n_logged(folder: Path) -> int:
    return len((folder / "log").read_text().splitlines()) if (folder / "log").exists() else 0


def merged(folder: Path) -> dict[str, float]:
    """The values of the proxy in all shards."""
    target = folder / "all.sqlite"
    assert main(["merge", str(target), *map(str, sorted((folder / "shards").glob("*.sqlite")))]) == 0
    with ScoreStore(target, read_only=True) as store:
        (key,) = [key for key in store.score_keys() if key.proxy == "slow_sum@1"]
        return {arch: one.components["slow_sum"] for arch, one in store.find(key).items()}


@pytest.mark.long
def test_a_task_that_is_killed_and_requeued_loses_nothing_and_computes_nothing_twice(slurm, tmp_path):
    words = [str(SCRIPT), f"proxy={tmp_path / 'slow_sum.py'}", *WORDS]
    options = ["--array=3-4", "--cpus-per-task=1", f"--output={tmp_path}/task-%a.out", "--parsable"]
    job = slurm("sbatch", *options, *words)
    assert until(lambda: n_logged(tmp_path) >= 3, 300), [p.read_text() for p in tmp_path.glob("*.out")]
    slurm("scancel", "--signal=KILL", "--full", f"{job}_3")
    assert until(lambda: f"{job}_3" not in slurm("squeue", "-h", "-r", "-o", "%i", "-t", "R,CG"), 60)
    slurm("scontrol", "requeue", f"{job}_3")
    assert until(lambda: slurm("squeue", "-h", "-r", "-j", job) == "", 400), slurm("squeue")
    found = merged(tmp_path)
    assert len(found) == 12
    counted = Counter(map(float, (tmp_path / "log").read_text().split()))
    again = counted - Counter(found.values())
    assert again.total() <= 1  # what was under way when the task was killed
    assert Counter(found.values()) - counted == Counter()


def test_the_script_takes_some_tasks_of_an_array_again_and_refuses_what_it_gives_itself(tmp_path, environment):
    array = {"SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_TASK_MIN": "3"}
    told = environment | array | {"SLURM_ARRAY_TASK_COUNT": "1", "N_SHARDS": "5", "PYTHON": "/bin/echo"}
    done = subprocess.run([str(SCRIPT), "proxy=params"], env=told, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("-m harness proxy=params shard=3/5 store=")
    other = subprocess.run([str(SCRIPT)], env=told | {"N_SHARDS": "6"}, cwd=tmp_path, capture_output=True, text=True)
    assert other.returncode == 2
    assert "holds shards of 5, this is one of 6: give N_SHARDS=5, or another SHARDS=." in other.stderr
    refused = subprocess.run([str(SCRIPT), "shard=1/2"], env=told, cwd=tmp_path, capture_output=True, text=True)
    assert refused.returncode == 2
    assert refused.stderr.startswith("array.sh gives shard=1/2 itself; ")


@pytest.mark.long
def test_the_script_computes_its_shard_in_pieces_and_goes_on_from_the_shared_copy(tmp_path, environment):
    array = {"SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_MIN": "3", "SLURM_ARRAY_TASK_COUNT": "2"}
    words = [str(SCRIPT), f"proxy={tmp_path / 'slow_sum.py'}", *WORDS]
    for task in ("3", "4"):
        task_environment = environment | array | {"SLURM_ARRAY_TASK_ID": task}
        running = subprocess.Popen(words, env=task_environment, cwd=tmp_path, stdout=subprocess.DEVNULL)
        if task == "3":  # preempted, and started again on another node
            before = n_logged(tmp_path)
            assert until(lambda before=before: n_logged(tmp_path) > before + 1, 240)
            running.send_signal(signal.SIGTERM)
            assert running.wait(60) == 0
            assert (tmp_path / "shards" / "shard-3.sqlite").is_file()
            shutil.rmtree(tmp_path / "local")
            running = subprocess.Popen(words, env=task_environment, cwd=tmp_path, stdout=subprocess.DEVNULL)
        assert running.wait(300) == 0
    found = merged(tmp_path)
    assert len(found) == 12
    assert n_logged(tmp_path) <= 13
