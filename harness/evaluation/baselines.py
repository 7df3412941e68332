"""Baselines: which columns of an evaluation are counts, and which counts the others are compared with."""

from collections.abc import Iterable, Sequence

from harness.agreement import RowKey
from harness.columns import COSTS
from harness.errors import OptionError
from harness.proxy import PROXIES, baseline_names, is_baseline
from harness.settings import Settings


def compared_with(settings: Settings | None = None) -> tuple[str, ...]:
    """The counts that every proxy is compared with: those of against=.

    Raises:
        UnknownNameError: for a name that nothing has.
        OptionError: for a proxy that is no baseline.
    """
    names = tuple(dict.fromkeys((settings or Settings()).against))
    for name in names:
        if not is_baseline(name):
            PROXIES.get(name)
            raise OptionError(
                f"against={name} is invalid: {name} is no baseline; the baselines are {', '.join(baseline_names())}."
            )
    return names


def baselines_among(row_keys: Iterable[RowKey]) -> frozenset[str]:
    """The names of the columns that are baselines, as `Proxy.baseline` says; scores computed elsewhere are none."""
    return frozenset(key.proxy for key in row_keys if is_baseline(key.proxy, version=key.version))


def missing_baselines(asked: Sequence[RowKey], settings: Settings) -> list[str]:
    """Counts to compare with that were not requested; none where only counts were requested."""
    names = {key.proxy for key in asked}
    if names == baselines_among(asked):
        return []
    return [name for name in compared_with(settings) if name not in names]


def missing_costs(known: Iterable[RowKey]) -> list[str]:
    """Counts of which agreement at equal cost is found, that were neither requested nor compared with."""
    names = {key.proxy for key in known if is_baseline(key.proxy, version=key.version)}
    return [name for name in COSTS.values() if name not in names]


def checked_hypotheses(settings: Settings, proxies: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """The hypotheses that were declared, of proxies and baselines that are compared here.

    Raises:
        OptionError: for one of a proxy that is not evaluated, or a baseline that nothing is compared with.
    """
    for proxy, baseline in settings.hypotheses:
        said = f"hypothesis={proxy}:{baseline} is invalid"
        if proxy not in proxies:
            raise OptionError(f"{said}: {proxy} is not evaluated here; the proxies are {', '.join(proxies)}.")
        if is_baseline(proxy):
            raise OptionError(f"{said}: {proxy} is a baseline, which gets no verdict.")
        if baseline not in settings.against:
            raise OptionError(
                f"{said}: nothing is compared with {baseline}; against= has {', '.join(settings.against)}."
            )
    return settings.hypotheses
