"""engine=ray: jobs go to the nodes of a Ray cluster, and their outcomes come back to this process, which stores them.

Ray starts a job again whose node or process is lost. Batches are put into Ray's object store once, from which each node
takes one copy. A job is submitted only when there is room for it, so that a cluster is never far ahead of the store.
"""

import logging
import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from harness.errors import HarnessError, OptionError
from harness.placement import EngineSettings
from harness.scoring.engines import node
from harness.scoring.engines.base import Outcome
from harness.scoring.engines.shipping import Bundle, bundle, paths_of
from harness.scoring.run import ContextSpec
from harness.scoring.worker import Done, Job, MachineFault, Refused

ANSWER_WITHIN_S = 15.0
_WAIT_S, _LOOK_EVERY_S, _LONGEST_WITHOUT_NODES_S = 1.0, 2.0, 60.0
_AHEAD = 1.5  # jobs under way for each that runs, so that none waits for this process
_MAX_RETRIES = 3
_MODE = "RAY_AUTH_MODE"


class RayCluster:
    """The cluster of the settings; this process joins it with the first job and leaves it when it ends."""

    def __init__(self, settings: EngineSettings, timeout_s: float | None) -> None:
        self._settings, self._timeout_s = settings, timeout_s
        self._batches: dict[ContextSpec, Any] = {}  # references into the object store
        self._bundles: dict[str, Bundle] = {}
        self._remote: Any = None
        self._versions = node.versions()
        self._room, self._looked, self._without_nodes_since = 0, 0.0, 0.0

    def run(self, jobs: Iterable[Job], *, fresh: bool = False) -> Iterator[tuple[Job, Outcome]]:
        """See `Engine`.

        Raises:
            HarnessError: for a user error, a cluster that does not answer, has no room, or has lost all its nodes.
        """
        ray = self.ready()
        waiting = deque(jobs)
        running: dict[Any, Job] = {}
        try:
            while waiting or running:
                most = 1 if fresh else self._most(ray)
                while waiting and len(running) < most:
                    job = waiting.popleft()
                    running[self._submitted(ray, job, fresh)] = job
                if not running:
                    time.sleep(_WAIT_S)
                    continue
                ready, _ = ray.wait(list(running), num_returns=1, timeout=_WAIT_S)
                for reference in ready:
                    job = running.pop(reference)
                    yield job, self._fetched(ray, reference, job)
        finally:
            for reference in running:
                ray.cancel(reference, force=True)

    def close(self) -> None:
        """Let the object store drop the batches."""
        self._batches.clear()

    def ready(self) -> ModuleType:
        """See `Engine`; returns Ray."""
        address = self._settings.address or "auto"
        if address != "local" and not _is_joined():  # before the import, which reads how it is to authenticate
            _require_answer(address)
        ray = _imported()
        if not ray.is_initialized():
            _join(ray, address)
        if self._remote is None:
            settings = self._settings
            retries = _MAX_RETRIES if settings.max_retries is None else settings.max_retries
            self._remote = ray.remote(
                num_cpus=1 if settings.cpus_per_unit is None else settings.cpus_per_unit,
                num_gpus=settings.gpus_per_unit or 0,
                max_retries=retries,
                max_calls=0,  # a process goes on with its worker, also on a GPU
                scheduling_strategy="SPREAD",
            )(node.answer)
            if not self._slots(ray):
                raise OptionError(
                    f"No node of the Ray cluster has {_needs(settings)}, as a unit needs; lower engine.cpus_per_unit= "
                    "or engine.gpus_per_unit=, or add nodes."
                )
        return ray

    def _slots(self, ray: ModuleType) -> int:
        """How many units the nodes that are there can run at once."""
        cpus, gpus = self._settings.cpus_per_unit or 1.0, self._settings.gpus_per_unit or 0.0
        found = 0
        for one in ray.nodes():
            if one["Alive"]:
                has = one["Resources"]
                of_node = int(has.get("CPU", 0) / cpus + 1e-9)
                found += min(of_node, int(has.get("GPU", 0) / gpus + 1e-9)) if gpus else of_node
        return found

    def _most(self, ray: ModuleType) -> int:
        """How many jobs may be under way, of which the cluster runs as many as it has room for."""
        now = time.monotonic()
        if now - self._looked > _LOOK_EVERY_S:
            slots, self._looked = self._slots(ray), now
            self._room = int(slots * _AHEAD) + 1 if slots else 0
            self._without_nodes_since = 0.0 if slots else self._without_nodes_since or now
        if self._without_nodes_since and now - self._without_nodes_since > _LONGEST_WITHOUT_NODES_S:
            raise HarnessError(
                f"The Ray cluster has had no node with {_needs(self._settings)} for {_LONGEST_WITHOUT_NODES_S:g} s. "
                "Finished scores are kept; add nodes, and run the same command again."
            )
        return self._room

    def _submitted(self, ray: ModuleType, job: Job, fresh: bool) -> Any:
        batches = None
        if job.with_batches:
            if job.context not in self._batches:
                self._batches.clear()
                self._batches[job.context] = ray.put(node.arrays_of(job.context.drawn().batches))
            batches = self._batches[job.context]
        bundles = {path: self._bundle(path) for path in paths_of(job)}
        return self._remote.remote(node.Shipment(job, bundles, self._versions, fresh, self._timeout_s), batches)

    def _bundle(self, path: str) -> Bundle:
        if path not in self._bundles:
            self._bundles[path] = bundle(path, self._settings.name)
        return self._bundles[path]

    def _fetched(self, ray: ModuleType, reference: Any, job: Job) -> Outcome:
        errors = ray.exceptions
        try:
            reply: node.Reply = ray.get(reference)
        except (errors.RayTaskError, errors.RuntimeEnvSetupError) as error:
            cause = (str(error).strip().splitlines() or ["no reason given"])[-1]
            raise HarnessError(
                f"A node of the Ray cluster cannot run the harness: {cause}. Install the version of this machine on "
                "all nodes; finished scores are kept."
            ) from None
        except errors.RayError as error:
            first = (str(error).strip().splitlines() or [""])[0].rstrip(".")
            return MachineFault(f"the loss of a node or process of the Ray cluster ({type(error).__name__}: {first})")
        if isinstance(reply.outcome, Refused):
            raise reply.outcome.error
        if isinstance(reply.outcome, Done):  # with this machine's own units, whose files have their own paths
            pairs = zip(job.units, reply.outcome.results, strict=True)
            return reply.outcome._replace(results=tuple((unit, scores) for unit, (_, scores) in pairs))
        return reply.outcome


