"""Verification: what of a record holds, found by computing it again; nothing that a record says is taken for true."""

import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.errors import CorruptDataError, HarnessError, OptionError
from harness.paths import data_home, images_home
from harness.records.files import Scores, Stored, copy_proxy, read_record, read_scores, shown
from harness.records.recompute import Answer, Request, read_answer, recomputed, write_request
from harness.records.record import Origin
from harness.records.statistics import RELATIVE, Subject, differences, statistics_of

TIMEOUT_S = 1800.0
_MOST_SHOWN = 3
_MOST_SAID = 4_096  # bytes at the end of what foreign code says


@dataclass(frozen=True)
class How:
    """How records are verified.

    Attributes:
        networks: how many are scored again; 0: none.
        seed: draws them; None: another one each time, so that nobody knows beforehand which will be scored.
        run_code: whether a record's own proxy file, or that of an installed package, is run.
        container: image of a container without network in which that is done; None: a process of this machine.
        store: keeps the scores of counts; None: they are computed anew.
    """

    networks: int = 5
    seed: int | None = None
    run_code: bool = False
    container: str | None = None
    store: Path | None = None

    def __post_init__(self) -> None:
        if self.networks < 0:
            raise OptionError(f"--networks {self.networks} is invalid: it must be 0 or more.")
        if self.container is not None and not self.run_code:
            raise OptionError("--container is about foreign code, which is not run; give --run-code too.")


@dataclass(frozen=True)
class Verified:
    """What was found about a record.

    Attributes:
        folder: of the record.
        faults: what does not hold; none: everything that was computed again agrees.
        n_networks: networks whose scores were computed again and agree.
        why_not: why no scores were computed again; empty if they were.
    """

    folder: Path
    faults: Sequence[str]
    n_networks: int = 0
    why_not: str = ""

    @property
    def sentence(self) -> str:
        """What was confirmed, in words."""
        if self.faults:
            more = f"; and {len(self.faults) - _MOST_SHOWN} more" if len(self.faults) > _MOST_SHOWN else ""
            return f"NOT CONFIRMED: {'; '.join(self.faults[:_MOST_SHOWN])}{more}"
        if self.why_not:
            return f"statistics confirmed, scores not recomputed: {self.why_not}"
        return f"statistics confirmed; scores of {self.n_networks} networks recomputed and confirmed"


def verify(folder: Path, how: How, store: Path) -> Verified:
    """Compute a record again.

    Args:
        folder: of the record.
        how: what is computed.
        store: keeps the scores of counts.

    Raises:
        HarnessError: for a record that cannot be read, a table whose digest is wrong, or ground truth that is not here
            in the record's version.
    """
    stored = read_record(folder)
    scores = read_scores(stored)
    faults = _misplaced(stored)
    faults += differences(stored.record.statistics, statistics_of(Subject.of(stored.record), scores, store))
    if faults:
        return Verified(folder, faults)
    why = _why_not(stored, scores, how)
    if why:
        return Verified(folder, faults, why_not=why)
    rows = _drawn(scores, how)
    request = Request.of(stored.record, [int(scores.index[row]) for row in rows])
    answer = _answered(stored, request, how)
    if answer.fault:
        return Verified(folder, [*faults, shown(answer.fault)])
    if answer.why:
        return Verified(folder, faults, why_not=shown(answer.why))
    for seed, values in answer.values(request).items():
        faults += _differing(scores, rows, seed, values)
    return Verified(folder, faults, len(rows))


def _differing(scores: Scores, rows: Sequence[int], seed: str, values: Sequence[float]) -> list[str]:
    """Which scores differ, in words.

    The tolerance is relative to the score or to the spread of all scores, whichever is less: scores that differ by
    little against their size could otherwise be put into any order.
    """
    stated = scores.by_seed[seed]
    finite = stated[np.isfinite(stated)]
    spread = float(np.std(finite)) if finite.size else 0.0
    faults = []
    for row, value in zip(rows, values, strict=True):
        one = float(stated[row])
        most = RELATIVE * (min(abs(one), spread) if spread else abs(one))
        if not (np.isnan(one) and np.isnan(value)) and one != value and not abs(one - value) <= most:
            faults.append(
                f"the score of architecture {int(scores.index[row])} (seed {seed}) is {one:.6g} in the record and "
                f"{value:.6g} when computed again (relative tolerance {RELATIVE:g})"
            )
    return faults


