"""The state of this process that scores depend on: taken before code from outside the project runs, put back after it.

Settings are named with how each is read and put back; functions and classes of torch, numpy, Python and the project are
compared by identity, so that a replaced one is found in about a millisecond and put back from the saved reference.
"""

import builtins
import copy
import gc
import math
import os
import random
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from dataclasses import dataclass
from functools import cache, partial
from itertools import chain
from operator import attrgetter, is_
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules import module as torch_module

from harness.inputs import Batch
from harness.scoring.arithmetic import products, set_products

_OWN_PACKAGES = ("harness", "proxies", "benchmarks")
_LIBRARIES: tuple[ModuleType | type, ...] = (
    builtins, copy, math, os, random, time, np, np.linalg, np.random, torch, torch.autograd, torch.backends.cudnn,
    torch.linalg, torch.nn, torch.nn.functional, torch.nn.init, torch.random, torch_module, Tensor, torch.Generator,
)  # fmt: skip
_MADE_WHEN_NEEDED = frozenset({"__annotations__", "__doc__", "__abstractmethods__", "__parameters__", "__slotnames__"})
_UNWATCHED = _MADE_WHEN_NEEDED | {"Storage"}  # torch.Storage goes with the default dtype
_REPLACED_BY_TORCH = frozenset({"manual_seed"})  # when torch._dynamo is imported


@dataclass(frozen=True)
class _Setting:
    name: str
    read: Callable[[], Any]
    put_back: Callable[[Any], object]


def _module_hooks() -> dict[str, Any]:
    """Torch's hooks on all modules, by the name of the variable that holds them."""
    found = {name: value for name, value in vars(torch_module).items() if name.startswith("_global_")}
    return {name: dict(value) if isinstance(value, dict) else value for name, value in found.items()}


def _put_back_module_hooks(hooks: dict[str, Any]) -> None:
    for name, value in hooks.items():
        current = getattr(torch_module, name)
        if isinstance(value, dict):
            current.clear()
            current.update(value)
        else:
            setattr(torch_module, name, value)


def _put_back_environment(environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)


def _flushes_denormals() -> bool:
    return (torch.full((1,), 1e-310, dtype=torch.float64) * 1.0).item() == 0.0


def _deterministic(state: tuple[bool, bool]) -> None:
    torch.use_deterministic_algorithms(state[0], warn_only=state[1])


def _collector(enabled: bool) -> None:
    (gc.enable if enabled else gc.disable)()


def _flag(name: str, owner: object, attribute: str) -> _Setting:
    return _Setting(name, lambda: getattr(owner, attribute), lambda value: setattr(owner, attribute, value))


def _same(items: list[Any], container: list[Any]) -> None:
    container[:] = items


_SETTINGS = (
    _Setting("torch's default dtype", torch.get_default_dtype, torch.set_default_dtype),
    _Setting("torch's default device", torch.get_default_device, lambda device: torch.set_default_device(device)),
    _Setting("torch's gradient mode", torch.is_grad_enabled, torch._C._set_grad_enabled),
    _Setting("torch's number of threads", torch.get_num_threads, torch.set_num_threads),
    _Setting(
        "torch's deterministic algorithms",
        lambda: (torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()),
        _deterministic,
    ),
    _Setting(
        "torch's anomaly detection",
        lambda: (torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()),
        lambda state: torch.autograd.set_detect_anomaly(*state),
    ),
    *(
        _Setting(
            f"torch's autocast on {device}",
            partial(torch.is_autocast_enabled, device),
            partial(torch.set_autocast_enabled, device),
        )
        for device in ("cpu", "cuda")
    ),
    _Setting("torch's precision of products", products, set_products),
    _Setting("torch's flushing of denormal numbers", _flushes_denormals, torch.set_flush_denormal),
    _flag("torch.backends.mkldnn.enabled", torch.backends.mkldnn, "enabled"),
    _flag("torch.backends.cudnn.enabled", torch.backends.cudnn, "enabled"),
    _flag("torch.backends.cudnn.benchmark", torch.backends.cudnn, "benchmark"),
    _flag("torch.backends.cudnn.deterministic", torch.backends.cudnn, "deterministic"),
    _Setting("torch's hooks on all modules", _module_hooks, _put_back_module_hooks),
    _Setting("numpy's handling of errors", np.geterr, lambda state: np.seterr(**state)),
    _Setting("the recursion limit", sys.getrecursionlimit, sys.setrecursionlimit),
    _Setting("the garbage collector", gc.isenabled, _collector),
    _Setting("the warnings filters", lambda: list(warnings.filters), lambda found: _same(found, warnings.filters)),  # type: ignore[arg-type]
    _Setting("the environment variables", lambda: dict(os.environ), _put_back_environment),
    _Setting("the working folder", Path.cwd, os.chdir),
    _Setting("sys.path", lambda: list(sys.path), lambda found: _same(found, sys.path)),
    _Setting("the trace function", sys.gettrace, sys.settrace),
    _Setting("the profile function", sys.getprofile, sys.setprofile),
)


