"""The library timm, imported when a network is built and not before."""

import warnings
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, cast

import torch
from torch import nn

from benchmarks.timm_zoo.rows import LARGEST, Row
from harness.errors import MissingDataError, PlugInError
from harness.space.own_network import OwnNetwork
from harness.space.tracing import Trace, trace
from harness.timm_import import import_timm

REFERENCE = "1.0.31"
"""The version with which the counts were made, and which has all networks of the table."""


@cache
def installed() -> str | None:
    """The version of timm that is installed, which need not be importable; None without one."""
    try:
        return version("timm")
    except PackageNotFoundError:
        return None


@cache
def imported() -> Any:
    """The module.

    Raises:
        MissingDataError: if it cannot be imported.
    """
    try:
        return import_timm("A network of the benchmark timm")
    except MissingDataError as error:
        raise MissingDataError(
            f"{error}; truth, pictures and the counts of population=counted need neither."
        ) from error


def require_for_counts(n_uncounted: int, n_archs: int) -> None:
    """Make sure that architectures without stored counts can be counted.

    Raises:
        MissingDataError: if timm cannot be imported; it says how many they are and what can be counted without.
    """
    try:
        import_timm(f"Counting {n_uncounted:,} of the {n_archs:,} architectures, whose counts are not stored,")
    except MissingDataError as error:
        raise MissingDataError(f"{error}, or use population=counted, whose counts are stored.") from error


def missing(names: set[str]) -> list[str]:
    """Those of some networks that the installed timm lacks, sorted.

    Raises:
        MissingDataError: if timm cannot be imported.
    """
    timm = imported()
    return sorted(name for name in names if not timm.is_model(name))


def built(row: Row, n_classes: int, n_channels: int) -> nn.Module:
    """A new network without trained weights, drawn as timm draws them.

    Raises:
        MissingDataError: if timm cannot be imported.
        PlugInError: if this version of timm has no such network.
    """
    timm = imported()
    if not timm.is_model(row.network):
        raise PlugInError(
            f"timm {timm.__version__} has no network called '{row.network}'; timm {REFERENCE} has all of the benchmark."
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = timm.create_model(row.network, pretrained=False, num_classes=n_classes, in_chans=n_channels)
    return cast(nn.Module, made)


@cache
def n_params(network: str, n_classes: int, n_channels: int) -> int:
    """Number of trainable parameters of a network, which do not depend on the size of its images.

    Raises:
        MissingDataError, PlugInError: as `built`.
    """
    with torch.device("meta"):
        made = built(Row(network, LARGEST), n_classes, n_channels)
    return sum(parameter.numel() for parameter in made.parameters() if parameter.requires_grad)


def traced(row: Row, n_classes: int, n_channels: int) -> tuple[nn.Module, Trace]:
    """A network of the meta device, where nothing is computed, and its counts at the size of the row.

    Raises:
        MissingDataError, PlugInError: as `built`.
    """
    with torch.device("meta"):
        body = built(row, n_classes, n_channels).train()
    network = OwnNetwork(body, row.network, "timm", (), lambda seed: body)
    return body, trace(network, torch.empty(1, n_channels, row.size, row.size, device="meta"))
