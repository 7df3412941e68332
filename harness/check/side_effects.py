"""Possible side effects of a proxy: on the network, its evidence, the generators and global settings."""

import hashlib
import os
import random
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules import module as torch_module

from harness.evidence import Evidence

# Updated by every pass in train mode, including the harness's own.
_RUNNING = ("running_mean", "running_var", "num_batches_tracked")
_MODULE_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
_TENSOR_HOOKS = ("_backward_hooks", "_post_accumulate_grad_hooks")


@dataclass(frozen=True)
class NetworkState:
    """A network's state and its hooks, by location."""

    state: Mapping[str, object]
    hooks: Mapping[str, int]

    @classmethod
    def of(cls, network: nn.Module) -> Self:
        """The current state."""
        state: dict[str, object] = {}
        hooks: dict[str, int] = {}
        for name, module in network.named_modules():
            where = name or "the network"
            state[f"type of {where}"] = type(module)
            state[f"mode of {where}"] = module.training
            state[f"forward of {where}"] = "forward" in vars(module)
            hooks[where] = sum(len(getattr(module, kind)) for kind in _MODULE_HOOKS)
        for name, parameter in network.named_parameters():
            state[f"parameter {name}"] = _digest(parameter)
            state[f"requires_grad of {name}"] = parameter.requires_grad
            state[f".grad of {name}"] = parameter.grad is not None
            hooks[name] = sum(len(getattr(parameter, kind) or ()) for kind in _TENSOR_HOOKS)
        for name, buffer in network.named_buffers():
            if not (network.training and name.endswith(_RUNNING)):
                state[f"buffer {name}"] = _digest(buffer)
        return cls(state, hooks)

    def changed_in(self, later: "NetworkState") -> list[str]:
        """What differs in a later state, apart from hooks."""
        return differing(self.state, later.state)

    def hooks_left_in(self, later: "NetworkState") -> list[str]:
        """The locations at which a later state has more hooks."""
        return [where for where, n_hooks in later.hooks.items() if n_hooks > self.hooks.get(where, 0)]


def evidence_digest(evidence: Evidence) -> dict[str, object]:
    """The tensors, arrays and plain values in a piece of evidence, by location."""
    return {where: digest for where, digest in _contents(vars(evidence), "") if where != "seconds"}


def generators() -> dict[str, object]:
    """The states of the global generators."""
    return {
        "torch": _digest(torch.get_rng_state()),
        "numpy": str(np.random.get_state()),
        "random": random.getstate(),
    }


def global_settings() -> dict[str, object]:
    """Process-wide settings that other proxies depend on."""
    return {
        "torch's default dtype": torch.get_default_dtype(),
        "torch's number of threads": torch.get_num_threads(),
        "torch's gradient mode": torch.is_grad_enabled(),
        "torch's deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "torch's hooks on all modules": sum(
            len(getattr(torch_module, kind)) for kind in ("_global_forward_hooks", "_global_forward_pre_hooks")
        ),
        "numpy's handling of errors": str(np.geterr()),
        "the environment variables": dict(os.environ),
        "the working folder": Path.cwd(),
        "sys.path": tuple(sys.path),
    }


def differing(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    """The names whose values differ in a later state; new names are ignored."""
    return [name for name, value in before.items() if after.get(name) != value]


def _contents(value: object, where: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, Tensor):
        yield where, _digest(value)
    elif isinstance(value, np.ndarray):
        yield where, hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
    elif isinstance(value, Mapping):
        for key, entry in value.items():
            yield from _contents(entry, f"{where}.{key}".lstrip("."))
    elif isinstance(value, list | tuple):
        yield f"number of {where}", len(value)
        for position, entry in enumerate(value):
            yield from _contents(entry, f"{where}[{position}]")
    elif isinstance(value, int | float | str | bool | None):
        yield where, repr(value)


def _digest(tensor: Tensor) -> str:
    numbers: Any = tensor.detach().cpu().contiguous().flatten().view(torch.uint8)
    return hashlib.sha256(f"{tensor.dtype}{tuple(tensor.shape)}".encode() + numbers.numpy().tobytes()).hexdigest()
