"""Comparisons of a search space with a reference package: its authors' own, or the port that the field uses."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ReferenceCheck:
    """One comparison: its name, whether both agree (None: something to know), and what was compared or differs."""

    check: str
    agrees: bool | None
    text: str
