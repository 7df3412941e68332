"""Losses that a user can choose: by name, or a function of a file. Each is a mean over the batch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor
from torch.nn import functional as F

from harness.errors import OptionError
from harness.inputs.functions import file_of, function_of, names_function, sha256_of_code
from harness.plug_in_code import calling
from harness.registry import unknown_name

CROSS_ENTROPY = "cross_entropy"
MSE = "mse"
MASKED = "masked_language_modelling"
NEXT_TOKEN = "next_token"
OUTPUT_SUM = "output_sum"
IGNORED = -100
"""The target of a position that does not count, as in PyTorch."""


def cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy of logits [batch, n_classes, ...] with classes [batch, ...], mean over all targets but -100.

    Raises:
        ValueError: if the shapes do not fit.
    """
    if outputs.dim() < 1 or outputs.shape[:1] + outputs.shape[2:] != targets.shape:
        raise _unfit(outputs, targets, "[batch, classes, ...] for targets [batch, ...]")
    return F.cross_entropy(outputs, targets) if targets.dim() == 1 else _mean_over_targets(outputs, targets)


def over_tokens(outputs: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy of logits [batch, length, n_tokens] with tokens [batch, length], mean over all targets but -100.

    Raises:
        ValueError: if the shapes do not fit.
    """
    if outputs.shape[:-1] != targets.shape:
        raise _unfit(outputs, targets, "[batch, length, tokens] for targets [batch, length]")
    return _mean_over_targets(outputs.flatten(0, -2), targets.flatten())


def mean_squared_error(outputs: Tensor, targets: Tensor) -> Tensor:
    """Mean squared error of outputs [batch, ...] and targets of the same shape; outputs [batch, 1] fit [batch].

    Raises:
        ValueError: if the shapes do not fit; nothing is broadcast.
    """
    if outputs.dim() == targets.dim() + 1 and outputs.shape[-1] == 1:
        outputs = outputs.squeeze(-1)
    if outputs.shape != targets.shape:
        raise _unfit(outputs, targets, "of the shape of the targets")
    return F.mse_loss(outputs, targets.to(outputs.dtype))


def output_sum(outputs: Tensor, targets: Tensor) -> Tensor:
    """The sum of the outputs [batch, ...] of each input, mean over the batch; targets are not looked at."""
    return outputs.flatten(1).sum(dim=1).mean()


LOSSES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    CROSS_ENTROPY: cross_entropy,
    MSE: mean_squared_error,
    MASKED: over_tokens,
    NEXT_TOKEN: over_tokens,
    OUTPUT_SUM: output_sum,
}


@dataclass(frozen=True)
class Loss:
    """A loss by name, or the function `name` of the file `path`, whose sha256 is part of the keys of scores."""

    name: str
    path: Path | None = None
    sha256: str = ""

    @classmethod
    def named(cls, word: str) -> "Loss":
        """The loss that `loss=WORD` means.

        Raises:
            OptionError: for a name that there is not.
            HarnessError: for a file that is not there, does not import, or has no such function.
        """
        if names_function(word):
            path, name = file_of(word, "loss")
            return cls(name, path, sha256_of_code(path))
        if word not in LOSSES:
            raise OptionError(
                f"{unknown_name('loss', word, list(LOSSES))} A function is one too: loss=file.py:function."
            )
        return cls(word)

    @property
    def label(self) -> str:
        """The loss as a setting names it."""
        return self.name if self.path is None else f"{self.path.name}:{self.name}"

    @property
    def key(self) -> str:
        """What identifies it in the key of a score."""
        return self.label + (f"@{self.sha256[:16]}" if self.path else "")

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The scalar of a batch.

        Raises:
            ValueError: if outputs and targets do not fit.
            HarnessError: if a function of a file raises, or gives something other than one number.
        """
        if self.path is None:
            return LOSSES[self.name](outputs, targets)
        function = function_of(self.path, self.name, "loss")
        with calling(f"loss={self.label}"):
            found = function(outputs, targets)
        if not isinstance(found, Tensor) or found.numel() != 1:
            shown = f"a tensor of shape {list(found.shape)}" if isinstance(found, Tensor) else type(found).__name__
            raise OptionError(f"loss={self.label} is invalid: it gave {shown}; it must give a tensor of one number.")
        return found.reshape(())


def _mean_over_targets(outputs: Tensor, targets: Tensor) -> Tensor:
    """The mean, 0 where no target counts: a masked sequence may have none."""
    total = F.cross_entropy(outputs, targets, ignore_index=IGNORED, reduction="sum")
    return total / (targets != IGNORED).sum().clamp(min=1)


def _unfit(outputs: Tensor, targets: Tensor, needed: str) -> ValueError:
    shapes = f"outputs {list(outputs.shape)} and targets {list(targets.shape)}"
    return ValueError(f"the loss takes outputs {needed}; it was given {shapes}")
