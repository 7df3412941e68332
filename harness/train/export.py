"""The output of a training run: a state_dict, an ONNX file, and a record of what was trained."""

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from harness.errors import CorruptDataError, HarnessError
from harness.files.atomic import replacing
from harness.inputs import DATA_SETS, DataSet
from harness.space import BENCHMARKS, Architecture, SearchSpace

WEIGHTS, ONNX, RECORD = "network.pt", "network.onnx", "run.json"


@dataclass(frozen=True)
class Record:
    """The network in a folder."""

    space: SearchSpace
    arch: Architecture
    data_set: DataSet


def read_record(folder: Path) -> Record:
    """The record of what was trained in a folder.

    Raises:
        CorruptDataError: if the record is missing or damaged.
        UnknownNameError: if its benchmark or data set is not installed.
    """
    try:
        job = json.loads((folder / RECORD).read_text(encoding="utf-8"))["job"]
        bench, arch, data_set = job["bench"].split("@")[0], job["arch"], job["dataset"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorruptDataError(f"{folder / RECORD} is missing or damaged. Train the network again.") from error
    space = BENCHMARKS.get(bench)
    return Record(space, space.check(arch), DATA_SETS.get(data_set))


def write_weights(network: nn.Module, folder: Path) -> Path:
    """Write the state_dict, on the CPU, which `torch.load(..., weights_only=True)` reads."""
    with replacing(folder / WEIGHTS) as part:
        torch.save({name: value.detach().cpu() for name, value in network.state_dict().items()}, part)
    return folder / WEIGHTS


def write_onnx(network: nn.Module, data_set: DataSet, folder: Path) -> Path:
    """Write the network in eval mode as ONNX: `images` [batch, *shape], any batch, to `logits` [batch, n_classes].

    Raises:
        HarnessError: if the package onnxscript is not installed.
    """
    images = torch.zeros(2, *data_set.shape)
    try:
        with _quiet_exporter(), replacing(folder / ONNX) as part:
            torch.onnx.export(
                network.cpu().eval(),
                (images,),
                str(part),
                input_names=["images"],
                output_names=["logits"],
                dynamic_shapes=({0: torch.export.Dim("batch")},),
                dynamo=True,
                external_data=False,
                verbose=False,
            )
    except ModuleNotFoundError as error:
        raise HarnessError(
            f"ONNX needs the package {error.name}, which is not installed. Run `pip install 'nas-proxy-harness[onnx]'` "
            "and the same command again, or use onnx=false."
        ) from error
    return folder / ONNX


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """Suppress warnings of torch's exporter about its internals and about torchvision, which is not needed."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
