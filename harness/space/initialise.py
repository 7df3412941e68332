"""Initial parameters, drawn for each module from a generator of its own.

A module's parameters depend only on (seed, its initialisation key), so networks that share operations share their
weights, and the order in which modules are created has no effect.
"""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from enum import Enum

import torch
from torch import Tensor, nn

from harness.randomness import generator


class Initialisation(Enum):
    """Initialisation of convolutions and linear layers; normalisation layers always start as the identity."""

    default = "default"  # PyTorch's default, or the one of the benchmark's official code (`network.own_init`)
    kaiming_normal = "kaiming_normal"  # N(0, 2 / fan_in), biases zero
    kaiming_uniform = "kaiming_uniform"  # the same variance, uniform
    kaiming_normal_fan_out = "kaiming_normal_fan_out"  # N(0, 2 / fan_out), biases zero
    xavier_normal = "xavier_normal"  # N(0, 2 / (fan_in + fan_out)), biases zero
    normal = "normal"  # N(0, 1), biases zero
    narrow_normal = "narrow_normal"  # N(0, 0.01^2), biases zero: the classifier of nasbench-pytorch


def on_meta() -> AbstractContextManager[object]:
    """Modules created inside allocate no memory and draw nothing from the global generators."""
    return torch.device("meta")


def materialise(network: nn.Module, *, init: Initialisation, seed: int) -> nn.Module:
    """Allocate a network assembled on the meta device and draw its initial parameters.

    `network.init_keys` maps module names to the key that, with `seed`, determines their parameters. Where the official
    code does not use PyTorch's default, `network.own_init` names the module's default initialisation.
    """
    network = network.to_empty(device="cpu")
    initialise(network, init=init, seed=seed)
    return network.train()


def initialise(network: nn.Module, *, init: Initialisation, seed: int) -> None:
    """Draw the initial parameters of `materialise` for an allocated network; dtype, device and layout are unchanged."""
    if hasattr(network, "redraw"):  # a network of the user's own
        redraw: Callable[[Initialisation, int], None] = network.redraw  # type: ignore[assignment]
        redraw(init, seed)
        return
    # A plug-in may still call it `origins`; this alias will be removed in the next release.
    init_keys: dict[str, str] = getattr(network, "init_keys" if hasattr(network, "init_keys") else "origins")
    own_init: dict[str, Initialisation] = getattr(network, "own_init", {})
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            chosen = own_init.get(name, init) if init is Initialisation.default else init
            _draw(module, chosen, generator("weights", seed, init_keys[name]))
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()
        elif any(True for _ in module.parameters(recurse=False)):
            raise TypeError(f"No initialisation is known for {type(module).__name__} ('{name}').")


@torch.no_grad()
def _draw(module: nn.Conv2d | nn.ConvTranspose2d | nn.Linear, init: Initialisation, rng: torch.Generator) -> None:
    bias = None if module.bias is None else torch.zeros(module.bias.shape)
    draw_weight(module.weight, init, rng)
    if init is Initialisation.default and bias is not None:
        bound = 1 / math.sqrt(module.weight[0].numel())
        nn.init.uniform_(bias, -bound, bound, generator=rng)
    if module.bias is not None and bias is not None:
        module.bias.copy_(bias)


@torch.no_grad()
def draw_weight(parameter: Tensor, init: Initialisation, rng: torch.Generator) -> None:
    """Draw a weight of two or more dimensions in place, [n_out, n_in, ...]."""
    weight = torch.empty(parameter.shape)  # drawn in fp32 and C order, whatever the layout and dtype
    if init is Initialisation.default:
        nn.init.kaiming_uniform_(weight, a=math.sqrt(5), generator=rng)
    elif init is Initialisation.kaiming_normal:
        nn.init.kaiming_normal_(weight, nonlinearity="relu", generator=rng)
    elif init is Initialisation.kaiming_normal_fan_out:
        nn.init.kaiming_normal_(weight, mode="fan_out", nonlinearity="relu", generator=rng)
    elif init is Initialisation.kaiming_uniform:
        nn.init.kaiming_uniform_(weight, nonlinearity="relu", generator=rng)
    elif init is Initialisation.xavier_normal:
        nn.init.xavier_normal_(weight, generator=rng)
    else:
        nn.init.normal_(weight, std=0.01 if init is Initialisation.narrow_normal else 1.0, generator=rng)
    parameter.copy_(weight)
