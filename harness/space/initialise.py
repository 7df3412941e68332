"""Initial parameters, each module's drawn from a generator of its own.

A module's draw depends on (seed, its origin) alone, so networks that share operations share their weights, and nothing
depends on the order in which modules are made.
"""

import math
from contextlib import AbstractContextManager
from enum import Enum

import torch
from torch import nn

from harness.randomness import generator


class Initialisation(Enum):
    """How convolutions and linear layers start; normalisation always starts as the identity."""

    default = "default"  # PyTorch's own, or what a benchmark's official code draws instead (`network.own_init`)
    kaiming_normal = "kaiming_normal"  # N(0, 2 / fan_in), biases zero
    kaiming_uniform = "kaiming_uniform"  # the same variance, uniform
    kaiming_normal_fan_out = "kaiming_normal_fan_out"  # N(0, 2 / fan_out), biases zero
    xavier_normal = "xavier_normal"  # N(0, 2 / (fan_in + fan_out)), biases zero
    normal = "normal"  # N(0, 1), biases zero
    narrow_normal = "narrow_normal"  # N(0, 0.01^2), biases zero: the classifier of nasbench-pytorch


def on_meta() -> AbstractContextManager[object]:
    """Modules made inside hold no memory and draw nothing from the global generators."""
    return torch.device("meta")


def materialise(network: nn.Module, *, init: Initialisation, seed: int) -> nn.Module:
    """Give a network assembled on the meta device its memory and its initial parameters.

    `network.init_keys` maps module names to the text that, with `seed`, determines their draw. Where the official code
    does not leave a module to PyTorch, `network.own_init` names what it draws by default.
    """
    network = network.to_empty(device="cpu")
    initialise(network, init=init, seed=seed)
    return network.train()


def initialise(network: nn.Module, *, init: Initialisation, seed: int) -> None:
    """Give a network that has memory the initial parameters of `materialise`; dtype, device and layout stay."""
    # A plug-in may still call it `origins`; that goes with the next release.
    init_keys: dict[str, str] = getattr(network, "init_keys", None) or network.origins  # type: ignore[assignment]  # nn.Module types attributes as tensors
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
    weight = torch.empty(module.weight.shape)  # an order of entries and a precision that no layout or dtype changes
    bias = None if module.bias is None else torch.zeros(module.bias.shape)
    if init is Initialisation.default:
        nn.init.kaiming_uniform_(weight, a=math.sqrt(5), generator=rng)
        if bias is not None:
            bound = 1 / math.sqrt(weight[0].numel())
            nn.init.uniform_(bias, -bound, bound, generator=rng)
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
    module.weight.copy_(weight)
    if module.bias is not None and bias is not None:
        module.bias.copy_(bias)
