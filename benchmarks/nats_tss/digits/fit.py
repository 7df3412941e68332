"""Training of one cell, all seeds at once, and its test accuracies."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.inputs.digits import DIGITS
from benchmarks.nats_tss.digits.distortion import TrainingStream, held_out_copies, training_stream
from benchmarks.nats_tss.digits.grouped import GroupedNetwork
from benchmarks.nats_tss.digits.recipe import LabelledImages, Recipe
from benchmarks.nats_tss.space import NatsTss
from harness.randomness import derive_seed
from harness.space import Architecture

SPACE = NatsTss()
"""One instance for the whole package: it caches the classes of equal cells."""

_TEST_BATCH = 225  # larger ones leave the cache and cost more for each image


@dataclass(frozen=True)
class DigitsRun:
    """Test accuracies of one cell in percent, one per seed of the recipe, and the CPU seconds that they took."""

    arch: Architecture
    test_accuracies: tuple[float, ...]
    cpu_s: float

    def as_json(self) -> dict[str, object]:
        """All fields, as JSON reads them back."""
        return {"arch": self.arch, "test_accuracies": list(self.test_accuracies), "cpu_s": round(self.cpu_s, 3)}

    @classmethod
    def from_json(cls, read: Mapping[str, object]) -> "DigitsRun":
        """The outcome that `as_json` wrote.

        Raises:
            ValueError: if it is not one.
        """
        arch, accuracies, cpu_s = read.get("arch"), read.get("test_accuracies"), read.get("cpu_s")
        if not (isinstance(arch, str) and isinstance(accuracies, list) and isinstance(cpu_s, float)):
            raise ValueError(f"Not an outcome: {read}")
        return cls(Architecture(arch), tuple(float(accuracy) for accuracy in accuracies), cpu_s)


class Trainer:
    """Trains cells sequentially by one recipe.

    An outcome depends on (recipe, class of the cell) alone: initial weights are drawn from (seed, canonical form),
    batches from the seed, nothing from what was trained before.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe

    def fit(self, arch: Architecture) -> DigitsRun:
        """Train the networks of `arch`, one per seed, and test them after the last step."""
        started = time.process_time()
        network = self.initial_network(arch)
        flat = self._optimise(network)
        accuracies = tuple(self._test(network, flat).tolist())
        return DigitsRun(arch, accuracies, time.process_time() - started)

    def initial_network(self, arch: Architecture) -> GroupedNetwork:
        """The untrained networks; their seeds differ from those of proxies, so that no proxy sees these weights."""
        networks = [SPACE.network(arch, DIGITS, seed=derive_seed("digits truth", seed)) for seed in self.recipe.seeds]
        return GroupedNetwork(SPACE.cell(arch), self.recipe.cells_per_stage, networks)

    @cached_property
    def _stream(self) -> TrainingStream:
        return training_stream(self.recipe)

    @cached_property
    def _held_out(self) -> LabelledImages:
        return held_out_copies(self.recipe)

    def _optimise(self, network: GroupedNetwork) -> Tensor:
        """SGD with Nesterov momentum and weight decay on all parameters; the parameters after the last step."""
        recipe = self.recipe
        flat = network.flat.clone().requires_grad_()
        momentum = torch.zeros_like(flat)
        for step in range(recipe.n_steps):
            logits = network.logits(flat, self._stream.images[step], training=True)
            losses = F.cross_entropy(logits.flatten(0, 1), self._stream.labels[step].flatten(), reduction="sum")
            (gradient,) = torch.autograd.grad(losses / recipe.batch_size, flat)
            with torch.no_grad():
                gradient.add_(flat, alpha=recipe.weight_decay)
                momentum.mul_(recipe.momentum).add_(gradient)
                gradient.add_(momentum, alpha=recipe.momentum)
                flat.sub_(gradient, alpha=recipe.learning_rate(step))
        return flat.detach()

    @torch.no_grad()
    def _test(self, network: GroupedNetwork, flat: Tensor) -> Tensor:
        """Percent of the distorted test images classified correctly, float64 [seed]."""
        n_seeds, images, labels = len(self.recipe.seeds), self._held_out.images, self._held_out.labels
        n_correct = torch.zeros(n_seeds, dtype=torch.float64)
        for start in range(0, len(labels), _TEST_BATCH):
            batch = images[start : start + _TEST_BATCH].expand(-1, n_seeds, -1, -1)
            predicted = network.logits(flat, batch, training=False).argmax(dim=2)
            n_correct += (predicted == labels[start : start + _TEST_BATCH]).sum(dim=1)
        return n_correct * (100 / len(labels))
