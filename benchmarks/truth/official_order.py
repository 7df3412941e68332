"""The order of a published list of architectures, which must be the official one of the space."""

from collections.abc import Sequence
from pathlib import Path

from harness.errors import CorruptDataError
from harness.space import Architecture


def require_official_order(listed: list[str], archs: Sequence[Architecture], path: Path) -> None:
    """Nothing, if a file lists all architectures of a space in their order.

    Raises:
        CorruptDataError: naming the file, if not.
    """
    if listed != list(archs):
        raise CorruptDataError(f"{path} does not list the {len(archs):,} architectures in official order.")
