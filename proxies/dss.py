"""DSS of TF-TAS: synaptic diversity of attention, saliency of all else. Zhou et al., CVPR 2022, arXiv:2203.12217."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd

from harness.evidence import PrivateNetwork
from harness.evidence.private import run
from harness.evidence.transformer_parts import NO_ATTENTION, blocks_of, is_linear
from harness.proxy import PROXIES, Proxy, Sees, Undefined
from harness.space.own_network import body_of, weights_of
from proxies._layer_totals import diversity, saliency


@PROXIES.register("dss")
@dataclass(frozen=True)
class Dss(Proxy):
    """Sum over attention of |dR/dW|_* |W|_*, nuclear norms, plus sum of |w dR/dw| over other layers.

    R is the sum of the outputs for one image of ones, by a network whose parameters are replaced by their absolute
    values, in eval mode, without batch normalisation; layer normalisation stays. No data, no labels. A packed weight of
    queries, keys and values is one matrix, as in the authors' code. The other layers are all linear layers and
    convolutions besides, such as patch embedding, feed-forward part and head; tables of vectors and of positions do not
    count. Undefined where inputs are tokens, of which none is an input of ones: see `synaptic_diversity`.

    Not copied from the authors' code (decemberzhou/TF_TAS): it tells attention by equal numbers of inputs and outputs,
    and the head by 1,000 of them; it would count the head twice; its patch embedding is never reached. Run as it is
    (torch 2.13), it samples weights without a graph and copies the network, so that the copies keep their signs, and
    the packed weight of queries, keys and values and the head have no gradient and count 0. Its formula applied to each
    layer once gives the score here.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2203.12217"
    sees: ClassVar[Sees] = Sees.LIVE

    def measure(self, private: PrivateNetwork) -> float:
        """Higher is better; at least 0."""
        ones, network = private.ones(), private.network(training=False).requires_grad_(True)
        blocks = blocks_of(network)
        if not blocks:
            raise Undefined(NO_ATTENTION)
        of_attention = {name for block in blocks for one in block.attention for name in (*one.inner, *one.outer)}
        _prepare(network)
        modules = body_of(network).named_modules()
        layers = {name for name, one in modules if is_linear(one) or isinstance(one, _ConvNd)}
        weights = {name: one for name, one in weights_of(network).items() if name in layers | of_attention}
        with torch.enable_grad():
            total = run(network, ones).sum()
        if not total.requires_grad:
            raise Undefined("the outputs depend on no parameter")
        slopes = torch.autograd.grad(total, list(weights.values()), allow_unused=True)
        pairs = {name: (one, slope) for (name, one), slope in zip(weights.items(), slopes, strict=True)}
        return sum(_of(*pair, attention=name in of_attention) for name, pair in pairs.items() if pair[1] is not None)


def _of(weight: Tensor, slope: Tensor | None, *, attention: bool) -> float:
    assert slope is not None
    kind = diversity if attention else saliency
    return kind(weight.detach().double(), slope.double())


@torch.no_grad()
def _prepare(network: nn.Module) -> None:
    """Absolute parameters and buffers, no batch normalisation."""
    for one in network.state_dict().values():
        if one.is_floating_point():
            one.abs_()
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, _BatchNorm):
                setattr(parent, name, nn.Identity())
