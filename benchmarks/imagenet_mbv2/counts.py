"""Counts of an ImageNet network without building it: exact ones, and those that the authors used for their budgets.

The second kind is that of the authors' code (https://github.com/SLDGroup/ZiCo, commit b0fec65), PlainNet.get_FLOPs and
get_model_size as evolution_search.py calls them.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from benchmarks.imagenet_mbv2.structure import HEAD_WIDTH, Bottleneck, Structure
from harness.space import Layer

STEM_KERNEL = 3
SQUEEZED = 4  # squeeze-and-excitation has a quarter of the channels that it scales
_COLOURS = 3


def halved(size: int) -> int:
    """Pixels after a padded convolution of odd kernel and stride 2."""
    return (size + 1) // 2


def layers(structure: Structure, size: int, n_classes: int) -> Iterator[Layer]:
    """The layers of the trained network, with residual links and squeeze-and-excitation.

    Args:
        structure: the network's.
        size: pixels of a square image's side.
        n_classes: outputs of the classifier.
    """
    size = halved(size)
    yield _convolution(_COLOURS * STEM_KERNEL**2, structure.stem_width, size)
    equal: Counter[tuple[Bottleneck, int]] = Counter()
    for bottleneck in structure.bottlenecks():
        equal[bottleneck, size] += 1
        size = halved(size) if bottleneck.stride == 2 else size
    for (bottleneck, at), repeats in equal.items():
        yield from _bottleneck_layers(bottleneck, at, repeats)
    yield _convolution(structure.width, HEAD_WIDTH, size)
    weights = HEAD_WIDTH * n_classes
    yield Layer(weights, weights + n_classes, weights + n_classes, live=True)


@cache
def _bottleneck_layers(bottleneck: Bottleneck, size: int, repeats: int) -> tuple[Layer, ...]:
    n_in, hidden, n_out = bottleneck.n_in, bottleneck.n_hidden, bottleneck.n_out
    after = halved(size) if bottleneck.stride == 2 else size
    found = [
        _convolution(n_in, hidden, size),
        _convolution(bottleneck.kernel**2, hidden, after),
        _convolution(hidden, hidden // SQUEEZED, 1),
        _convolution(hidden // SQUEEZED, hidden, 1),
        _convolution(hidden, n_out, after),
    ]
    if bottleneck.projects:
        projection = _convolution(n_in, n_out, after)
        found.append(replace(projection, n_params=projection.n_params + n_out))  # it has a bias
    return tuple(replace(layer, repeats=repeats) for layer in found)


def _convolution(per_output: int, n_out: int, size: int) -> Layer:
    """A convolution of `per_output` weights per output channel, and its normalisation."""
    weights = per_output * n_out
    return Layer(weights, weights + 2 * n_out, weights * size * size, live=True)


def search_counts(structure: Structure, size: int, n_classes: int) -> tuple[int, float]:
    """Parameters and FLOPs as counted by the authors' search: without squeeze-and-excitation.

    A normalisation counts one parameter per channel and one operation per output; the classifier's bias counts as one
    parameter and no operation. The output size of a projection is divided by the stride once too often.
    """
    params, flops = 0, 0.0

    def add(per_output: int, n_out: int, size: float) -> None:
        nonlocal params, flops
        params += (per_output + 1) * n_out
        flops += (per_output + 1) * n_out * size**2

    size //= 2
    add(_COLOURS * STEM_KERNEL**2, structure.stem_width, size)
    for bottleneck in structure.bottlenecks():
        after = size // bottleneck.stride
        add(bottleneck.n_in, bottleneck.n_hidden, size)
        add(bottleneck.kernel**2, bottleneck.n_hidden, after)
        add(bottleneck.n_hidden, bottleneck.n_out, after)
        if bottleneck.projects:
            add(bottleneck.n_in, bottleneck.n_out, after / bottleneck.stride)
        size = after
    add(structure.width, HEAD_WIDTH, size)
    return params + HEAD_WIDTH * n_classes + 1, flops + HEAD_WIDTH * n_classes
