"""The optional library timm, with torchvision, which it needs: imported where something of it is used."""

import importlib
import sys
import warnings
from typing import Any

import torch

from harness.errors import MissingDataError

_OPERATORS = ("nms", "qnms")  # of torchvision's compiled ones those that its import looks up
_SCHEMA = "{}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_declared: list[torch.library.Library] = []  # a schema lasts as long as its library


def import_timm(what: str, module: str = "timm") -> Any:
    """A module of timm.

    The compiled operators of torchvision do not load beside another build of torch. Networks and augmentation need none
    of them, so the schemas that its import looks up are declared, and it is imported all the same.

    Args:
        what: needs it, as the message begins.
        module: timm, or one of its modules.

    Raises:
        MissingDataError: if it cannot be imported.
    """
    try:
        with warnings.catch_warnings():  # of parts of its own that are deprecated
            warnings.simplefilter("ignore")
            _import_torchvision()
            return importlib.import_module(module)
    except (ImportError, RuntimeError, AttributeError) as error:
        reason = str(error).partition("\n")[0]
        raise MissingDataError(
            f"{what} needs the libraries timm and torchvision, which cannot be imported ({reason}). "
            "Run `pip install 'nas-proxy-harness[timm]'`"
        ) from error


def _import_torchvision() -> None:
    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        library: Any = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
        for name in _OPERATORS:
            library.define(_SCHEMA.format(name))
        _declared.append(library)
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        importlib.import_module("torchvision")
