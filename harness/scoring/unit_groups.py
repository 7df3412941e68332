"""Groups of units, by what their proxies need: those that only count, those for other processes, those in one job.

Units with the same proxies follow one another, so that a question about proxies is asked once for each such row.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter

from harness.scoring.guard import is_foreign, is_importable
from harness.scoring.proxy_spec import ProxySpec
from harness.scoring.run import Unit

_COUNTED_IN_A_WORKER = 250


def split_units(units: Sequence[Unit]) -> tuple[list[Unit], list[Unit]]:
    """The units whose proxies only count, and those with a proxy that runs a network."""
    counts: list[Unit] = []
    networks: list[Unit] = []
    for specs, run in groupby(units, key=attrgetter("specs")):
        run_networks = any(spec.proxy_class.runs_network() for spec in specs)
        (networks if run_networks else counts).extend(run)
    return counts, networks


def placed(units: Sequence[Unit], *, spread: bool) -> tuple[list[Unit], list[Unit]]:
    """The units to compute in this process and in others; `spread`: in others even if all proxies are our own."""
    here: list[Unit] = []
    there: list[Unit] = []
    for specs, run in groupby(units, key=attrgetter("specs")):
        classes = {spec.proxy_class for spec in specs}
        found_there = all(spec.path is not None or is_importable(spec.proxy_class) for spec in specs)
        goes = found_there and (spread or any(map(is_foreign, classes)))
        (there if goes else here).extend(run)
    return here, there


def need_batches(units: Iterable[Unit]) -> bool:
    """Whether any of the units has a proxy that uses inputs."""
    of_units = (specs for specs, _ in groupby(units, key=attrgetter("specs")))
    return any("inputs" in spec.proxy_class.uses() for specs in of_units for spec in specs)


def is_limited(specs: Sequence[ProxySpec]) -> bool:
    """Whether the time of a network is limited: not for evidence that trains."""
    return not any(kind.trains for spec in specs for kind in spec.proxy_class.evidence().values())


def chunks(units: Sequence[Unit]) -> Iterator[tuple[Unit, ...]]:
    """Units that only count, so many with the same proxies together as one job of a worker has."""
    for _, run in groupby(units, key=attrgetter("specs")):
        alike = list(run)
        for start in range(0, len(alike), _COUNTED_IN_A_WORKER):
            yield tuple(alike[start : start + _COUNTED_IN_A_WORKER])
