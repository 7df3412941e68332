"""Hidden states between blocks, and features inside feed-forward layers, as spectra of their units."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from harness.evidence.base import EVIDENCE
from harness.evidence.coverage import Coverage, share
from harness.evidence.gradients import at_least_float32
from harness.evidence.transformer_pass import Looked, TransformerPass


@dataclass(frozen=True, eq=False)
class HiddenState:
    """The output of a block on a batch: its name, and of the correlation matrix of its units over all positions.

    Attributes:
        name: of the block.
        n_positions: sequences times tokens.
        eigenvalues: float64 [n_units], ascending; None if a unit is constant, or the state has no units.
    """

    name: str
    n_positions: int
    eigenvalues: Tensor | None


@EVIDENCE.register("hidden_states")
class HiddenStates(TransformerPass):
    """The outputs of the blocks of a transformer on the first batch.

    `states` are in the order in which blocks ran; a block that is a list and has no output of its own is not among
    them. Undefined without attention, or where no block is a module that runs. Memory: one state at a time, and a
    matrix of its units in float64.
    """

    def __init__(self) -> None:
        self.states: list[HiddenState] = []

    def watch(self, looked: Looked) -> list[Any]:
        """See `TransformerPass`."""
        return [
            looked.modules[block.name].register_forward_hook(partial(self._see, block.name))
            for block in looked.blocks
            if block.name
        ]

    def _see(self, name: str, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        state = output[0] if isinstance(output, tuple | list) and output else output
        if isinstance(state, Tensor) and state.dim() >= 3:
            rows = state.flatten(0, -2)
            self.states.append(HiddenState(name, len(rows), _correlated(rows)))

    def conclude(self) -> None:
        """See `TransformerPass`."""
        if not self.states:
            self.reason = "no module of the network runs attention with feed-forward layers and returns a sequence"


@dataclass(frozen=True, eq=False)
class ForwardFeatures:
    """What an activation between feed-forward layers read on a batch.

    Attributes:
        name: of the layer before the activation.
        n_inputs: units that this layer reads.
        codes: bool [n_tokens, n_units], whether a pre-activation is above 0, of the first sequence.
        variances: float64 [n_units], descending: eigenvalues of the covariance of the pre-activations over positions,
            exact to about 1e-6 of the largest unless the protocol is in float64.
    """

    name: str
    n_inputs: int
    codes: Tensor
    variances: Tensor


@EVIDENCE.register("feed_forward_features")
class FeedForwardFeatures(TransformerPass):
    """Pre-activations inside the feed-forward layers of a transformer on the first batch.

    `activations` has one entry for each elementwise activation, a module or a function, that reads the output of a
    feed-forward layer, in the order of the pass. Undefined without any. The coverage is the share of their units among
    those of all activations. Memory: one entry's features and a matrix of its units at a time, and the codes of one
    sequence.
    """

    def __init__(self) -> None:
        self.activations: list[ForwardFeatures] = []
        self._n_read = self._n_unread = 0

    def see_activation(self, layer: str, n_inputs: int, features: Tensor) -> None:
        """See `TransformerPass`."""
        self._n_read += features.numel() // features.shape[0]
        codes = features.reshape(len(features), -1, features.shape[-1])[0] > 0
        self.activations.append(ForwardFeatures(layer, n_inputs, codes, _variances(features.flatten(0, -2))))

    def see_other_activation(self, n_units: int) -> None:
        """See `TransformerPass`."""
        self._n_unread += n_units

    def conclude(self) -> None:
        """See `TransformerPass`."""
        if not self.activations:
            self.reason = "no elementwise activation reads a feed-forward layer beside an attention"
        self.coverage = Coverage(activations=share(self._n_read, self._n_read + self._n_unread))


def _variances(rows: Tensor) -> Tensor:
    """Eigenvalues [n_units], descending, of the covariance of the columns of rows [n_positions, n_units]."""
    exact = at_least_float32(rows)
    centred = exact - exact.mean(dim=0)
    n_positions, n_units = centred.shape
    product = centred @ centred.T if n_positions < n_units else centred.T @ centred
    values = torch.linalg.eigvalsh(product / max(1, n_positions - 1)).double().flip(0).clamp(min=0)
    return F.pad(values, (0, n_units - len(values)))


def _correlated(rows: Tensor) -> Tensor | None:
    """Eigenvalues of the correlation matrix of the columns of rows [n_positions, n_units]."""
    exact = rows.double()
    centred = exact - exact.mean(dim=0)
    norms = centred.norm(dim=0)
    # Rounding leaves a constant column of x with about |x| eps.
    if not len(norms) or not bool(torch.isfinite(norms).all()) or bool((norms <= exact.norm(dim=0) * 1e-7).any()):
        return None
    scaled = centred / norms
    eigenvalues: Tensor = torch.linalg.eigvalsh(scaled.T @ scaled)
    return eigenvalues
