"""Loads a plug-in and runs each check in turn."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.check.authors import check_function
from harness.check.behaviour import check_behaviour
from harness.check.cases import check_cases, check_device, check_value
from harness.check.cost_and_direction import check_judgement
from harness.check.definition import check_definition
from harness.check.finding import CheckResult, Finding, failed, passed
from harness.check.harness import CheckHarness
from harness.check.networks import check_networks, is_space
from harness.check.reference import check_reference
from harness.check.side_effects import differing, generators, global_settings
from harness.cli.reading import read_options
from harness.errors import HarnessError, MissingDataError
from harness.proxy import PROXIES
from harness.scoring.authors import AuthorsFunction, split_word
from harness.scoring.proxy_spec import load_file, look_beside
from harness.space import BENCHMARKS
from harness.store import FAILED


@dataclass(frozen=True)
class Loaded:
    """The proxies that an argument of the command line names, and the findings from loading them."""

    names: tuple[str, ...]
    findings: tuple[Finding, ...]


def load(word: str) -> Loaded:
    """Load a registered name, of a proxy or of a benchmark, the path of a file of proxies, or FILE.py:FUNCTION.

    Raises:
        UnknownNameError: if no proxy has that name, and no benchmark.
        MissingDataError: if there is no such file.
    """
    if word in BENCHMARKS and word not in PROXIES:
        return Loaded((word,), ())
    if is_space(word):
        return Loaded((word,), ())
    function = split_word(word)
    if function is None and not (word.endswith(".py") or "/" in word):
        PROXIES.get(word)
        return Loaded((word,), (passed("loads", "registered"),))
    PROXIES.discover()
    file, called = function or (word, "")
    path = str(Path(file).expanduser().resolve())
    look_beside(Path(path))  # which is no doing of the file
    before = generators() | global_settings()
    try:
        names = load_file(f"{path}:{called}" if called else path)
    except MissingDataError:
        raise
    except HarnessError as error:
        return Loaded((), (failed("loads", str(error)),))
    changed = differing(before, generators() | global_settings())
    findings = [passed("loads", f"registers {', '.join(names)}")]
    if changed:
        findings = [failed("loads", f"importing the file changes {', '.join(changed)}; only define the proxy")]
    if len(names) > 1:
        findings.append(failed("one proxy", f"the file registers {', '.join(names)}: put each into its own file"))
    return Loaded(names, tuple(findings))


def examine(
    name: str,
    *,
    quick: bool = False,
    options: Mapping[str, Any] | None = None,
    archs: Sequence[str] | None = None,
    data_set: str | None = None,
) -> Iterator[Finding]:
    """Run the checks one after another.

    Args:
        name: a registered proxy; a benchmark, which is compared with its reference package; or networks of a file or an
            installed ModelSpace.
        quick: leave out cost and direction, which take most of the time.
        options: those of the proxy that differ from its defaults.
        archs: the names of networks, where `name` is a function that builds them.
        data_set: what the networks of a file run on.

    Raises:
        HarnessError: for unknown options.
    """
    if is_space(name):
        yield from check_networks(name, archs, data_set)
        return
    if name in BENCHMARKS and name not in PROXIES:
        yield from check_reference(name)
        return
    proxy_class = PROXIES.get(name)
    if issubclass(proxy_class, AuthorsFunction):
        function = proxy_class(**dict(read_options("proxy", name, proxy_class, options or {})))
        yield from check_function(name, function, quick=quick)
        return
    definition = list(check_definition(proxy_class))
    yield from definition
    if any(finding.result is CheckResult.failed for finding in definition if finding.check in ("sees", "options")):
        return  # it cannot be made or run
    proxy = proxy_class(**dict(read_options("proxy", name, proxy_class, options or {})))
    device, names_gpu = check_device(CheckHarness(name, proxy))
    harness = CheckHarness(name, proxy, redirect=names_gpu)
    yield device
    yield check_value(harness)
    if all(score.status == FAILED for score in harness.ordinary):
        return  # the other checks would repeat the failure
    yield from check_behaviour(harness)
    yield from check_cases(harness)
    if not quick:
        yield from check_judgement(harness)
