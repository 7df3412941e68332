"""The comparison of a benchmark with the reference package that it names, on this machine."""

from collections.abc import Iterator

from harness.check.finding import CheckResult, Finding, note
from harness.space import BENCHMARKS

_RESULTS = {True: CheckResult.passed, False: CheckResult.failed, None: CheckResult.note}


def check_reference(name: str) -> Iterator[Finding]:
    """One finding for each thing that a benchmark compares with its reference package.

    Raises:
        UnknownNameError: if no benchmark has that name.
    """
    space = BENCHMARKS.get(name)
    n_found = 0
    try:
        for found in space.reference_checks():
            n_found += 1
            yield Finding(found.check, _RESULTS[found.agrees], found.text)
    except ImportError as error:
        yield Finding("package", CheckResult.failed, f"{error}. Install it: pip install {error.name or 'the package'}.")
        return
    if not n_found:
        yield note("package", f"{name} names no reference package to be compared with")
