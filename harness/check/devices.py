"""Redirects calls that name a GPU to the CPU: a proxy must use the device of its evidence."""

import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

_TORCH = str(Path(torch.__file__).parent)


class Redirected(TorchFunctionMode):
    """A context in which `.cuda()` has no effect and `device="cuda"` means the CPU; `places` lists the calls."""

    def __init__(self) -> None:
        super().__init__()
        self.places: list[str] = []

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call `func` with the CPU in place of any GPU."""
        kwargs = kwargs or {}
        if func is torch.Tensor.cuda:
            self._note(".cuda()")
            return args[0]
        found = [entry for entry in (*args, *kwargs.values()) if _is_gpu(entry)]
        # Creating a device has no effect, and torch does so internally.
        if found and func is not torch.device:
            self._note(repr(str(found[0])))
            args = tuple(_on_cpu(entry) for entry in args)
            kwargs = {name: _on_cpu(entry) for name, entry in kwargs.items()}
        return func(*args, **kwargs)

    def _note(self, what: str) -> None:
        """Record the innermost line outside torch and this file."""
        frames = [frame for frame in traceback.extract_stack() if not frame.filename.startswith((_TORCH, __file__))]
        place = f"{what} in {Path(frames[-1].filename).name}, line {frames[-1].lineno}"
        if place not in self.places:
            self.places.append(place)


def _is_gpu(entry: object) -> bool:
    return (isinstance(entry, str) and entry.split(":")[0] == "cuda") or (
        isinstance(entry, torch.device) and entry.type == "cuda"
    )


def _on_cpu(entry: Any) -> Any:
    return torch.device("cpu") if _is_gpu(entry) else entry
