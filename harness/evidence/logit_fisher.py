"""The Fisher information of a network's own predictions, over a few entries of each parameter. arXiv:2502.04975."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from harness.evidence.base import EVIDENCE, Undefined
from harness.evidence.coverage import Coverage, share
from harness.evidence.private import PrivateNetworkAndImages, hooked, run
from harness.space.initialise import Initialisation
from harness.space.own_network import OwnNetwork

_NUMBERS = 64 * 3 * 32 * 32
"""Numbers in the images of a forward pass: memory is twice the feature maps of so many."""
_KNOWN = (nn.Conv2d, nn.Linear, nn.BatchNorm2d)


@dataclass(frozen=True)
class FisherRequest:
    """Which Fisher matrix: that of `n_entries` equally spaced entries of each of the first `n_tensors` parameters.

    `noise`: N(0,1) images instead of the protocol's. `smoothing` s: predictions are (1 - s) softmax + s / classes.
    `as_coded`: the factor of the predictions' covariance is applied from the wrong side, see `LogitFisher`.
    """

    n_images: int
    n_tensors: int
    n_entries: int
    noise: bool
    smoothing: float
    as_coded: bool


@EVIDENCE.register("logit_fisher")
class LogitFisher(PrivateNetworkAndImages):
    """The mean over images of J^T C J, J the derivatives of the logits and C = diag(p) - p p^T for predictions p.

    Weights are N(0, 2 / fan_in), normalisation uses running statistics, which are 0 and 1, so that images do not
    interact. One backward pass per class, or per input of the last linear layer if these are fewer, serves all images;
    for each entry of a weight only the values that it is multiplied with are kept. The authors factorise C = L L^T and
    use J^T L^T L J, which is another matrix and depends on the order of the classes: `as_coded`.

    Of a network of the user's own every trained parameter, in one pass per image and class.

    Memory: twice the feature maps, and the Jacobian, of 64 images of 3 x 32 x 32 numbers, or of as many numbers; of
    one image at least.
    """

    shared_pass: ClassVar[str] = "logit Fisher"

    def matrix(self, request: FisherRequest) -> Tensor:
        """float64 [n, n] for the n chosen entries; over fewer images if the protocol has fewer.

        Raises:
            Undefined: if the network's output is no vector of logits, or nothing is trained.
        """
        return self.once(request, lambda: self._compute(request))

    def _compute(self, request: FisherRequest) -> Tensor:
        network = self.network(init=Initialisation.kaiming_normal, training=False)
        images = self.noise(request.n_images) if request.noise else self.images(request.n_images)
        parameters = dict(list(network.named_parameters())[: request.n_tensors])
        owners = [network.get_submodule(name.rpartition(".")[0]) for name in parameters]
        known = not isinstance(network, OwnNetwork) and all(isinstance(owner, _KNOWN) for owner in owners)
        total: Tensor | None = None
        at_once = max(1, _NUMBERS // max(1, images[0].numel()))
        for start in range(0, len(images), at_once):
            some = images[start : start + at_once]
            pieces = _together(network, parameters, some, request.n_entries) if known else None
            for logits, jacobian in pieces or _one_by_one(network, parameters, some, request.n_entries):
                found = _fisher(logits.double(), jacobian.double(), request)
                total = found if total is None else total + found
        if total is None or not total.numel():
            raise Undefined("the network has no parameter that is trained")
        if isinstance(network, OwnNetwork):
            trained = [one.numel() for one in parameters.values() if one.requires_grad]
            self.coverage = Coverage(weights=share(sum(trained), sum(one.numel() for one in network.parameters())))
        return total / len(images)


def _fisher(logits: Tensor, jacobian: Tensor, request: FisherRequest) -> Tensor:
    """The sum over images; `logits` [n_images, n_classes], `jacobian` [n_images, n_classes, n], in float64."""
    smoothing = request.smoothing
    predictions = logits.softmax(dim=1) * (1 - smoothing) + smoothing / logits.shape[1]
    if not request.as_coded:
        weighted = predictions[:, :, None] * jacobian
        mean = weighted.sum(dim=1)  # p^T J
        return torch.einsum("ncj,nck->jk", jacobian, weighted) - mean.T @ mean
    factors = _cholesky(predictions)
    rows = (factors @ jacobian).flatten(0, 1)
    return rows.T @ rows


def _cholesky(predictions: Tensor) -> Tensor:
    """The lower triangular L [n_images, n_classes, n_classes] with L L^T = diag(p) - p p^T, in closed form.

    Tanabe and Sagae, J. R. Stat. Soc. B 54 (1992): with q_j = 1 - p_1 - ... - p_j, L_jj = sqrt(p_j q_j / q_(j-1)) and
    L_ij = -p_i / q_j L_jj below the diagonal; the last column is zero.
    """
    left = (1 - predictions.cumsum(dim=1)).clamp(min=0)
    left[:, -1] = 0
    before = torch.cat([torch.ones_like(left[:, :1]), left[:, :-1]], dim=1)
    diagonal = (predictions * left / before).sqrt()
    ratios = -predictions[:, :, None] / torch.where(left > 0, left, torch.inf)[:, None, :]
    eye = torch.eye(predictions.shape[1], dtype=predictions.dtype, device=predictions.device)
    return (ratios.tril(-1) + eye) * diagonal[:, None, :]


def _places(parameter: Tensor, n_entries: int) -> list[int]:
    """Equally spaced flat positions, from the first entry on; as torch.linspace, rounded down."""
    steps: list[int] = torch.linspace(0, parameter.numel() - 1, steps=n_entries).long().tolist()
    return steps


def _logits(network: nn.Module, images: Tensor) -> Tensor:
    outputs = run(network, images)
    if outputs.dim() != 2:
        raise Undefined("the output of the network is no vector of logits, whose softmax would be a prediction")
    return outputs


Entry = tuple[int, int, Tensor | None]
"""The output channel of an entry, the call of its layer, and what the gradient there is multiplied with."""


class Call(NamedTuple):
    """A layer's call: the layer's name, what it read, and its output."""

    name: str
    inputs: Tensor
    output: Tensor


def _together(
    network: nn.Module, parameters: dict[str, nn.Parameter], images: Tensor, n_entries: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Logits and Jacobian [n_images, n_classes, n] of images that do not interact."""
    network.requires_grad_(False)
    names = {network.get_submodule(name.rpartition(".")[0]): name.rpartition(".")[0] for name in parameters}
    calls: list[Call] = []

    def see(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        if not output.requires_grad:
            output = output.detach().requires_grad_()
        calls.append(Call(names[module], inputs[0], output))
        return output

    with hooked(list(names), see), torch.enable_grad():
        logits = _logits(network, images)
    entries: list[list[Entry]] = []
    for name, parameter in parameters.items():
        owner, _, own = name.rpartition(".")
        module, of_owner = network.get_submodule(owner), [at for at, call in enumerate(calls) if call.name == owner]
        for place in _places(parameter, n_entries):
            entries.append([_entry(module, own, place, at, calls[at].inputs.detach()) for at in of_owner])
    yield logits.detach(), _jacobian(network, logits, calls, entries)


def _jacobian(network: nn.Module, logits: Tensor, calls: Sequence[Call], entries: Sequence[Sequence[Entry]]) -> Tensor:
    """float64 [n_images, n_classes, n], by the inputs of a last linear layer where these are fewer than classes."""
    last = next((at for at, call in enumerate(calls) if call.output is logits), None)
    classifier = None if last is None or logits._version else network.get_submodule(calls[last].name)
    # Only a layer as PyTorch has it, whose output nothing changed in place.
    if last is None or type(classifier) is not nn.Linear or classifier.in_features >= classifier.out_features:
        return _derivatives(logits, [call.output for call in calls], entries)
    features = calls[last].inputs
    found = _derivatives(features, [call.output for call in calls], entries)
    jacobian = torch.einsum("ci,nij->ncj", classifier.weight.double(), found)
    for column, entry in enumerate(entries):
        for channel, at, factor in entry:
            if at == last:
                jacobian[:, channel, column] += 1 if factor is None else factor.sum(dim=1)
    return jacobian


def _derivatives(targets: Tensor, outputs: Sequence[Tensor], entries: Sequence[Sequence[Entry]]) -> Tensor:
    """Derivatives float64 [n_images, n_targets, n] of targets [n_images, n_targets], by the gradients at outputs."""
    found = torch.zeros(*targets.shape, len(entries), dtype=torch.float64, device=targets.device)
    for index in range(targets.shape[1] if outputs and targets.requires_grad else 0):
        gradients = torch.autograd.grad(targets[:, index].sum(), outputs, retain_graph=True, allow_unused=True)
        for column, entry in enumerate(entries):
            found[:, index, column] = sum(
                (_product(gradients[at], channel, factor) for channel, at, factor in entry),
                torch.zeros((), dtype=torch.float64, device=targets.device),
            )
    return found


def _product(gradient: Tensor | None, channel: int, factor: Tensor | None) -> Tensor:
    if gradient is None:
        return torch.zeros((), dtype=torch.float64)
    found = gradient[:, channel].reshape(len(gradient), -1).double()
    return found.sum(dim=1) if factor is None else (found * factor).sum(dim=1)


def _entry(module: nn.Module, own: str, place: int, at: int, inputs: Tensor) -> Entry:
    """The channel that an entry of a parameter adds to, and what it is multiplied with [n_images, n_pixels] there."""
    if own == "bias":
        return place, at, None
    if isinstance(module, nn.BatchNorm2d):
        assert module.running_mean is not None
        assert module.running_var is not None
        channel = inputs[:, place].flatten(1).double()
        return place, at, (channel - module.running_mean[place]) / (module.running_var[place] + module.eps).sqrt()
    if isinstance(module, nn.Linear):
        unit, source = (int(index) for index in np.unravel_index(place, module.weight.shape))
        return unit, at, inputs[:, source, None].double()
    assert isinstance(module, nn.Conv2d)
    out, into, row, column = (int(index) for index in np.unravel_index(place, module.weight.shape))
    group = out // (module.out_channels // module.groups)
    one = inputs[:, group * (module.in_channels // module.groups) + into].double()
    (top, left), (down, right), (tall, wide) = _pair(module.padding), _pair(module.stride), _pair(module.dilation)
    padded = F.pad(one, (left, left, top, top))[:, row * tall :, column * wide :]
    height = (one.shape[1] + 2 * top - tall * (module.kernel_size[0] - 1) - 1) // down + 1
    width = (one.shape[2] + 2 * left - wide * (module.kernel_size[1] - 1) - 1) // right + 1
    patch = padded[:, ::down, ::right][:, :height, :width]
    return out, at, patch.flatten(1)


def _pair(setting: str | Sequence[int]) -> tuple[int, int]:
    assert not isinstance(setting, str)  # padding by words is not used in the project's spaces
    return setting[0], setting[1]


def _one_by_one(
    network: nn.Module, parameters: dict[str, nn.Parameter], images: Tensor, n_entries: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """The same of any network."""
    trained = {name: one for name, one in parameters.items() if one.requires_grad}
    for at in range(len(images)):
        with torch.enable_grad():
            logits = _logits(network, images[at : at + 1])
        if not (trained and logits.requires_grad):
            raise Undefined("the output depends on no parameter that is trained")
        rows = []
        for index in range(logits.shape[1]):
            found = torch.autograd.grad(logits[0, index], list(trained.values()), retain_graph=True, allow_unused=True)
            rows.append(
                torch.cat(
                    [
                        torch.zeros(n_entries, dtype=torch.float64, device=images.device)
                        if gradient is None
                        else gradient.flatten()[_places(gradient, n_entries)].double()
                        for gradient in found
                    ]
                )
            )
        yield logits.detach(), torch.stack(rows)[None]