def _misplaced(stored: Stored) -> list[str]:
    """Whether the folder is the one that the contents name."""
    wanted, here = stored.record.place, stored.folder.resolve()
    if here.parts[-len(wanted.parts) :] != wanted.parts:
        return [f"its folder must be {wanted.as_posix()}"]
    return []


def _why_not(stored: Stored, scores: Scores, how: How) -> str:
    """Why its scores cannot be computed again; empty if they can."""
    record = stored.record
    if record.is_elsewhere:
        return "they were computed elsewhere, and are verified by nobody"
    if how.networks == 0:
        return "--networks 0"
    if record.proxy.origin is Origin.function:
        return "the code of its authors is not part of the record"
    if record.cost.device != "cpu" and record.protocol is not None:
        return f"they were computed on {record.cost.device}"
    if record.proxy.origin is not Origin.built_in and not how.run_code:
        return "the proxy's code is foreign and was not run; --run-code runs it"
    if not len(scores.index):
        return "there are none"
    return ""


def _drawn(scores: Scores, how: How) -> list[int]:
    """The rows of the networks that are scored again."""
    seed = secrets.randbits(32) if how.seed is None else how.seed
    n = min(how.networks, len(scores.index))
    return sorted(np.random.default_rng(seed).choice(len(scores.index), size=n, replace=False).tolist())


def _answered(stored: Stored, request: Request, how: How) -> Answer:
    """The harness's own proxies are scored in this process; foreign code in another one, which does not judge."""
    if request.proxy.origin is Origin.built_in:
        return recomputed(request, None)
    with tempfile.TemporaryDirectory(prefix="harness-verify-") as made:
        folder = Path(made).resolve()
        write_request(folder, request)
        copy_proxy(stored, folder)
        command = [sys.executable, "-m", "harness.records.recompute", str(folder)]
        if how.container is not None:
            command = contained(how.container, folder)
        with tempfile.TemporaryFile() as said:  # not in this process's memory: foreign code may say any amount
            try:
                done = subprocess.run(
                    command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said, check=False,
                    timeout=TIMEOUT_S, env=_environment(),
                )  # fmt: skip
            except subprocess.TimeoutExpired:
                if how.container is not None:  # of which only the client has ended
                    subprocess.run(["docker", "kill", folder.name], capture_output=True, check=False)
                raise CorruptDataError(f"The proxy's process took longer than {TIMEOUT_S:,.0f} s.") from None
            except OSError as error:
                raise OptionError(f"{command[0]} cannot be started: {error.strerror or error}.") from None
            if done.returncode:
                said.seek(max(0, said.seek(0, os.SEEK_END) - _MOST_SAID))
                lines = said.read(_MOST_SAID).decode("utf-8", "replace").split("\n")
                last = next((line for line in reversed(lines) if line.strip()), "no message")
                raise HarnessError(f"The process of foreign code ended with status {done.returncode}: {shown(last)}.")
        return read_answer(folder)


def contained(image: str, folder: Path) -> list[str]:
    """The command that answers a request in a container: no network, no rights, nothing to write but the folder."""
    there = {f"{data_home()}:/data:ro": data_home().is_dir(), f"{images_home()}:/images:ro": images_home().is_dir()}
    volumes = [word for volume, is_there in there.items() if is_there for word in ("--volume", volume)]
    return [
        "docker", "run", "--rm", "--name", folder.name, "--network", "none", "--read-only", "--cap-drop", "ALL",
        "--security-opt", "no-new-privileges", "--pids-limit", "256", "--memory", "6g", "--cpus", "2",
        "--user", f"{os.getuid()}:{os.getgid()}", "--tmpfs", "/tmp:rw,size=1g",
        "--env", "HOME=/tmp", "--env", "USER=harness", "--env", "HARNESS_DATA=/data", "--env", "HARNESS_IMAGES=/images",
        *volumes, "--volume", f"{folder}:/request:rw",
        image, "python", "-m", "harness.records.recompute", "/request",
    ]  # fmt: skip


def _environment() -> dict[str, str]:
    """This process's environment, with what is imported here found there too."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(map(os.path.abspath, filter(None, sys.path)))}
