"""Hidden Covariance. Serianni and Kalita, ACL 2023, arXiv:2306.00288, after `jacob_cov`."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from harness.evidence import HiddenStates
from harness.evidence.transformer_features import HiddenState
from harness.proxy import PROXIES, Proxy, Sees, Undefined
from proxies._layer_totals import total

_K = 1e-5


@PROXIES.register("hidden_covariance")
@dataclass(frozen=True)
class HiddenCovariance(Proxy):
    """Sum over layers of -sum(log(v + k) + 1/(v + k)), k = 1e-5, v the eigenvalues of hidden units' correlations.

    The correlations are over all tokens of all sequences. The authors defined it for recurrent networks, each layer by
    itself, in eval mode; here a layer is a block of attention with feed-forward layers, and the mode is the protocol's.
    layer=n takes the n-th alone, -1 the last, 0 all.

    The units of a state that a normalisation made sum to 0: one eigenvalue is 0, which adds the constant -99,988 for
    each such layer, so that the sum over layers is first of all a count of them. per_layer=True divides by it.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2306.00288"
    sees: ClassVar[Sees] = Sees.LIVE

    layer: int = 0
    per_layer: bool = False

    def measure(self, hidden: HiddenStates) -> float:
        """Higher is better; below 0."""
        states = hidden.states
        if self.layer:
            place = self.layer - (self.layer > 0)
            if not -len(states) <= place < len(states):
                raise Undefined(f"layer={self.layer} is asked for, and the network has {len(states)}")
            states = [states[place]]
        return total([_score(one) for one in states], per_layer=self.per_layer)


def _score(state: HiddenState) -> float:
    if state.eigenvalues is None:
        raise Undefined(f"a unit of the hidden state of {state.name} is constant, and has no correlation")
    shifted = state.eigenvalues.clamp(min=0) + _K
    return -float((torch.log(shifted) + 1 / shifted).sum())
