"""Functions of the user's that build a network: what their signature takes, and the call."""

import inspect
from collections.abc import Callable
from typing import Any

from harness.errors import PlugInError
from harness.inputs import DataSet


def call_build(build: Callable[..., Any], arch: str, data_set: DataSet) -> Any:
    """What a build function returns, called with the name alone or also with the data set, as its signature takes."""
    return build(arch, data_set) if n_arguments(build) > 1 else build(arch)


def n_arguments(build: Callable[..., Any], *, least: int = 1) -> int:
    """How many positional arguments a function takes: up to 2, where it takes more.

    Raises:
        PlugInError: if it takes fewer than `least`.
    """
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    try:
        parameters = list(inspect.signature(build).parameters.values())
    except (TypeError, ValueError):
        return least
    n_taken = sum(one.kind in kinds and (least > 0 or one.default is inspect.Parameter.empty) for one in parameters)
    if any(one.kind is inspect.Parameter.VAR_POSITIONAL for one in parameters):
        return 2
    if n_taken < least:
        raise PlugInError(
            f"{getattr(build, '__name__', 'build')} takes no argument; it must take (arch) or (arch, data_set)."
        )
    return min(n_taken, 2)