class ProcessState:
    """The state as it is when this is made."""

    def __init__(self, batches: Iterable[Batch] = ()) -> None:
        self._batches = tuple(batches)
        self._settings = [_read(setting) for setting in _SETTINGS]
        self._sums = _sums(self._batches)

    def restore_settings(self) -> list[str]:
        """Put back the settings that have changed, and name them."""
        changed = []
        for setting, before in zip(_SETTINGS, self._settings, strict=True):
            if _read(setting) != before:
                changed.append(setting.name)
                _quietly(setting.put_back, before)
        return changed

    def restore_code(self) -> list[str]:
        """Put back functions and classes that were replaced; name them, and the batches of images if they changed."""
        return [name for one in watched() for name in one.restore()] + self._changed_batches()

    def is_restored(self) -> bool:
        """Whether everything is as it was, so that this process may go on scoring."""
        same = all(_read(setting) == before for setting, before in zip(_SETTINGS, self._settings, strict=True))
        return same and all(one.same() for one in watched()) and not self._changed_batches()

    def _changed_batches(self) -> list[str]:
        return ["the batches of images"] if _sums(self._batches) != self._sums else []


def _read(setting: _Setting) -> Any:
    try:
        return setting.read()
    except Exception as error:  # a folder that is gone, a function that was replaced
        return f"not to be read: {type(error).__name__}"


def _quietly(put_back: Callable[[Any], object], value: Any) -> None:
    try:
        put_back(value)
    except Exception:  # `is_restored` finds it
        return


def _sums(batches: Iterable[Batch]) -> list[int]:
    """One number per tensor, which nearly any change moves."""
    return [checksum(tensor) for batch in batches for tensor in (batch.images, batch.targets)]


def checksum(tensor: Tensor) -> int:
    """The sum of a tensor's elements, their bits read as whole numbers, modulo 2**64."""
    whole: Any = tensor.detach().contiguous().flatten()
    width = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}.get(whole.element_size(), torch.uint8)
    return int(whole.view(width).sum(dtype=torch.int64))


class _Namespace:
    """The functions and classes that a module or class held when it was first seen."""

    def __init__(self, owner: ModuleType | type) -> None:
        self._owner = owner
        self._found: MutableMapping[str, Any] = vars(owner)
        held = {name: value for name, value in self._found.items() if _is_code(value) and name not in _UNWATCHED}
        self._names, self._values = tuple(held), tuple(held.values())
        self._functions = tuple(value for value in self._values if type(value) is FunctionType)
        self._codes = tuple(map(_code, self._functions))
        self._all, self._n_all = frozenset(self._found), len(self._found)

    def same(self) -> bool:
        """Whether all of them are there, with the same code, and a class has no new attribute."""
        if not all(map(is_, map(self._found.get, self._names), self._values)):
            return False
        return all(map(is_, map(_code, self._functions), self._codes)) and not self._new()

    def restore(self) -> list[str]:
        """Put back what was replaced, and name it."""
        if self.same():
            return []
        changed = []
        for name, value in zip(self._names, self._values, strict=True):
            if self._found.get(name) is not value:
                changed += [name] if name not in _REPLACED_BY_TORCH else []
                _quietly(partial(setattr, self._owner, name), value)
        for function, code in zip(self._functions, self._codes, strict=True):
            if function.__code__ is not code:
                changed.append(function.__name__)
                function.__code__ = code
        for name in self._new():
            changed.append(name)
            _quietly(lambda name: delattr(self._owner, name), name)
        where = self._owner.__name__ if isinstance(self._owner, ModuleType) else f"the class {self._owner.__name__}"
        return [f"{where}.{name}" for name in changed]

    def _new(self) -> list[str]:
        """New attributes of a class; of a module, those alone that hide a name of Python's: it may import others."""
        if len(self._found) == self._n_all:
            return []
        new = [name for name in self._found if name not in self._all and name not in _MADE_WHEN_NEEDED]
        if isinstance(self._owner, type):
            return new
        hiding = [name for name in new if name in _BUILTIN_NAMES]
        # A submodule that was imported meanwhile is an attribute of its package: harness.list is one.
        own = {name: sys.modules.get(f"{self._owner.__name__}.{name}") for name in hiding}
        return [name for name in hiding if own[name] is None or self._found[name] is not own[name]]


_code = attrgetter("__code__")
_BUILTIN_NAMES = frozenset(vars(builtins)) - frozenset(vars(ModuleType("")))


def _is_code(value: object) -> bool:
    return callable(value) or isinstance(value, staticmethod | classmethod | property)


@cache  # once per process: what a function is replaced with later is not what it was
def watched() -> tuple[_Namespace, ...]:
    """What is compared by identity; to be called before code from outside the project runs."""
    modules = [module for name, module in sorted(sys.modules.items()) if name.split(".")[0] in _OWN_PACKAGES]
    classes = chain(
        chain.from_iterable(map(_classes_of, modules)),
        (kind for kind in vars(nn).values() if isinstance(kind, type)),
    )
    return tuple(_Namespace(owner) for owner in dict.fromkeys(chain(_LIBRARIES, modules, classes)))


def _classes_of(module: ModuleType) -> Iterator[type]:
    for value in list(vars(module).values()):
        if isinstance(value, type) and value.__module__ == module.__name__:
            yield value