def _needs(settings: EngineSettings) -> str:
    gpus = f" and {settings.gpus_per_unit:g} GPU" if settings.gpus_per_unit else ""
    return f"{1 if settings.cpus_per_unit is None else settings.cpus_per_unit:g} CPU{gpus}"


def _is_joined() -> bool:
    return "ray" in sys.modules and bool(sys.modules["ray"].is_initialized())


def _imported() -> ModuleType:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_TQDM_PATCH_PRINT", "0")  # a replaced print would be laid to proxies that run later
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # what Ray will do, said so that it need not warn
    logging.getLogger("ray").setLevel(logging.ERROR)
    import ray
    import ray.exceptions

    module: ModuleType = ray
    return module


def _join(ray: ModuleType, address: str) -> None:
    """Become part of the cluster.

    Raises:
        HarnessError: if it does not answer, or this machine does not belong to it.
    """
    try:
        ray.init(address=address, log_to_driver=False, configure_logging=False, logging_level="ERROR")
    except (ConnectionError, RuntimeError, ValueError, TimeoutError, ray.exceptions.RayError) as error:
        first = (str(error).strip().splitlines() or [""])[0].rstrip(".")
        raise HarnessError(
            f"engine.address={address} cannot be used: {first}. Run the command on a machine of the cluster: "
            "`ray start --address=HOST:PORT` makes this one part of it."
        ) from None


def _require_answer(address: str) -> None:
    """Ask the head node in a process of its own: Ray's own attempt takes minutes and may end the process that makes it.

    A cluster that wants a token is asked, and then joined, with the one that is here.

    Raises:
        HarnessError: if there is no answer.
    """
    if _answers(address):
        return
    if _MODE not in os.environ and _has_token():
        os.environ[_MODE] = "token"
        wants_token = _answers(address)
        if wants_token and "ray" not in sys.modules:
            return
        del os.environ[_MODE]
        if wants_token:
            raise HarnessError(
                f"The Ray cluster at engine.address={address} wants a token, and Ray was imported here before it was "
                f"told to use one. Set the environment variable {_MODE}=token and start the program again."
            )
    raise HarnessError(
        f"No Ray cluster answers at engine.address={address}. Start one with `ray start --head`, give the HOST:PORT of "
        "its head node, or use engine.address=local; a cluster with token authentication needs its token in "
        "~/.ray/auth_token here."
    )


def _has_token() -> bool:
    named = os.environ.get("RAY_AUTH_TOKEN_PATH")
    path = Path(named) if named else Path.home() / ".ray" / "auth_token"
    return "RAY_AUTH_TOKEN" in os.environ or path.is_file()


def _answers(address: str) -> bool:
    asked = [] if address == "auto" else ["--address", address]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "ray.scripts.scripts", "health-check", *asked],
            capture_output=True,
            timeout=ANSWER_WITHIN_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
