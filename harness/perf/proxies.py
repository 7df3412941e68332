"""The cost of each proxy alone, and the savings from running several together."""

from collections.abc import Iterator, Mapping
from time import thread_time

from harness.errors import OptionError
from harness.evidence.base import ScoringContext
from harness.perf.figure import Bench, Figure
from harness.progress import Progress
from harness.proxy import PROXIES, Proxy, Sees
from harness.scoring.engine import score
from harness.space import Architecture

SUITE_ZERO = (
    "epe_nas",
    "fisher",
    "flops",
    "grad_norm",
    "grasp",
    "jacob_cov",
    "l2_norm",
    "naswot",
    "params",
    "plain",
    "snip",
    "synflow",
    "zen",
)
"""The thirteen proxies of NAS-Bench-Suite-Zero (arXiv:2210.03230), by our names."""

CHEAP_S = 0.2


def cost_of_each(bench: Bench) -> Iterator[Figure]:
    """CPU seconds per network of every registered proxy alone, and of all together."""
    alone, together = _alone_and_together(bench, {name: PROXIES.get(name)() for name in sorted(PROXIES)})
    for name, seconds in sorted(alone.items(), key=lambda item: item[1]):
        yield Figure("proxies", name, seconds, "CPU s per network")
    yield Figure("proxies", "all, one at a time", sum(alone.values()), "CPU s per network")
    yield Figure("proxies", "all together", together, "CPU s per network")


def suite_zero_together(bench: Bench) -> Iterator[Figure]:
    """The thirteen proxies of NAS-Bench-Suite-Zero in one run, relative to the sum of thirteen runs."""
    unknown = [name for name in SUITE_ZERO if name not in PROXIES]
    if unknown:
        raise OptionError(f"The measurement `sharing` needs the proxies {', '.join(unknown)}, which are not installed.")
    alone, together = _alone_and_together(bench, {name: PROXIES.get(name)() for name in SUITE_ZERO})
    yield Figure("sharing", "thirteen proxies, one at a time", sum(alone.values()), "CPU s per network")
    yield Figure("sharing", "thirteen proxies together", together, "CPU s per network")
    yield Figure("sharing", "together over one at a time", together / sum(alone.values()), "ratio", target=1 / 3)


def _alone_and_together(bench: Bench, proxies: Mapping[str, Proxy]) -> tuple[dict[str, float], float]:
    """CPU seconds per network of each proxy run alone, and of all at once, interleaved on the same cells."""
    alone = dict.fromkeys(proxies, 0.0)
    together = 0.0
    with Progress("proxies", bench.n_cells * (len(proxies) + 1), "passes") as progress:
        _seconds(bench.context, bench.cells[0], proxies)  # the first pass includes initialisation of the library
        for cell in bench.cells:
            for name, proxy in proxies.items():
                alone[name] += _seconds(bench.context, cell, {name: proxy}) / bench.n_cells
                progress.advance()
            together += _seconds(bench.context, cell, proxies) / bench.n_cells
            progress.advance()
    return alone, together


def _seconds(context: ScoringContext, cell: Architecture, proxies: Mapping[str, Proxy]) -> float:
    """CPU seconds to score a cell as in a run: Sees.LIVE proxies on its canonical form, others on the cell itself."""
    live = {name: proxy for name, proxy in proxies.items() if proxy.sees is Sees.LIVE}
    rest = {name: proxy for name, proxy in proxies.items() if proxy.sees is Sees.ALL}
    started = thread_time()
    if live:
        score(context, context.space.canonical(cell), "live", live)
    if rest:
        score(context, cell, "all", rest)
    return thread_time() - started
