"""What a scoring run consists of: its setting and proxies, their keys, and the units that the store lacks."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Self

import torch

from harness.errors import HarnessError
from harness.evidence.base import ScoringContext
from harness.inputs import (
    DATA_SETS,
    Batch,
    Batches,
    BatchRequest,
    DataSet,
    InputKind,
    draw_batches,
    not_by_name,
    preferred_kind,
)
from harness.placement import EngineSettings
from harness.protocol import Protocol, fitted
from harness.proxy import Sees
from harness.scoring.arithmetic import check_tf32
from harness.scoring.proxy_spec import ProxySpec
from harness.settings import Settings
from harness.space import BENCHMARKS, Architecture, Execute, SearchSpace, space_of
from harness.store import Score, ScoreKey, ScoreStore

DEFAULT_TIMEOUT_S = 600.0


@dataclass(frozen=True)
class ContextSpec:
    """A setting by names: what a worker needs to make it anew, equal in every process.

    Attributes:
        own: the data set `data_set`, where no registry has it: a user's own, or a registered one with another loss.
        inputs_sha256: of the batches that the run has drawn; empty: any. Those of a worker must be the same.
    """

    bench: str
    data_set: str
    inputs: InputKind
    protocol: Protocol
    seed: int
    device: str
    own: DataSet | None = None
    inputs_sha256: str = ""

    def __post_init__(self) -> None:
        check_tf32("protocol.dtype", self.protocol.dtype, self.device)
        _ = self.space

    @classmethod
    def of(cls, space: SearchSpace, data_set: DataSet, settings: Settings, seed: int) -> Self:
        """A space and a data set as settings say: the best inputs that are here, in batches that they suffice for."""
        inputs = preferred_kind(data_set, settings.inputs)
        protocol = settings.protocol if inputs is InputKind.noise else fitted(settings.protocol, data_set)
        return cls(space.word, data_set.name, inputs, protocol, seed, settings.device, not_by_name(data_set))

    @property
    def space(self) -> SearchSpace:
        """The search space, with networks as the protocol scores them.

        Raises:
            OptionError: if it has no such networks.
        """
        protocol = self.protocol
        return space_of(self.bench).as_scored(
            residuals=protocol.residuals, squeeze_excitation=protocol.squeeze_excitation
        )

    @property
    def is_only_here(self) -> bool:
        """Whether networks or inputs exist in this process alone, so that no other can score them."""
        return BENCHMARKS.is_lent(self.bench) or DATA_SETS.is_lent(self.data_set)

    @property
    def request(self) -> BatchRequest:
        """The batches that the protocol asks for."""
        return BatchRequest(self.inputs, self.protocol.n_batches, self.protocol.batch_size, self.seed)

    def find_data_set(self) -> DataSet:
        """The data set that `data_set` names.

        Raises:
            UnknownNameError: if there is none.
        """
        return self.own or DATA_SETS.get(self.data_set)

    def make(self, *, with_batches: bool, given: Sequence[Batch] | None = None) -> ScoringContext:
        """The setting; batches are read or drawn only if some evidence uses inputs and none are given."""
        data_set, device = self.find_data_set(), torch.device(self.device)
        batches: Sequence[Batch] = ()
        if with_batches:
            batches = self.drawn().batches if given is None else given
        return ScoringContext(
            space=self.space,
            data_set=data_set,
            protocol=self.protocol,
            seed=self.seed,
            batches=tuple(batch.to(device) for batch in batches),  # once for all networks
            device=device,
            inputs=self.inputs,
        )

    def drawn(self) -> Batches:
        """The batches, read or drawn.

        Raises:
            HarnessError: if they are not those that the run has drawn.
        """
        data_set = self.find_data_set()
        drawn = draw_batches(data_set, self.request)
        if self.inputs_sha256 and drawn.sha256 != self.inputs_sha256:
            raise HarnessError(
                f"dataset={data_set.name} gives other inputs each time it is read, so that no score could be repeated. "
                "Draw all that is random in it from the generators of torch, NumPy or random, which are seeded."
            )
        return drawn


class Unit(NamedTuple):
    """What a worker computes at once: some proxies on one architecture."""

    arch: Architecture
    execute: Execute
    specs: tuple[ProxySpec, ...]

    @property
    def paths(self) -> list[str]:
        """The files of its proxies that are no plug-ins."""
        return [spec.path for spec in self.specs if spec.path is not None]


Result = tuple[Unit, dict[str, Score]]


@dataclass(frozen=True)
class ScoringRun:
    """Proxies to be scored on architectures in one setting; `batches` is None where no proxy uses inputs."""

    context: ContextSpec
    specs: tuple[ProxySpec, ...]
    batches: Batches | None

    def key(self, spec: ProxySpec) -> ScoreKey:
        """The whole key of the scores of one proxy; settings that it does not use are left empty."""
        proxy_class = spec.proxy_class
        uses = proxy_class.uses()
        return ScoreKey(
            space=space_of(self.context.bench).key,
            data_set=self.context.own.key if self.context.own else self.context.data_set,
            inputs=self.batches.sha256 if "inputs" in uses and self.batches is not None else "",
            protocol=self.context.protocol.key if "protocol" in uses else "",
            proxy=f"{spec.name}@{proxy_class.version}",
            options=spec.options_json,
            source=spec.digest,
            seed=self.context.seed if "seed" in uses else -1,
        )

    def scored_as(self, spec: ProxySpec, archs: Sequence[Architecture]) -> Sequence[Architecture]:
        """What scores are computed and stored under: the architectures; for `Sees.LIVE` proxies canonical forms."""
        space = space_of(self.context.bench)
        forms = space.canonical_forms(archs) if spec.proxy_class.sees is Sees.LIVE else archs
        data_set = self.context.find_data_set()
        seed = self.context.seed if "seed" in spec.proxy_class.uses() else None
        return space.keyed(forms, data_set, seed)


@dataclass(frozen=True)
class ExecutionOptions:
    """How a run computes: worker processes, and whether stored scores and failures are taken as they are.

    `timeout_s` is the wall time that a network may take, None without limit; `engine` says where networks are computed.
    """

    workers: int
    resume: bool = True
    retry_failed: bool = False
    timeout_s: float | None = DEFAULT_TIMEOUT_S
    engine: EngineSettings = field(default_factory=EngineSettings)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """As the settings of an evaluation or a search say."""
        again = settings.retry == "failed"
        return cls(settings.n_workers, settings.resume, again, settings.timeout_per_network, settings.engine)

    @property
    def replaces(self) -> bool:
        """Whether what is computed takes the place of what is stored."""
        return self.retry_failed or not self.resume


def missing_units(
    run: ScoringRun, archs: Sequence[Architecture], store: ScoreStore, execution: ExecutionOptions
) -> list[Unit]:
    """The units whose scores the store lacks, in the order of `archs`."""
    wanted: dict[tuple[Architecture, Execute], int] = {}  # a bit for each of the specs
    for position, spec in enumerate(run.specs):
        known = store.known(run.key(spec), but_failed=execution.retry_failed) if execution.resume else set()
        execute: Execute = "live" if spec.proxy_class.sees is Sees.LIVE else "all"
        for arch in run.scored_as(spec, archs):
            if arch not in known:
                wanted[arch, execute] = wanted.get((arch, execute), 0) | 1 << position
    # Units with the same specs share one tuple: telling them apart is then a matter of identity.
    specs_of = {
        bits: tuple(spec for position, spec in enumerate(run.specs) if bits >> position & 1)
        for bits in set(wanted.values())
    }
    return [Unit(arch, execute, specs_of[bits]) for (arch, execute), bits in wanted.items()]
