"""Comparisons of a search space with a reference package: its authors' own, or the port that the field uses."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class ReferenceCheck:
    """One comparison: its name, whether both agree (None: something to know), and what was compared or differs."""

    check: str
    agrees: bool | None
    text: str


def told(package: str, check: str, wrong: Sequence[str], agreed: str) -> ReferenceCheck:
    """A comparison of several architectures.

    Args:
        package: the reference package.
        check: the comparison's name.
        wrong: the architectures where it differs.
        agreed: what was compared, said where it differs for none.
    """
    if not wrong:
        return ReferenceCheck(check, True, agreed)
    return ReferenceCheck(check, False, f"{package} differs for {len(wrong)} cells, the first being {wrong[0]}")
